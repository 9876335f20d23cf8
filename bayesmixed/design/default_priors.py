"""The rules for default priors, realised on a design and replaced by the user's priors."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bayesmixed.design.design import CUTS, Design, RealisedPrior
from bayesmixed.design.realised_coefficients import coefficient_priors
from bayesmixed.design.realised_splits import split_priors
from bayesmixed.design.realised_steps import step_priors
from bayesmixed.design.structures import structure_range
from bayesmixed.errors import DataError, SpecError, did_you_mean, enumerate_words
from bayesmixed.families import Parameter, ResponseScale
from bayesmixed.families.multinomial import count_of
from bayesmixed.families.parameter_functions import given_key, keys_of, range_of
from bayesmixed.joint_priors import KEYS
from bayesmixed.parameter_keys import CENTRED_INTERCEPT, INTERCEPT, ParameterKey
from bayesmixed.prior_distributions import INDUCED, PC, REAL, Prior
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.residual_blocks import CORRELATIONS, ResidualBlock
from bayesmixed.terms.weights import MULTIPLIES_ERRORS


@dataclass(frozen=True, slots=True)
class _Units:
    """Numbers of one predictor to which its default priors are tied, on the scale of its link."""

    location: float
    intercept: float
    slope: float
    group: float


def response_scale(design: Design) -> ResponseScale:
    """Return the smoothed mean of the response and its unit s = max(1.4826 MAD, sd / 2)."""
    if design.family.counted:
        return ResponseScale(mean=design.family.smoothed_mean(np.zeros(1), 1.0, 1.0), unit=1.0)
    copies = design.observed.row_counts.astype(int)
    raw = np.repeat(np.asarray(design.response, dtype=float), copies)
    trials = design.trials if np.ndim(design.trials) == 0 else np.repeat(design.trials, copies)
    y = design.family.working(raw)
    exposure = np.repeat(np.exp(design.mu.offset), copies) if design.mu.link.name == "log" else 1.0
    mean = design.family.smoothed_mean(raw, trials, exposure)
    spread = float(np.std(y, ddof=1)) if len(y) > 1 else 0.0
    mad = 1.4826 * float(np.median(np.abs(y - np.median(y))))
    return ResponseScale(mean=mean, unit=max(mad, 0.5 * spread))


def scale_at_weight_one(design: Design, name: str, scale: ResponseScale) -> ResponseScale:
    """Return the scale of the response for the prior of a parameter: a residual SD is that of a row of weight 1, which
    is the root of a typical precision weight times the residual SD of a typical row."""
    return (
        replace(scale, unit=scale.unit * design.observed.typical_weight**0.5) if name == design.family.scale else scale
    )


def realise_priors(design: Design) -> dict[str, RealisedPrior]:
    """Return the prior of every parameter of a design, defaults realised on its data.

    The rules are Gelman (2008, Stat Med 27:2865) for the slopes, Gelman (2006, Bayesian Anal 1:515) for the SDs.

    Raises
    ------
    SpecError
        A user prior names no parameter, or its support does not fit the parameter.
    """
    scale = response_scale(design)
    defaults = dict(_defaults(design, scale))
    user = design.spec.priors
    check_prior_keys(design)
    priors = {}
    for key, default in defaults.items():
        chosen = ParameterKey.read(key).match(user)
        entry = default if chosen is None else RealisedPrior(user[chosen], "user", default.about)
        _check_support(design, key, entry.prior)
        priors[key] = entry
    unit = _units(design, design.mu, scale).group
    return step_priors(design, coefficient_priors(design, split_priors(design, priors), unit))


def group_unit(design: Design, predictor: Predictor) -> float:
    """Return the unit s of group SDs on the link scale of a predictor: the scale of their default prior."""
    return _units(design, predictor, response_scale(design)).group


def _units(design: Design, predictor: Predictor, scale: ResponseScale) -> _Units:
    parameter = design.family.parameter(predictor.parameter)
    if parameter.intercept is not None:
        location, spread = parameter.intercept(scale_at_weight_one(design, parameter.name, scale))
        return _Units(location, spread, 2.5 * parameter.unit, parameter.unit)
    with np.errstate(all="ignore"):
        location = _log_odds(design, parameter) if parameter.category else float(predictor.link.forward(scale.mean))
        unit = predictor.link.unit or scale.unit / abs(float(predictor.link.derivative(np.asarray(location))))
    if not np.isfinite(location):
        raise DataError(
            f"Link '{predictor.link.name}' of '{predictor.parameter}' cannot hold the mean of the response, "
            f"{scale.mean:g}. Take another link."
        )
    counted = predictor.link.name == "log" and design.family.discrete
    location -= 0.0 if counted else float(design.observed.row_shares @ predictor.offset)
    return _Units(location, 2.5 * unit, 2.5 * unit, unit)


def _log_odds(design: Design, parameter: Parameter) -> float:
    """Return the log-odds of a category against the first one in the data, half a row added to each: the prior of its
    intercept is that of a model of the rows in these two categories."""
    y, counts = design.response, design.observed.row_counts
    own, first = (float(counts @ count_of(y, number)) for number in (parameter.category, 1))
    return float(np.log((own + 0.5) / (first + 0.5)))


def _defaults(design: Design, scale: ResponseScale) -> Iterator[tuple[str, RealisedPrior]]:
    key: str
    for predictor in design.predictors.values():
        units = _units(design, predictor, scale)
        own = predictor.population.coordinate_priors(units.location, units.slope)
        for key, (prior, about) in zip(predictor.keys, own, strict=True):
            yield key, RealisedPrior(prior, "default", about)
        for block in predictor.normal_blocks:
            for key, (prior, about) in zip(predictor.sd_keys(block), block.sd_priors(units.group), strict=True):
                yield key, RealisedPrior(prior, "default", about)
            matrix = predictor.correlations(block)
            if matrix.widest and predictor.parameter == matrix.parameters[-1]:
                yield matrix.name, RealisedPrior(matrix.prior, "default", _about_correlations(design, matrix))
            for key, structure, one in predictor.structure_parameters(block):
                places = np.array(structure.places)
                said = structure.label if structure.label == block.name else f"{structure.label} of {block.name}"
                about = f"{one.meaning}, {said}"
                yield key, RealisedPrior(one.prior(places), "default", about)
    if design.residual is not None:
        yield from _residual_defaults(design.residual)
    for name in design.scalars:
        parameter = design.family.parameter(name)
        if name == design.family.scale and design.known_errors:
            yield name, RealisedPrior(Prior(name="Fixed", arguments=(1.0,)), "default", MULTIPLIES_ERRORS)
        elif parameter.prior is not None:
            key, prior = parameter.prior(scale_at_weight_one(design, name, scale))
            given = None if parameter.cut else given_key(parameter, design.spec.priors)
            yield given or key, RealisedPrior(prior, "default", parameter.meaning)


def _about_correlations(design: Design, matrix: CorrelationMatrix) -> str:
    """Return between what the correlations are, in words."""
    blocks = [design.predictors[name].block(matrix.term) for name in matrix.parameters]
    where = " at the covariate means" if any(block is not None and block.centred for block in blocks) else ""
    tied = f", in {enumerate_words(matrix.parameters)} together" if matrix.tied else ""
    return f"correlations between {matrix.term}{where}{tied}"


def _residual_defaults(block: ResidualBlock) -> Iterator[tuple[str, RealisedPrior]]:
    """Yield the default priors of correlations of residuals."""
    for key, one in block.parameters.items():
        prior = one.prior(np.array(block.structure.places))
        yield (
            key,
            RealisedPrior(prior, "default", f"{one.meaning.replace('columns', 'rows')}, residual {block.residual}"),
        )
    if block.free:
        about = (
            f"correlations of the residuals of {block.name} at {block.structure.width} visits, {block.residual.place}"
        )
        yield CORRELATIONS, RealisedPrior(block.matrix.prior, "default", about)


def check_prior_keys(design: Design) -> None:
    """Refuse user priors that name no parameter of a design (SpecError)."""
    for predictor in design.predictors.values():
        both = set(predictor.names.population((INTERCEPT, CENTRED_INTERCEPT)))
        if INTERCEPT in predictor.population.labels and both <= set(design.spec.priors):
            raise SpecError(f"Give a prior for one of {predictor.beta}[Intercept] and [Intercept_centred], not both.")
    known = known_keys(design)
    for key in design.spec.priors:
        if key not in known:
            listed = sorted(known, key=lambda one: (not one.partition("[")[0].isidentifier(), one))
            hint = _as_written(design, key) or did_you_mean(key, listed)
            raise SpecError(f"Prior for '{key}': the model has no such parameter. {hint}")


def known_keys(design: Design) -> set[str]:
    """Return what priors of a design may be named by; it needs neither a response nor priors."""
    keys: list[str] = [*design.numbers, *(CUTS for _ in design.family.cuts[:1]), *KEYS]
    for predictor in design.predictors.values():
        keys += predictor.keys
        keys += [ParameterKey(predictor.beta, one.name) for one in predictor.steps]
        for block in predictor.normal_blocks:
            matrix = predictor.correlations(block)
            keys += [*predictor.sd_keys(block), *([matrix.name] if matrix.widest else [])]
            keys += [one for key, _, _ in predictor.structure_parameters(block) for one in (key, key.of_all_levels)]
        if INTERCEPT in predictor.population.labels:
            keys += predictor.names.population((INTERCEPT, CENTRED_INTERCEPT))
    if design.residual is not None:
        keys += [*design.residual.parameters, *([CORRELATIONS] if design.residual.free else [])]
    read = map(ParameterKey.read, keys)
    parameters = [design.family.parameter(name) for name in design.scalars]
    for key in design.spec.priors if design.known_errors else ():
        if design.scalar_of(key) == design.family.scale:
            raise SpecError(
                f"Prior for '{key}': the residual SD of each row is known. Write se(..., sigma=True) to estimate "
                f"'{design.family.scale}' beside the standard errors."
            )
    functions = {key for one in parameters if not one.cut for key in keys_of(one.name, one.link)}
    return {*keys, *functions, *(key.variable for key in read if not key.of_intercept)}


def _as_written(design: Design, key: str) -> str:
    """Return what to write in place of the key of a group term's default on its basis, "" for another key."""
    stated = ParameterKey.read(key)
    for predictor, group in design.group_blocks():
        own = {name for basis in group.bases if basis is not None for name in basis.labels}
        if stated.variable == predictor.sd(group) and stated.label in own:
            names = enumerate_words(predictor.sd_names(group))
            return f"Its default is on contrasts of levels and other combinations of columns; state priors of {names}."
    return ""


