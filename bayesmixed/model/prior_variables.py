"""The free variables of a PyMC model: numbers and vectors with the priors of a design."""

from typing import Any

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.families import Parameter
from bayesmixed.families.links import Array
from bayesmixed.families.parameter_functions import PriorFunction
from bayesmixed.prior_distributions import DISTRIBUTIONS, Prior


def declare_vector(name: str, priors: list[Prior], *dims: str) -> Any:
    """Return one variable whose elements have the given priors; without a dimension there is one element."""
    import pymc as pm
    import pytensor.tensor as pt

    groups = _by_distribution([prior.plain for prior in priors])
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


def declare_scalar(parameter: Parameter, function: PriorFunction, prior: Prior, *, highest: float | None = None) -> Any:
    """Return a parameter without predictor; where a function of it has the prior, that function is the free variable.

    Above `highest` the likelihood is zero: the coordinate ends there, and the prior is as it was.
    """
    import pymc as pm
    import pytensor.tensor as pt

    prior = prior.plain
    numbers = np.array(prior.arguments, dtype=float)
    if prior.name == "Fixed":
        return pm.Deterministic(parameter.name, pt.as_tensor_variable(function.inverse(numbers[0])))
    named = parameter.name if function.text == "{}" else function.word.format(parameter.name)
    arguments = dict(zip(DISTRIBUTIONS[prior.name].parameters, numbers, strict=True))
    if highest is not None:
        ends = (end if np.isfinite(end) else None for end in ends_of_onset(highest, function, prior)[:2])
        free = getattr(pm, prior.name)(
            named, **arguments, default_transform=pm.distributions.transforms.Interval(*ends)
        )
    elif function.text != "{}":
        free = getattr(pm, prior.name)(named, **arguments)
    else:
        return declare_number(parameter.name, prior, parameter.lower, parameter.upper)
    return free if function.text == "{}" else pm.Deterministic(parameter.name, function.pytensor_inverse(free))


def ends_of_onset(highest: float, function: PriorFunction, prior: Prior) -> tuple[float, float, float]:
    """Return between which numbers a function of a positive parameter lies that is at most `highest`, and a start there."""
    start, end = (float(function.forward(share * highest)) for share in (0.5, 1.0))
    low, high = prior.support if function.text != "{}" else (max(0.0, prior.support[0]), prior.support[1])
    low, high = (low, min(high, end)) if start < end else (max(low, end), high)
    if np.isfinite(low) and not low < start < high:
        start = 0.5 * (low + high) if np.isfinite(high) else low + 1.0
    return low, high, start


def start_of_onset(design: Design) -> dict[str, float]:
    """Return a start of the free variable of a parameter below all responses, which is not the mean of its prior."""
    name = design.family.onset
    if not name or design.scalar_prior(name)[1].name == "Fixed":
        return {}
    function, prior = design.scalar_prior(name)
    highest = float(np.min(np.asarray(design.response)))
    return {function.word.format(f"{name}{design.ending}"): ends_of_onset(highest, function, prior)[2]}


def declare_number(name: str, prior: Prior, low: float, high: float) -> Any:
    """Return one number in an open interval; its prior is cut off there."""
    import pymc as pm
    import pytensor.tensor as pt

    prior = prior.plain
    # PyTensor would hold plain numbers such as 4.0 in single precision.
    numbers = np.array(prior.arguments, dtype=float)
    if prior.name == "Fixed":
        return pm.Deterministic(name, pt.as_tensor_variable(numbers[0]))
    arguments = dict(zip(DISTRIBUTIONS[prior.name].parameters, numbers, strict=True))
    lower, upper = prior.support
    if lower >= low and upper <= high:
        return getattr(pm, prior.name)(name, **arguments)
    inside = getattr(pm, prior.name).dist(**arguments)
    return pm.Truncated(name, inside, lower=low if lower < low else None, upper=high if upper > high else None)


def _by_distribution(priors: list[Prior]) -> list[tuple[str, list[int], dict[str, Array]]]:
    groups = []
    for name in dict.fromkeys(prior.name for prior in priors):
        positions = [i for i, prior in enumerate(priors) if prior.name == name]
        table = np.array([priors[i].arguments for i in positions])
        words = [] if name == "Fixed" else list(DISTRIBUTIONS[name].parameters)
        groups.append((name, positions, {word: table[:, k] for k, word in enumerate(words)}))
    return groups
