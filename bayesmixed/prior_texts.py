"""Priors from what users write: text such as "Normal(0, 1)", numbers, and PreliZ objects."""

import re
import warnings
from typing import Any

import numpy as np

from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.prior_distributions import DISTRIBUTIONS, PC, Prior

_CALL = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*")


def as_prior(value: object, key: str = "prior") -> Prior:
    """Return a prior from text, a number (fixes the parameter), a `Prior` or a PreliZ object.

    Parameters
    ----------
    value : str, float, Prior or PreliZ distribution
        Text is a PyMC class name with its arguments: "StudentT(4, 0, 1)", "Normal(mu=0, sigma=2)".
    key : str
        The parameter, for the error message.

    Raises
    ------
    SpecError
        The text is not a call, the name is unknown, or the arguments do not fit.
    """
    if isinstance(value, Prior):
        return value
    if isinstance(value, bool):
        raise SpecError(f"Prior for '{key}' is {value}; give text such as \"Normal(0, 1)\" or a number.")
    if isinstance(value, int | float | np.integer | np.floating):
        return Prior(name="Fixed", arguments=(_finite(value, key),))
    if isinstance(value, str):
        return _parse(value, key)
    if hasattr(value, "params_dict"):
        return _from_preliz(value, key)
    raise SpecError(
        f"Prior for '{key}' is a {type(value).__name__}; give text such as \"Normal(0, 1)\", "
        "a number, a bm.Prior or a PreliZ distribution."
    )


def _finite(value: Any, key: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = np.inf
    if not np.isfinite(number):
        raise SpecError(f"Prior for '{key}' is {number}; a fixed value must be finite.")
    return number


def _from_preliz(value: Any, key: str) -> Prior:
    """Read PyMC's arguments as attributes: PreliZ converts its alternative ones, such as tau, or mu and sigma of a Gamma."""
    name, given = type(value).__name__, value.params_dict or {}
    if not any(number is not None for number in given.values()):
        raise SpecError(f"Prior for '{key}' is a {name} without numbers; give them, or fit it with PreliZ beforehand.")
    known = DISTRIBUTIONS[name].parameters if name in DISTRIBUTIONS else {}
    converted = {word: getattr(value, word, None) for word in known}
    numbers = given if None in converted.values() else converted
    return _complete(name, [], {word: float(n) for word, n in numbers.items() if n is not None}, key)


def _parse(text: str, key: str) -> Prior:
    how = 'Write a PyMC class name with its arguments, e.g. "Normal(0, 2.5)" or "HalfNormal(1)".'
    try:
        number = float(text)
    except ValueError:
        number = None
    if number is not None:
        return as_prior(number, key)
    call = _CALL.fullmatch(text)
    if call is None:
        unread = not text.strip() or text.count("(") != text.count(")")
        what = "cannot be read" if unread else "is not a distribution"
        raise SpecError(f"Prior for '{key}' is '{text}', which {what}. {how}")
    positional: list[float] = []
    named: dict[str, float] = {}
    for argument in call[2].removesuffix(",").split(",") if call[2].strip() else ():
        word, _, number_text = argument.rpartition("=")
        word = word.strip()
        try:
            number = float(number_text)
        except ValueError:
            number = None
        if number is None or word in named or (named and not word):
            raise SpecError(f"Prior for '{key}' is '{text}', which cannot be read at '{argument.strip()}'. {how}")
        if word:
            named[word] = number
        else:
            positional.append(number)
    return _complete(call[1], positional, named, key)


def _complete(name: str, positional: list[float], named: dict[str, float], key: str) -> Prior:
    if name not in DISTRIBUTIONS:
        raise SpecError(f"Prior for '{key}': distribution '{name}' is not known. {did_you_mean(name, DISTRIBUTIONS)}")
    parameters = DISTRIBUTIONS[name].parameters
    order = list(parameters)
    if name == "HalfStudentT" and len(positional) == 3 and positional[1] == 0.0:
        del positional[1]  # written like a Student-t, with its location
    signature = f"{name}({', '.join(order)})"
    unknown = [word for word in named if word not in parameters or word in order[: len(positional)]]
    values = dict(zip(order, positional, strict=False)) | named
    absent = [word for word, default in parameters.items() if default is None and word not in values]
    if unknown or absent or len(positional) > len(order):
        raise SpecError(f"Prior for '{key}': arguments do not fit; the form is {signature}.")
    numbers = tuple(float(values.get(word, parameters[word] or 0.0)) for word in order)
    if not all(np.isfinite(numbers)):
        raise SpecError(f"Prior for '{key}': {signature} needs finite numbers, given {numbers}.")
    prior = Prior(name=name, arguments=numbers)
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        proper = (numbers[-1] > 0 or name == "Uniform") and _has_median(prior)
    if name == PC:
        proper = numbers[0] > 0.0 and 0.0 < numbers[1] < 1.0
    if not proper:
        needed = (
            "U must be positive and alpha between 0 and 1"
            if name == PC
            else f"the scales of {signature} must be positive"
        )
        raise SpecError(f"Prior for '{key}': {prior} is not a distribution; {needed}.")
    return prior


def _has_median(prior: Prior) -> bool:
    try:
        return bool(np.isfinite(prior.frozen().ppf(0.5)))
    except (ArithmeticError, ValueError):  # numbers at the ends of the floating-point range
        return False
