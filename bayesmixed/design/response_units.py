"""Designs whose response is measured in a unit near its spread, and their draws converted back to the user's unit."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import xarray as xr

from bayesmixed.design.default_priors import response_scale
from bayesmixed.design.design import Design, RealisedPrior
from bayesmixed.families.parameter_functions import function_of
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.prior_distributions import POSITIVE
from bayesmixed.terms.predictors import Predictor

_ORDINARY = 2.0**10


def in_working_unit(design: Design) -> tuple[Design, float]:
    """Return the model of the response in the unit in which it is sampled, and that unit, a power of 4.

    It is 1 where the spread of the response is between 1/1024 and 1024, and where the model cannot be rescaled: streamed
    rows, user-defined families, counts and shares, and priors without a unit, such as a Beta distribution of sigma.
    """
    own = isinstance(design.spec.family, str) and design.streamed is None
    if not own or not any(parameter.power for parameter in design.family.parameters):
        return design, 1.0
    spread = response_scale(design).unit
    if not np.isfinite(spread) or spread <= 0 or 1.0 / _ORDINARY <= spread <= _ORDINARY:
        return design, 1.0
    unit = 4.0 ** round(np.log2(spread) / 2.0)
    moved = in_unit(design, unit)
    return (design, 1.0) if moved is None else (moved, unit)


def in_unit(design: Design, unit: float) -> Design | None:
    """Return the same model of the response divided by a unit; None where a prior cannot be rescaled.

    Priors of parameters in the response's unit become those of the parameter divided by it. Under a log link the unit is an
    offset, which leaves all priors as they are.
    """
    factors = _variable_factors(design, unit)
    predictors: dict[str, Predictor] = {}
    for name, predictor in design.predictors.items():
        power = design.family.parameter(name).power
        if predictor.link.name == "log":
            offset = predictor.offset - power * np.log(unit)
        else:
            offset = predictor.offset / _link_factor(predictor, unit**power)
        predictors[name] = replace(predictor, offset=np.asarray(offset))
    priors: dict[str, RealisedPrior] = {}
    for key, entry in design.priors.items():
        factor = _prior_factor(design, key, factors)
        moved = entry.prior if factor == 1.0 else None if factor is None else entry.prior.rescale(1.0 / factor)
        if moved is None:
            return None
        priors[key] = replace(entry, prior=moved)
    observed, own = design.observed.in_unit(unit), design.observed.row_scale
    if own is not None and np.any(own.error):
        observed = replace(observed, weights=own.error / unit)
    return replace(design, observed=observed, predictors=predictors, priors=priors)


def own_factors(design: Design, unit: float) -> dict[str, float]:
    """Return the factor that converts each variable of `in_unit(design, unit)` to that of the design; others stay."""
    return {} if unit == 1.0 else _variable_factors(design, unit)


def in_own_unit(design: Design, draws: xr.DataTree, unit: float) -> xr.DataTree:
    """Return the draws of a design from those of `in_unit(design, unit)`."""
    factors = _variable_factors(design, unit)
    posterior = draws["posterior"].to_dataset()
    moved = {name: posterior[name] * factor for name, factor in factors.items() if name in posterior}
    observed = draws["observed_data"].to_dataset()
    own = {design.response_name: observed[design.response_name].copy(data=np.asarray(design.response))}
    groups = {name: node.to_dataset() for name, node in draws.children.items()}
    groups |= {"posterior": posterior.assign(moved), "observed_data": observed.assign(own)}
    return xr.DataTree.from_dict({**groups, "/": draws.to_dataset()})


def _variable_factors(design: Design, unit: float) -> dict[str, float]:
    """Return the divisor of each variable of the draws; those that stay are left out."""
    found: dict[str, float] = {}
    for name, predictor in design.predictors.items():
        factor = _link_factor(predictor, unit ** design.family.parameter(name).power)
        if factor != 1.0:
            found |= dict.fromkeys(_coefficients(predictor), factor)
    powers = {name: design.family.parameter(name).power for name in design.numbers}
    return found | {name: float(unit**power) for name, power in powers.items() if power}


def _link_factor(predictor: Predictor, factor: float) -> float:
    """Return the divisor of a predictor whose parameter is divided by a factor; under a log link it is shifted instead."""
    return {"identity": factor, "inverse": 1.0 / factor}.get(predictor.link.name, 1.0)


def _coefficients(predictor: Predictor) -> Iterator[str]:
    """Yield the names of the variables that have the unit of a predictor."""
    yield predictor.beta
    for block in predictor.normal_blocks:
        yield predictor.sd(block)
        yield predictor.b(block)


def _prior_factor(design: Design, key: str, factors: dict[str, float]) -> float | None:
    """Return the divisor of the number that has a prior; None where it cannot be rescaled."""
    name = design.scalar_of(key)
    if name is None:
        return factors.get(ParameterKey.read(key).variable, 1.0)
    factor, function = factors.get(name, 1.0), function_of(key, name)
    if factor == 1.0 or function is None or function.text == "{}":
        return factor
    power = function.factors.get("log")
    return None if power is None or function.support != POSITIVE else float(factor**power)
