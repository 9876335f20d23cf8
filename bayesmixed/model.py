"""build: the PyMC model that a design means."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmixed.design import Design, Predictor
from bayesmixed.errors import SpecError
from bayesmixed.families import Parameter
from bayesmixed.links import Array
from bayesmixed.priors import DISTRIBUTIONS, Prior
from bayesmixed.terms.blocks import GroupBlock

if TYPE_CHECKING:
    import pymc as pm

CENTRED = "centred"
NONCENTRED = "noncentred"


def build(design: Design, *, parameterisation: Mapping[str, str] | None = None) -> "pm.Model":
    """Return the plain PyMC model of a design, with named dims and coords.

    Variables have the names of the draws. Where priors are stated at the covariate means, the free variables are
    called `centred_...` and those of the draws are deterministic functions of them with Jacobian 1.

    Parameters
    ----------
    design : Design
        With a response.
    parameterisation : mapping of str to {"centred", "noncentred"}, optional
        By the name of the effects ("b_herd"); without an entry the effects themselves are the free variables.
        The joint density of coefficients, SDs, correlations and effects is the same for every choice.
    """
    import pymc as pm

    choice = dict(parameterisation or {})
    with pm.Model(coords=_coords(design)) as model:
        values: dict[str, Any] = {}
        for name, predictor in design.predictors.items():
            values[name] = predictor.link.pytensor_inverse(_linear_predictor(design, predictor, choice))
        for name in design.scalars:
            values[name] = _scalar(design.family.parameter(name), design.priors[name].prior)
        observed = np.asarray(design.response)
        getattr(pm, design.family.distribution)(
            design.spec.response,
            **design.family.arguments(values, _whole(design.trials) if design.family.discrete else design.trials),
            observed=_whole(observed) if design.family.discrete else observed,
            dims="row",
        )
    return model


def _coords(design: Design) -> dict[str, list[str]]:
    coords: dict[str, list[str]] = {"row": list(design.table.data.index)}
    for predictor in design.predictors.values():
        coords[f"{predictor.beta}_effect"] = list(predictor.population.labels)
        for group in predictor.groups:
            coords[group.name] = list(group.levels)
            coords[predictor.effect_dim(group)] = list(group.labels)
            if group.correlated:
                coords[f"{predictor.effect_dim(group)}_2"] = list(group.labels)
    return coords


def _whole(values: Any) -> Any:
    return np.asarray(values).astype(np.int64)


def _linear_predictor(design: Design, predictor: Predictor, choice: Mapping[str, str]) -> Any:
    eta: Any = predictor.offset
    if predictor.population.labels:
        eta = eta + predictor.centred_matrix @ _coefficients(design, predictor)
    for group in predictor.groups:
        way = choice.get(predictor.b(group), CENTRED)
        if way not in (CENTRED, NONCENTRED):
            raise SpecError(f"Parameterisation '{way}' is not known. Accepted: '{CENTRED}', '{NONCENTRED}'.")
        effects = _effects(design, predictor, group, way)
        for column, values in enumerate(group.centred_matrix.T):
            picked = effects[group.index, column]
            eta = eta + (picked if np.all(values == 1) else values * picked)
    return eta


def _coefficients(design: Design, predictor: Predictor) -> Any:
    """Return the coefficients at the centre and register those as written."""
    import pymc as pm

    labels, name = predictor.population.labels, predictor.beta
    priors = [_coefficient_prior(design, predictor, label) for label in labels]
    if not predictor.centred:
        return _vector(name, priors, f"{name}_effect")
    centred = _vector(f"centred_{name}", priors, f"{name}_effect")
    pm.Deterministic(name, predictor.transform @ centred, dims=f"{name}_effect")
    return centred


def _coefficient_prior(design: Design, predictor: Predictor, label: str) -> Prior:
    centred = f"{predictor.beta}[{label}_centred]"
    key = centred if label == "Intercept" and centred in design.priors else f"{predictor.beta}[{label}]"
    return design.priors[key].prior


def _effects(design: Design, predictor: Predictor, group: GroupBlock, way: str) -> Any:
    """Return the (J, K) effects at the centre and register effects, SDs and correlations as written."""
    import pymc as pm
    import pytensor.tensor as pt

    as_written = not np.any(group.centre)
    mark = "" if as_written else "centred_"
    dims = (group.name, predictor.effect_dim(group))
    priors = [design.priors[f"{predictor.sd(group)}[{label}]"].prior for label in group.labels]
    sd = _vector(f"{mark}{predictor.sd(group)}", priors, dims[1])
    factor = None
    if group.correlated:
        concentration = design.priors[predictor.corr(group)].prior.arguments[0]
        factor = sd[:, None] * _correlation_factor(predictor.corr(group), group, concentration)
    _register_covariance(predictor, group, sd, factor)
    name = f"{mark}{predictor.b(group)}"
    if way == NONCENTRED:
        z = pm.Normal(f"z_{group.name}{predictor.suffix}", 0.0, 1.0, dims=dims)
        effects = z * sd if factor is None else _times(z, factor, len(group.labels))
        if as_written:
            return pm.Deterministic(name, effects, dims=dims)
    elif factor is None:
        effects = pm.Normal(name, 0.0, sd, dims=dims)
    else:
        effects = pm.MvNormal(name, mu=pt.zeros(len(group.labels)), chol=factor, dims=dims)
    if not as_written:
        pm.Deterministic(predictor.b(group), _times(effects, group.transform, len(group.labels)), dims=dims)
    return effects


def _times(effects: Any, matrix: Any, size: int) -> Any:
    """Return effects @ matrix.T, built by columns: nutpie stores the product itself in the wrong memory order."""
    import pytensor.tensor as pt

    columns = [pt.sum(effects * matrix[i], axis=1) for i in range(size)]
    return pt.stack(columns, axis=1)


def _register_covariance(predictor: Predictor, group: GroupBlock, sd: Any, factor: Any) -> None:
    """Register the correlation matrix, and the SDs if they are stated elsewhere than as written."""
    import pymc as pm
    import pytensor.tensor as pt

    if factor is None:
        return
    dim = predictor.effect_dim(group)
    scaled = group.transform @ factor
    covariance = scaled @ scaled.T
    written = sd
    if np.any(group.centre):
        written = pm.Deterministic(predictor.sd(group), pt.sqrt(pt.diag(covariance)), dims=dim)
    corr = covariance / written[:, None] / written[None, :]
    pm.Deterministic(predictor.corr(group), corr, dims=(dim, f"{dim}_2"))


def _correlation_factor(name: str, group: GroupBlock, concentration: float) -> Any:
    """Return the (K, K) Cholesky factor of the correlation matrix of a group's columns.

    The partial correlations of a canonical vine are independent symmetric Beta variables under the LKJ law
    (Lewandowski, Kurowicka & Joe 2009, J Multivar Anal 100:1989). Unlike `pm.LKJCholeskyCov` this has correct forward
    draws, and leaves the SDs free to have priors of different families.
    """
    import pymc as pm
    import pytensor.tensor as pt

    size = len(group.labels)
    rows: list[list[Any]] = [[float(i == j) for j in range(size)] for i in range(size)]
    for number, part in enumerate(part for part in group.parts if part.correlated):
        width = len(part.columns)
        levels = [column for row in range(1, width) for column in range(row)]
        shape = concentration + (width - 2 - np.array(levels)) / 2.0
        partial = (
            2.0 * pm.Beta(f"partial_{name}" + (f"_{number + 1}" if number else ""), shape, shape, shape=len(levels))
            - 1.0
        )
        at = 0
        for i in range(1, width):
            left: Any = 1.0
            for j in range(i):
                rows[part.columns[i]][part.columns[j]] = partial[at] * pt.sqrt(left)
                left = left * (1.0 - partial[at] ** 2)
                at += 1
            rows[part.columns[i]][part.columns[i]] = pt.sqrt(left)
    return pt.stack([pt.stack([pt.as_tensor_variable(value) for value in row]) for row in rows])


def _vector(name: str, priors: list[Prior], dim: str) -> Any:
    """Return one variable whose elements have the given priors."""
    import pymc as pm
    import pytensor.tensor as pt

    groups = _by_distribution(priors)
    if len(groups) == 1 and groups[0][0] != "Fixed":
        return getattr(pm, groups[0][0])(name, **groups[0][2], dims=dim)
    vector = pt.zeros(len(priors))
    for distribution, positions, arguments in groups:
        if distribution == "Fixed":
            piece = np.array([priors[i].arguments[0] for i in positions])
        else:
            piece = getattr(pm, distribution)(f"{name}_{distribution}", **arguments, shape=len(positions))
        vector = pt.set_subtensor(vector[positions], piece)
    return pm.Deterministic(name, vector, dims=dim)


def _by_distribution(priors: list[Prior]) -> list[tuple[str, list[int], dict[str, Array]]]:
    groups = []
    for name in dict.fromkeys(prior.name for prior in priors):
        positions = [i for i, prior in enumerate(priors) if prior.name == name]
        table = np.array([priors[i].arguments for i in positions])
        words = [] if name == "Fixed" else list(DISTRIBUTIONS[name].parameters)
        groups.append((name, positions, {word: table[:, k] for k, word in enumerate(words)}))
    return groups


def _scalar(parameter: Parameter, prior: Prior) -> Any:
    import pymc as pm
    import pytensor.tensor as pt

    if prior.name == "Fixed":
        return pm.Deterministic(parameter.name, pt.as_tensor_variable(prior.arguments[0]))
    arguments = dict(zip(DISTRIBUTIONS[prior.name].parameters, prior.arguments, strict=True))
    lower, upper = prior.support
    if lower >= parameter.lower and upper <= parameter.upper:
        return getattr(pm, prior.name)(parameter.name, **arguments)
    inside = getattr(pm, prior.name).dist(**arguments)
    lower_bound = parameter.lower if lower < parameter.lower else None
    upper_bound = parameter.upper if upper > parameter.upper else None
    return pm.Truncated(parameter.name, inside, lower=lower_bound, upper=upper_bound)
