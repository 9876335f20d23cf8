"""Priors from what users write: text such as "Normal(0, 1)", numbers, and PreliZ objects; text is data, never executed."""

import re
import warnings
from typing import Any

import numpy as np

from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.joint_priors import JOINT, KEYS, JointPrior
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
    prior = _read(value, key)
    joint = isinstance(prior, JointPrior)
    if key in KEYS and not (joint and prior.name in KEYS[key]):
        forms = " or ".join(f'"{JOINT[name].FORM}"' for name in KEYS[key])
        raise SpecError(f"Prior for '{key}' is {prior}; it is a joint prior of several parameters: {forms}.")
    if joint and key not in KEYS and key != "prior":
        raise SpecError(
            f"Prior for '{key}' is a {prior.name}, a joint prior of several parameters: its key is '{JOINT[prior.name].KEY}'."
        )
    return prior


def _read(value: object, key: str) -> Prior:
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
    word = text.partition("(")[0].strip()
    if word in JOINT:
        return _parse_joint(word, text, key)
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


def _parse_joint(name: str, text: str, key: str) -> JointPrior:
    form = f"The form is {JOINT[name].FORM}."
    found: dict[str, Any] = {}
    inside = _inside(text, "(", ")")
    for argument in () if inside is None else _split(inside):
        word, equals, value = argument.partition("=")
        word = word.strip()
        field = word.lower() if word == "R2" else word
        if (
            not equals
            or field in ("name", "names", "arguments")
            or field not in JOINT[name].model_fields
            or field in found
        ):
            raise SpecError(f"Prior for '{key}' is '{text}', which cannot be read at '{argument.strip()}'. {form}")
        if field == "shares":
            found |= _read_shares(value, f"Prior for '{key}' is '{text}'", form)
        else:
            prior = as_prior(value.strip(), f"{key}: {word}")
            found[field] = prior if field in ("total", "r2") else prior.arguments[0] if prior.name == "Fixed" else None
    required = [one for one, known in JOINT[name].model_fields.items() if known.is_required()]
    if inside is None or None in found.values() or not found.keys() >= set(required):
        raise SpecError(f"Prior for '{key}' is '{text}', which cannot be read. {form}")
    return JOINT[name](**found)


def _read_shares(text: str, what: str, form: str) -> dict[str, Any]:
    """Return shares and their names from Dirichlet(1, 2), Dirichlet(herd=1, sigma=2) or {"herd": 1, "sigma": 2}."""
    inside, sign = _inside(text, "{", "}"), ":"
    if inside is None and text.partition("(")[0].strip() == "Dirichlet":
        inside, sign = _inside(text, "(", ")"), "="
    names, numbers = [], []
    for piece in _split(inside) if inside else ():
        name, _, number = piece.rpartition(sign)
        names += [name.strip().strip("\"'")] if name.strip() else []
        try:
            numbers.append(float(number))
        except ValueError:
            raise SpecError(f"{what}, in which the share '{piece.strip()}' cannot be read. {form}") from None
    if not numbers or (names and len(names) < len(numbers)) or (sign == ":" and not names):
        raise SpecError(
            f'{what}, in which the shares cannot be read. {form} With names: shares={{"herd": 1, "sigma": 2}}.'
        )
    return {"shares": tuple(numbers), "names": tuple(names)}


def _inside(text: str, opening: str, closing: str) -> str | None:
    """Return what stands between the first opening sign and the closing one at the end of a text; None: no such text."""
    text = text.strip()
    first = text.find(opening)
    return text[first + 1 : -1] if first >= 0 and text.endswith(closing) else None


def _split(text: str) -> list[str]:
    """Return the pieces between commas that are in no brackets and no quotes."""
    pieces, depth, quote = [""], 0, ""
    for sign in text:
        if quote or sign in "\"'":
            quote = "" if sign == quote else quote or sign
        else:
            depth += (sign in "({[") - (sign in ")}]")
        if sign == "," and depth == 0 and not quote:
            pieces.append("")
        else:
            pieces[-1] += sign
    return pieces if pieces[-1].strip() else pieces[:-1]


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
