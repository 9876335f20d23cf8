"""build: the PyMC model that a design means."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmixed.design.centring import PARAMETERISATIONS, Placement, place_groups, remaining_columns
from bayesmixed.design.coefficient_priors import ExplainedOnData
from bayesmixed.design.design import CATEGORY, CUTS, Design
from bayesmixed.design.thresholds import draw_thresholds, threshold_quantile, threshold_shifts
from bayesmixed.design.variance_splits import PartPrior
from bayesmixed.errors import SpecError, check_choice, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import unpack_counts
from bayesmixed.families.ordinal import pytensor_log_density, pytensor_log_share
from bayesmixed.interruptions import import_whole
from bayesmixed.model.effect_variables import declare_effects, declare_row_effects
from bayesmixed.model.event_columns import EventVariable, Rows, sum_events
from bayesmixed.model.latent_variables import (
    LatentVariable,
    declare_latent,
    draw_freely,
    draw_given_response,
    is_integrated,
    latent_coords,
)
from bayesmixed.model.onset_variables import Rest, declare_distance, declare_multiple, declare_rest
from bayesmixed.model.prior_variables import declare_scalar, declare_vector
from bayesmixed.model.residual_variables import observe_correlated
from bayesmixed.model.shrunken_variables import declare_scales, declare_shrunken
from bayesmixed.model.split_variables import PART, declare_part, declare_split
from bayesmixed.model.tied_effects import TiedEffects, declare_ties
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.prior_distributions import DISTRIBUTIONS, INDUCED
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.residual_blocks import DIMS

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
        A parameterisation is given for unknown effects.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> model = bm.build(bm.prepare("herd", data))
    >>> [variable.name for variable in model.free_RVs]
    ['beta', 'sd_herd', 'b_herd']
    """
    return build_to_sample(design, parameterisation or {}, standard=False)


def build_to_sample(design: Design, parameterisation: Mapping[str, str], *, standard: bool = True) -> "pm.Model":
    """Return the model of `build` with the same density; if `standard`, an intercept and a residual SD have free variables that
    hardly depend on the shift of all responses, where there is one (`onset_variables`)."""
    import_whole("pymc")
    import pymc as pm

    choice = dict(parameterisation)
    check_parameterisation(choice, (design, *(latent.design for latent in design.latent)))
    with pm.Model(coords=coords_of(design), model=None) as model:
        design, rows = declare_parameters(design, choice, declare_ties(design), standard=standard)
        if design.residual is not None:
            observe_correlated(design, design.residual, rows)
        else:
            observe(design, rows)
    return model


def check_parameterisation(choice: Mapping[str, str], designs: Iterable[Design]) -> None:
    """Refuse coordinates that are not known, and those of effects that no design has (SpecError)."""
    for chosen in choice.values():
        check_choice("Parameterisation {}", chosen, PARAMETERISATIONS)
    effects = [predictor.b(group) for one in designs for predictor, group in one.normal_blocks()]
    unknown = [name for name in choice if name not in effects]
    if unknown:
        raise SpecError(f"Parameterisation of '{unknown[0]}': no such effects. {did_you_mean(unknown[0], effects)}")


def declare_parameters(
    design: Design, choice: Mapping[str, str], ties: Mapping[str, TiedEffects], *, standard: bool = False
) -> tuple[Design, dict[str, Any]]:
    """Return the rows that are observed, and the parameters of the family in each, all that they depend on being declared in
    the open model."""
    values: dict[str, Any] = {}
    split, scale = design.split, design.family.scale
    if split is not None:
        declare_split(split)
    elif design.joint_priors and scale in design.numbers:
        values[scale] = declare_scalar(design.family.parameter(scale), *design.scalar_prior(scale))
    for joint in design.joint_priors.values():
        declare_scales(joint, values.get(str(scale)))
    rest = declare_rest(design) if standard and not design.latent else None
    if rest is not None:
        values[design.family.onset] = rest.shift
    declared = {latent.column: declare_latent(latent, choice, _linear_predictor) for latent in design.latent}
    variables = [one for one in declared.values() if isinstance(one, LatentVariable)]
    events = {name: one for name, one in declared.items() if isinstance(one, EventVariable)}
    etas, rates = dict[str, Any](), {name: dict[str, Any]() for name in events}
    integrated = bool(variables) and is_integrated(design)
    moved = [(one, one.move(one.centre if integrated else draw_freely(one))) for one in variables]
    slopes: list[Any] = []
    for name, predictor in design.predictors.items():
        eta, beta = _linear_predictor(design, predictor, choice, ties, rest if predictor is design.mu else None)
        for one, move in moved:
            if name in one.latent.slopes:
                slopes.append(one.latent.slopes[name] @ beta)
                eta = eta + slopes[-1] * move
        for latent in design.latent:
            if latent.column in events and name in latent.slopes:
                rates[latent.column][name] = latent.slopes[name] @ beta
        etas[name], values[name] = eta, predictor.link.pytensor_inverse(eta)
    if design.family.cuts:
        values |= _thresholds(design)
    for name in design.numbers:
        if name in values:
            continue
        if split is not None and split.holds(name):
            values[name] = declare_part(split, name, name, None, None)
        elif rest is not None and name == design.family.parameters[1].name:
            values[name] = declare_multiple(design, name, rest)
        else:
            parameter, highest = design.family.parameter(name), None
            if parameter.onset and design.response is not None:
                highest = float(np.min(np.asarray(design.response)))
            named = replace(parameter, name=f"{name}{design.ending}")
            values[name] = declare_scalar(named, *design.scalar_prior(name), highest=highest)
    if events:
        design, rows = sum_events(design, Rows(values, etas, rates, events))
    else:
        rows = design.in_rows(values)
    if integrated:
        residual = design.family.working(np.asarray(design.response)) - rows[design.mu.parameter]
        rows[str(scale)] = draw_given_response(variables, slopes, residual, rows[str(scale)])
    return design, rows


