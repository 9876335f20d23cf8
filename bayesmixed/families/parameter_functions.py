"""Functions of a parameter on which a prior can be stated: "1/sqrt(theta)", "logit(zi)"."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.families.records import Parameter
from bayesmixed.prior_distributions import POSITIVE, REAL, UNIT, Support


@dataclass(frozen=True, slots=True)
class PriorFunction:
    """A strictly monotone function v = f(parameter) that has the prior.

    Attributes
    ----------
    text : str
        The function in a prior key, `{}` where the parameter goes.
    word : str
        Name of v as a variable of a PyMC model, `{}` where the parameter goes.
    forward, inverse : callable
        f and its inverse on NumPy arrays.
    pytensor_inverse : callable
        The inverse on PyTensor variables.
    support : (float, float)
        Range of v.
    factors : mapping of str to float
        Links of parameters that have this function. With x the parameter on its link, v depends on `factor * x` alone:
        it is that number, its exponential or its logistic function, as v is real, positive or between 0 and 1.
    """

    text: str
    word: str
    forward: Callable[[Any], Array]
    inverse: Callable[[Any], Array]
    pytensor_inverse: Callable[[Any], Any]
    support: Support
    factors: Mapping[str, float]

    def key(self, parameter: str) -> str:
        """Return the prior key of a parameter: "1/sqrt(theta)"."""
        return self.text.format(parameter)


def function_of(key: str, parameter: str) -> PriorFunction | None:
    """Return the function whose key for a parameter this is; None if there is none ("theta" itself has one)."""
    return next((function for function in PRIOR_FUNCTIONS if function.key(parameter) == key.replace(" ", "")), None)


def keys_of(parameter: str, link: str) -> tuple[str, ...]:
    """Return all prior keys of a parameter with that default link: itself first, then functions of it."""
    return tuple(function.key(parameter) for function in PRIOR_FUNCTIONS if link in function.factors)


def given_key(parameter: Parameter, keys: Collection[str]) -> str | None:
    """Return the key, the parameter or a function of it, under which the user gives a prior; None if there is none.

    Raises
    ------
    SpecError
        There are two.
    """
    given = [key for key in keys_of(parameter.name, parameter.link) if key in keys]
    if len(given) > 1:
        raise SpecError(f"'{parameter.name}' has two priors, on {enumerate_words(given)}; give one of them.")
    return given[0] if given else None


def range_of(key: str, parameter: Parameter) -> Support:
    """Return the range of the values to which a prior key of a parameter refers."""
    function = function_of(key, parameter.name)
    if function is None or function.text == "{}":
        return parameter.lower, parameter.upper
    return function.support


def _exp(value: Any) -> Any:
    import pytensor.tensor as pt

    return pt.exp(value)


def _sigmoid(value: Any) -> Any:
    import pytensor.tensor as pt

    return pt.sigmoid(value)


def _same(value: Any) -> Any:
    return value


PRIOR_FUNCTIONS = (
    PriorFunction(
        "{}",
        "{}",
        np.asarray,
        np.asarray,
        _same,
        (-np.inf, np.inf),
        {"identity": 1.0, "log": 1.0, "log_minus_one": 1.0, "logit": 1.0, "logit_minus_one": 1.0},
    ),
    PriorFunction(
        "1/sqrt({})",
        "inverse_root_{}",
        lambda value: 1.0 / np.sqrt(value),
        lambda v: 1.0 / np.square(v),
        lambda v: v**-2.0,
        POSITIVE,
        {"log": -0.5},
    ),
    PriorFunction("sqrt({})", "root_{}", np.sqrt, np.square, lambda v: v**2.0, POSITIVE, {"log": 0.5}),
    PriorFunction(
        "1/{}",
        "inverse_{}",
        lambda value: 1.0 / np.asarray(value),
        lambda v: 1.0 / np.asarray(v),
        lambda v: 1.0 / v,
        POSITIVE,
        {"log": -1.0},
    ),
    PriorFunction("log({})", "log_{}", np.log, np.exp, _exp, REAL, {"log": 1.0}),
    PriorFunction(
        "1/(1+{})",
        "share_{}",
        lambda value: 1.0 / (1.0 + np.asarray(value)),
        lambda v: 1.0 / np.asarray(v) - 1.0,
        lambda v: 1.0 / v - 1.0,
        UNIT,
        {"log": -1.0},
    ),
    PriorFunction(
        "{}-1",
        "{}_minus_one",
        lambda value: np.asarray(value) - 1.0,
        lambda v: np.asarray(v) + 1.0,
        lambda v: v + 1.0,
        UNIT,
        {"logit_minus_one": 1.0},
    ),
    PriorFunction("logit({})", "logit_{}", special.logit, special.expit, _sigmoid, REAL, {"logit": 1.0}),
)
