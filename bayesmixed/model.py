"""build: the PyMC model that a design means."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmixed.design import CUTS, Design, Predictor
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.families import Parameter
from bayesmixed.families.ordinal import pytensor_log_density, pytensor_log_share
from bayesmixed.links import Array
from bayesmixed.placements import (
    CENTRED,
    HIERARCHICAL,
    NONCENTRED,
    WAYS,
    Placement,
    level_mean,
    parent_index,
    place_groups,
    population_mean,
    remaining_shift,
    taken_columns,
)
from bayesmixed.prior_functions import PriorFunction
from bayesmixed.priors import DISTRIBUTIONS, INDUCED, Prior
from bayesmixed.terms.blocks import NormalBlock
from bayesmixed.thresholds import draw_thresholds, threshold_quantile, threshold_shift

if TYPE_CHECKING:
    import pymc as pm


def build(design: Design, *, parameterisation: Mapping[str, str] | None = None) -> "pm.Model":
    """Return the plain PyMC model of a design, with named dims and coords.

    Variables have the names of the draws. Where priors are stated at the covariate means, the free variables are
    called `centred_...` and those of the draws are deterministic functions of them with Jacobian 1.

    Parameters
    ----------
    design : Design
        With a response.
    parameterisation : mapping of str to {"centred", "noncentred", "hierarchical"}, optional
        By the name of the effects ("b_herd"); without an entry the effects themselves are the free variables
        ("centred"). "noncentred": standardised effects are; "hierarchical": the group coefficients are.
        The joint density of coefficients, SDs, correlations and effects is the same for every choice.

    Raises
    ------
    SpecError
        A parameterisation has another name.
    """
    import pymc as pm

    choice = dict(parameterisation or {})
    for way in choice.values():
        if way not in WAYS:
            raise SpecError(f"Parameterisation '{way}' is not known. {did_you_mean(way, WAYS)}")
    effects = [predictor.b(group) for predictor, group in design.normal_blocks()]
    unknown = [name for name in choice if name not in effects]
    if unknown:
        raise SpecError(f"Parameterisation of '{unknown[0]}': no such effects. {did_you_mean(unknown[0], effects)}")
    with pm.Model(coords=_coords(design)) as model:
        values: dict[str, Any] = {}
        for name, predictor in design.predictors.items():
            values[name] = predictor.link.pytensor_inverse(_linear_predictor(design, predictor, choice))
        if design.family.cuts:
            values |= _thresholds(design, model)
        for name in design.numbers:
            values[name] = _scalar(design.family.parameter(name), *design.scalar_prior(name))
        variable = _observe(design, design.in_rows(values))
        if design.multiplicity is not None:
            further = (design.multiplicity - 1.0) * pm.logp(variable, model.rvs_to_values[variable])
            pm.Potential("further_likelihood", further.sum())
    return model


def _observe(design: Design, values: Mapping[str, Any]) -> Any:
    """Return the response as a variable, given the parameters of its family."""
    import pymc as pm

    family = design.family
    observed = np.asarray(design.response)
    trials = design.trials
    if family.discrete:
        observed, trials = _whole(observed), _whole(trials)
    if family.pytensor_logp is None:
        law = getattr(pm, family.distribution)
        return law(design.response_name, **family.arguments(values, trials), observed=observed, dims="row")
    names, logp = list(values), family.pytensor_logp

    def density(y: Any, *parameters: Any) -> Any:
        return logp(y, dict(zip(names, parameters, strict=True)), trials)

    return pm.CustomDist(
        design.response_name,
        *values.values(),
        logp=density,
        observed=observed,
        dims="row",
        dtype="int64" if family.discrete else "float64",
    )


def _coords(design: Design) -> dict[str, list[str]]:
    coords: dict[str, list[str]] = {"row": list(design.table.data.index)}
    if design.categories:
        coords["cut"] = design.cut_labels
    for predictor in design.predictors.values():
        coords |= predictor.coords()
    return coords


def _whole(values: Any) -> Any:
    return np.asarray(values).astype(np.int64)


def _linear_predictor(design: Design, predictor: Predictor, choice: Mapping[str, str]) -> Any:
    placements = place_groups(predictor, choice)
    eta: Any = predictor.offset
    beta: Any = None
    if predictor.population.labels:
        beta = _coefficients(design, predictor)
        taken = taken_columns(placements)
        rest = [column for column in range(len(predictor.population.labels)) if column not in taken]
        eta = eta + predictor.centred_matrix[:, rest] @ beta[rest]
        for placement in placements:
            shift = remaining_shift(predictor, placement)
            eta = eta + shift @ beta if np.any(shift) else eta
    coefficients: dict[str, Any] = {}
    for placement in placements:
        group = placement.group
        if group.observation:
            eta = eta + _observation_effects(design, predictor, placement, eta)[group.index, 0]
            continue
        mean = _mean(predictor, placement, beta, coefficients, placements)
        coefficients[group.name] = total = _effects(design, predictor, placement, mean)
        if not placement.absorbed:
            eta = eta + _contribution(group, total)
    return eta


def _contribution(group: NormalBlock, total: Any) -> Any:
    """Return the addition of a term's coefficients, of the shape of the block, to the predictor of each row."""
    if group.dense:
        return group.matrix @ total if len(group.shape) == 1 else (group.matrix * total.T[group.index]).sum(axis=1)
    eta: Any = 0.0
    for column, values in enumerate(group.centred_matrix.T):
        picked = total[group.index, column]
        eta = eta + (picked if np.all(values == 1) else values * picked)
    return eta