def observe(design: Design, values: Mapping[str, Any]) -> Any:
    """Return the response as a variable, given the parameters of its family in each row."""
    import pymc as pm

    variable = _response(design, values)
    if design.observed.multiplicity is not None:
        density = pm.logp(variable, pm.modelcontext(None).rvs_to_values[variable])
        further = (design.observed.multiplicity - 1.0) * density
        pm.Potential(f"further_likelihood{design.ending}", further.sum())
    return variable


def _response(design: Design, values: Mapping[str, Any]) -> Any:
    import pymc as pm

    family = design.family
    dims = f"row{design.ending}" if len(np.asarray(design.response)) == len(design.table.data) else None
    observed = np.asarray(design.response)
    trials = design.trials
    if family.discrete:
        observed, trials = observed if family.counted else _whole(observed), _whole(trials)
    if family.pytensor_logp is None:
        distribution = getattr(pm, family.distribution)
        return distribution(design.response_name, **family.arguments(values, trials), observed=observed, dims=dims)
    known = design.observed.known_limits
    values = {name: value for name, value in values.items() if name not in known}
    names, logp = list(values), family.pytensor_logp
    several: dict[str, Any] = {"dims": dims, "dtype": "int64" if family.discrete else "float64"}
    if family.counted:
        observed, count = _whole(unpack_counts(observed).T), len(design.categories)
        several = {
            "dims": None if dims is None else (dims, f"{CATEGORY}{design.ending}"),
            "dtype": "int64",
            "signature": f"{','.join(['()'] * len(values))}->({count})",
        }

    def density(y: Any, *parameters: Any) -> Any:
        return logp(y, {**dict(zip(names, parameters, strict=True)), **known}, trials)

    def random(*parameters: Any, rng: np.random.Generator, size: Any) -> Array:
        drawn = family.random(rng, {**dict(zip(names, parameters, strict=True)), **known}, trials, tuple(size))
        return np.moveaxis(unpack_counts(drawn), 0, -1) if family.counted else drawn

    return pm.CustomDist(
        design.response_name,
        *values.values(),
        logp=density,
        random=random,
        observed=observed,
        **several,
    )


def coords_of(design: Design) -> dict[str, list[Any]]:
    """Return the labels of the dimensions of all variables."""
    coords: dict[str, list[Any]] = {f"row{design.ending}": list(design.table.data.index), **latent_coords(design)}
    if design.family.cuts:
        coords[f"cut{design.ending}"] = design.cut_labels
    if design.family.counted:
        coords[f"{CATEGORY}{design.ending}"] = list(design.categories)
    if design.split is not None:
        coords[PART] = [part.name for part in design.split.parts]
    if design.residual is not None and design.residual.dense:
        coords |= {key: list(design.residual.labels) for key in DIMS}
    for joint in design.joint_priors.values():
        if isinstance(joint, ExplainedOnData):
            coords[PART] = [part.name for part in joint.parts]
    for predictor in design.predictors.values():
        coords |= predictor.coords() | predictor.coordinate_coords()
    return coords


def _whole(values: Any) -> Any:
    return np.asarray(values).astype(np.int64)


def _linear_predictor(
    design: Design,
    predictor: Predictor,
    choice: Mapping[str, str],
    ties: Mapping[str, TiedEffects] = MappingProxyType({}),
    rest: Rest | None = None,
) -> tuple[Any, Any]:
    """Return a linear predictor, and the coordinates of its coefficients (None without any)."""
    placements = place_groups(predictor, choice)
    eta: Any = predictor.offset
    beta: Any = None
    if predictor.population.labels:
        place = _place_of_intercept(design, predictor) if rest is not None else None
        if rest is None or place is None:
            beta = _coefficients(design, predictor)
        else:
            beta, eta = _distances(design, predictor, place, rest), eta + rest.mean
        columns, matrix = remaining_columns(predictor, placements)
        eta = eta + matrix @ beta[columns]
    coefficients: dict[str, Any] = {}
    for placement in placements:
        group = placement.group
        if group.single:
            eta = eta + group.expression(declare_row_effects(design, predictor, placement, eta))
            continue
        mean = _mean(placement, beta, coefficients, placements)
        tied = ties.get(predictor.corr(group)) if group.tied else None
        coefficients[group.name] = total = declare_effects(design, predictor, placement, mean, tied)
        if not placement.absorbed:
            eta = eta + group.expression(total)
    return eta, beta