def _check_support(design: Design, key: str, prior: Prior) -> None:
    stated = ParameterKey.read(key)
    correlation = stated.of_correlations
    if correlation and prior.name == "Fixed":
        check_fixed_correlation(design.matrices[key].widest, key, prior)
        return
    if correlation != (prior.name == "LKJ"):
        needed = (
            'a correlation matrix has prior "LKJ(eta)", or a number that fixes it'
            if correlation
            else "LKJ is for correlations, corr_..."
        )
        raise SpecError(f"Prior for '{key}' is {prior}; {needed}.")
    if (key == CUTS and prior.name != INDUCED and prior.support != REAL) or (key != CUTS and prior.name == INDUCED):
        raise SpecError(
            f"Prior for '{key}' is {prior}. The prior of thresholds, and of nothing else, is \"InducedDirichlet(1)\", or a "
            'distribution on all real numbers for each of them, such as "Normal(0, 2)".'
        )
    if prior.name == INDUCED and design.family.at_risk:
        raise SpecError(
            f"Prior for '{key}' is {prior}, which is for family 'cumulative'. Those of '{design.family.name}' have a "
            'distribution for each of them, such as "Normal(0, 4)".'
        )
    lower, upper = -np.inf, np.inf
    if stated.of_sd:
        lower = 0.0
    scalar = design.scalar_of(key)
    if prior.name == PC and not (stated.of_sd or (scalar is not None and key == design.family.scale)):
        raise SpecError(
            f"Prior for '{key}' is {prior}, which is for standard deviations: those of effects, sd_..., and a residual one. "
            f"The same distribution of '{key}' is \"{prior.plain}\"."
        )
    lower, upper = structure_range(design, key) or (lower, upper)
    if scalar is not None:
        lower, upper = range_of(key, design.family.parameter(scalar))
        if design.family.parameter(scalar).onset and design.response is not None:
            upper = float(np.min(np.asarray(design.response)))
    if correlation:
        return
    low, high = prior.support
    if prior.name == "Fixed":
        if not lower < low < upper:
            edges = ("", "") if scalar is None or key != scalar else design.family.parameter(scalar).edges
            instead = edges[0] if low == lower else edges[1] if low == upper else ""
            raise SpecError(
                f"'{key}' is fixed at {low:g}, outside its range ({lower:g}, {upper:g}). {instead}".rstrip()
            )
    elif high <= lower or low >= upper or (lower == 0 and low < 0):
        examples = (
            '"Normal(0, 0.5)", which is cut off there'
            if lower < 0
            else '"HalfNormal(1)", "Exponential(1)" or "Gamma(2, 0.5)"'
        )
        raise SpecError(
            f"Prior for '{key}' is {prior}, on ({low:g}, {high:g}); the parameter lies in ({lower:g}, {upper:g}). "
            f"Take e.g. {examples}."
        )


def check_fixed_correlation(widest: int, key: str, prior: Prior) -> None:
    """Refuse a number that is not a correlation, or that not all correlations of several columns can equal (SpecError)."""
    lower, value = -1.0 / (widest - 1), prior.arguments[0]
    if not lower < value < 1.0:
        every = f": all correlations of {widest} columns have this value" if widest > 2 else ""
        raise SpecError(f"'{key}' is fixed at {value:g}, outside its range ({lower:.3g}, 1){every}.")