def _mean(
    predictor: Predictor,
    placement: Placement,
    beta: Any,
    coefficients: Mapping[str, Any],
    placements: tuple[Placement, ...],
) -> Any:
    """Return the mean of a term's coefficients: (J, K), (K,), or None for zero."""
    mean: Any = None
    if placement.parent:
        outer = next(other.group for other in placements if other.group.name == placement.parent)
        mean = coefficients[placement.parent][parent_index(placement.group, outer)]
    elif placement.columns:
        mean = population_mean(predictor, placement) @ beta
    if placement.level_columns:
        intercepts = level_mean(predictor, placement) @ beta[list(placement.level_columns)]
        first = np.arange(len(placement.group.labels)) == placement.group.intercept
        mean = (0.0 if mean is None else mean) + intercepts[:, None] * first
    return mean


def _thresholds(design: Design, model: "pm.Model") -> dict[str, Any]:
    """Return the thresholds at the centre of the columns by name, and register those as written."""
    import pymc as pm

    moved = bool(np.any(design.mu.centre != 0))
    name, prior, cuts = f"centred_{CUTS}" if moved else CUTS, design.priors[CUTS].prior, design.family.cuts
    options = {"dims": "cut", "transform": pm.distributions.transforms.ordered}
    options["initval"] = threshold_quantile(design, 0.5)
    if prior.name == INDUCED:

        def logp(value: Any, shape: Any) -> Any:
            return _induced_dirichlet(value, shape, design.mu.link.name, len(cuts))

        def random(shape: Any, rng: np.random.Generator, size: Any) -> Array:
            return draw_thresholds(design, int(np.prod(size or ())), rng).reshape(*(size or ()), len(cuts))

        drawn = pm.CustomDist(
            name, prior.arguments[0], logp=logp, random=random, signature=f"()->({len(cuts)})", **options
        )
    else:
        arguments = dict(zip(DISTRIBUTIONS[prior.name].parameters, np.array(prior.arguments, dtype=float), strict=True))
        drawn = getattr(pm, prior.name)(name, **arguments, **options)
    if moved:
        pm.Deterministic(CUTS, drawn + threshold_shift(design, model[design.mu.beta]), dims="cut")
    return {cut: drawn[k] for k, cut in enumerate(cuts)}


def _induced_dirichlet(thresholds: Any, shape: Any, link: str, count: int) -> Any:
    """Return the log-density of thresholds whose shares of categories at predictor 0 have a Dirichlet law."""
    import pytensor.tensor as pt

    total = pt.gammaln((count + 1) * shape) - (count + 1) * pt.gammaln(shape)
    far = np.array([100.0])
    ends = pt.concatenate([-far, thresholds, far])
    shares = pytensor_log_share(link, ends[:-1], ends[1:])
    return total + pytensor_log_density(link, thresholds).sum() + (shape - 1.0) * shares.sum()


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


def _effects(design: Design, predictor: Predictor, placement: Placement, mean: Any) -> Any:
    """Return the coefficients at the centre, (J, K), effects plus mean, and register effects, SDs and correlations."""
    import pymc as pm
    import pytensor.tensor as pt

    group, way = placement.group, placement.way
    as_written = not np.any(group.centre)
    mark = "" if as_written else "centred_"
    name, written = f"{mark}{predictor.b(group)}", predictor.b(group)
    dims = predictor.b_dims(group)
    sd, factor = _scales(design, predictor, group, mark)
    shift = 0.0 if mean is None else mean
    if way == NONCENTRED:
        z = pm.Normal(f"z_{group.name}{predictor.suffix}", 0.0, 1.0, dims=dims)
        effects = z * sd if factor is None else _times(z, factor, len(group.labels))
        total = effects + shift
    else:
        inside = shift if way == HIERARCHICAL else 0.0
        free = f"coefficient_{group.name}{predictor.suffix}" if way == HIERARCHICAL else name
        if factor is None:
            drawn = pm.Normal(free, inside, sd, dims=dims)
        else:
            drawn = pm.MvNormal(free, mu=inside + pt.zeros(len(group.labels)), chol=factor, dims=dims)
        effects = drawn - inside if way == HIERARCHICAL else drawn
        total = drawn if way == HIERARCHICAL else drawn + shift
    if way != CENTRED and as_written:
        pm.Deterministic(name, effects, dims=dims)
    elif not as_written:
        pm.Deterministic(written, _times(effects, group.transform, len(group.labels)), dims=dims)
    return total