def _mean(placement: Placement, beta: Any, coefficients: Mapping[str, Any], placements: tuple[Placement, ...]) -> Any:
    """Return the mean of a term's coefficients, (J, K), or None for zero."""
    mean: Any = None
    if placement.columns:
        levels, width, taken = placement.weights.shape
        flat = placement.weights.reshape(levels * width, taken) @ beta[list(placement.columns)]
        mean = flat.reshape((levels, width))
    if placement.parent:
        outer = next(other.group for other in placements if other.group.name == placement.parent)
        above = coefficients[placement.parent][placement.group.parents(outer)]
        mean = above if mean is None else above + mean
    return mean


def _thresholds(design: Design) -> dict[str, Any]:
    """Return the thresholds at the centre of the columns by name, and register those as written."""
    import pymc as pm
    import pytensor.tensor as pt

    name, dims = f"{CUTS}{design.ending}", f"cut{design.ending}"
    own = [one for key, one in design.predictors.items() if one is design.mu or design.family.parameter(key).of_cut]
    moved = any(np.any(predictor.centre != 0) for predictor in own)
    prior, count = design.priors[CUTS].prior, len(design.family.cuts)

    def logp(value: Any, *arguments: Any) -> Any:
        if prior.name == INDUCED:
            return _induced_dirichlet(value, arguments[0], design.mu.link.name, count)
        named = dict(zip(DISTRIBUTIONS[prior.name].parameters, arguments, strict=True))
        return pm.logp(getattr(pm, prior.name).dist(**named), value).sum()

    def random(*arguments: Any, rng: np.random.Generator, size: Any) -> Array:
        return draw_thresholds(design, int(np.prod(size or ())), rng).reshape(*(size or ()), count)

    def start(variable: Any, size: Any, *arguments: Any) -> Any:
        # An `initval` would keep PyMC from copying the model, as `pm.compute_log_likelihood` does.
        return pt.as_tensor_variable(threshold_quantile(design, 0.5))

    drawn = pm.CustomDist(
        f"centred_{name}" if moved else name,
        *np.array(prior.arguments, dtype=float),
        logp=logp,
        random=random,
        support_point=start,
        signature=f"{','.join(['()'] * len(prior.arguments))}->({count})",
        dims=dims,
        **{} if design.family.at_risk else {"transform": pm.distributions.transforms.ordered},
    )
    if moved:
        model = pm.modelcontext(None)
        shifts = threshold_shifts(design, lambda predictor: model[predictor.beta])
        pm.Deterministic(name, drawn + pt.stack(shifts), dims=dims)
    return {cut: drawn[k] for k, cut in enumerate(design.family.cuts)}


def _induced_dirichlet(thresholds: Any, shape: Any, link: str, count: int) -> Any:
    """Return the log-density of thresholds whose shares of categories at predictor 0 have a Dirichlet distribution."""
    import pytensor.tensor as pt

    total = pt.gammaln((count + 1) * shape) - (count + 1) * pt.gammaln(shape)
    far = np.array([100.0])
    ends = pt.concatenate([-far, thresholds, far])
    shares = pytensor_log_share(link, ends[:-1], ends[1:])
    return total + pytensor_log_density(link, thresholds).sum() + (shape - 1.0) * shares.sum()


def _coefficients(design: Design, predictor: Predictor) -> Any:
    """Return the coefficients at the centre and register those as written."""
    import pymc as pm

    name, priors = predictor.beta, design.coefficient_priors(predictor)
    declare = declare_shrunken if any(isinstance(prior, PartPrior) for prior in priors) else declare_vector
    if predictor.as_written:
        return declare(name, priors, f"{name}_effect")
    centred = declare(f"centred_{name}", priors, f"{name}_coordinate")
    pm.Deterministic(name, predictor.transform @ centred, dims=f"{name}_effect")
    return centred


def _place_of_intercept(design: Design, predictor: Predictor) -> int | None:
    """Return which coordinate is an intercept, all having normal priors of their own; None for none."""
    plain = all(
        not isinstance(one, PartPrior) and one.plain.name == "Normal" for one in design.coefficient_priors(predictor)
    )
    found = [place for place, key in enumerate(predictor.keys) if ParameterKey.read(key).of_intercept]
    return found[0] if plain and found else None


def _distances(design: Design, predictor: Predictor, place: int, rest: Rest) -> Any:
    """Return the coefficients at the centre, the intercept as its distance to the mean of the rest, and register all of them."""
    import pymc as pm

    name, priors = predictor.beta, design.coefficient_priors(predictor)
    if predictor.as_written:
        return declare_distance(name, priors, place, rest, f"{name}_effect")
    free = declare_distance(f"centred_{name}", priors, place, rest, f"{name}_coordinate")
    whole = pm.modelcontext(None)[f"centred_{name}"]
    pm.Deterministic(name, predictor.transform @ whole, dims=f"{name}_effect")
    return free