def _observation_effects(design: Design, predictor: Predictor, placement: Placement, eta: Any) -> Any:
    """Return the (n, 1) observation-level effects; "hierarchical" centres each on the rest of its predictor."""
    import pymc as pm

    group = placement.group
    if placement.way != HIERARCHICAL:
        return _effects(design, predictor, placement, None)
    sd, _ = _scales(design, predictor, group, "")
    dims = predictor.b_dims(group)
    rest = (eta + np.zeros(design.rows))[:, None]
    total = pm.Normal(f"coefficient_{group.name}{predictor.suffix}", rest, sd, dims=dims)
    return pm.Deterministic(predictor.b(group), total - rest, dims=dims)


def _scales(design: Design, predictor: Predictor, group: NormalBlock, mark: str) -> tuple[Any, Any]:
    """Return the SDs at the centre and, where correlations are estimated, the Cholesky factor of the covariance."""
    priors = [design.priors[key].prior for key in predictor.sd_keys(group)]
    sd = _vector(f"{mark}{predictor.sd(group)}", priors, *predictor.b_dims(group)[1:])
    factor = None
    if group.correlated:
        concentration = design.priors[predictor.corr(group)].prior.arguments[0]
        factor = sd[:, None] * _correlation_factor(predictor.corr(group), group, concentration)
    _register_covariance(predictor, group, sd, factor)
    return sd, factor


def _times(effects: Any, matrix: Any, size: int) -> Any:
    """Return effects @ matrix.T, built by columns: nutpie stores the product itself in the wrong memory order."""
    import pytensor.tensor as pt

    columns = [pt.sum(effects * matrix[i], axis=1) for i in range(size)]
    return pt.stack(columns, axis=1)


def _register_covariance(predictor: Predictor, group: NormalBlock, sd: Any, factor: Any) -> None:
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


def _correlation_factor(name: str, group: NormalBlock, concentration: float) -> Any:
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


def _vector(name: str, priors: list[Prior], *dims: str) -> Any:
    """Return one variable whose elements have the given priors; without a dimension there is one element."""
    import pymc as pm
    import pytensor.tensor as pt

    groups = _by_distribution(priors)
    if len(groups) == 1 and groups[0][0] != "Fixed":
        arguments = {word: values if dims else values[0] for word, values in groups[0][2].items()}
        return getattr(pm, groups[0][0])(name, **arguments, dims=dims)
    vector = pt.zeros(len(priors))
    for distribution, positions, arguments in groups:
        if distribution == "Fixed":
            piece = np.array([priors[i].arguments[0] for i in positions])
        else:
            piece = getattr(pm, distribution)(f"{name}_{distribution}", **arguments, shape=len(positions))
        vector = pt.set_subtensor(vector[positions], piece)
    return pm.Deterministic(name, vector if dims else vector[0], dims=dims)


def _by_distribution(priors: list[Prior]) -> list[tuple[str, list[int], dict[str, Array]]]:
    groups = []
    for name in dict.fromkeys(prior.name for prior in priors):
        positions = [i for i, prior in enumerate(priors) if prior.name == name]
        table = np.array([priors[i].arguments for i in positions])
        words = [] if name == "Fixed" else list(DISTRIBUTIONS[name].parameters)
        groups.append((name, positions, {word: table[:, k] for k, word in enumerate(words)}))
    return groups


def _scalar(parameter: Parameter, function: PriorFunction, prior: Prior) -> Any:
    """Return a parameter without predictor; where a function of it has the prior, that function is the free variable."""
    import pymc as pm
    import pytensor.tensor as pt

    # PyTensor would hold plain numbers such as 4.0 in single precision.
    numbers = np.array(prior.arguments, dtype=float)
    if prior.name == "Fixed":
        return pm.Deterministic(parameter.name, pt.as_tensor_variable(function.inverse(numbers[0])))
    if function.text != "{}":
        arguments = dict(zip(DISTRIBUTIONS[prior.name].parameters, numbers, strict=True))
        free = getattr(pm, prior.name)(function.word.format(parameter.name), **arguments)
        return pm.Deterministic(parameter.name, function.pytensor_inverse(free))
    arguments = dict(zip(DISTRIBUTIONS[prior.name].parameters, numbers, strict=True))
    lower, upper = prior.support
    if lower >= parameter.lower and upper <= parameter.upper:
        return getattr(pm, prior.name)(parameter.name, **arguments)
    inside = getattr(pm, prior.name).dist(**arguments)
    lower_bound = parameter.lower if lower < parameter.lower else None
    upper_bound = parameter.upper if upper > parameter.upper else None
    return pm.Truncated(parameter.name, inside, lower=lower_bound, upper=upper_bound)
