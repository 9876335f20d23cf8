"""Prior distributions as values: a name, numbers, and a text form such as "HalfNormal(1)"."""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from bayesmixed.errors import SpecError, did_you_mean

Support = tuple[float, float]
REAL: Support = (-np.inf, np.inf)
POSITIVE: Support = (0.0, np.inf)
UNIT: Support = (0.0, 1.0)
INDUCED = "InducedDirichlet"
"""Prior of thresholds: the shares of the categories at predictor 0 are symmetric Dirichlet; with 1, all equally likely."""
_CALL = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*")
FEW_LEVELS = 5
"""Group SDs of factors with fewer levels have a HalfNormal default prior: the data say little about its tail."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A PyMC distribution that can be a prior.

    Attributes
    ----------
    parameters : mapping
        Argument names in PyMC's order, with PyMC's default, or None where a value is required.
    support : (float, float)
        Lower and upper end of the support; an end that is NaN is taken from the arguments.
    frozen : callable
        The SciPy distribution for given arguments.
    widening : int
        Power of the factor by which the last argument is multiplied to make the distribution wider: 1 for a scale,
        -1 for a rate, 0 where the support is bounded.
    powers : tuple of int
        Power of the unit of the variable that each argument has, -1 for a rate; empty where the variable has no unit.
    """

    name: str
    parameters: Mapping[str, float | None]
    support: Support
    frozen: Callable[..., Any]
    widening: int = 1
    powers: tuple[int, ...] = ()


class Prior(BaseModel):
    """One prior: a PyMC class name with its arguments in PyMC's order, or a fixed number.

    Attributes
    ----------
    name : str
        Key of `DISTRIBUTIONS`, "LKJ" for correlation matrices, "InducedDirichlet" for thresholds, "Fixed" for
        a constant.
    arguments : tuple of float
        All arguments in PyMC's order, defaults filled in.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.Prior(name="HalfNormal", arguments=(1.0,)).to_text()
    'HalfNormal(1)'
    >>> bm.from_formula("y ~ x", priors={"sigma": "HalfNormal(2)"}).priors
    {'sigma': Prior(name='HalfNormal', arguments=(2.0,))}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    arguments: tuple[float, ...]

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            first = error.errors()[0]
            raise SpecError(
                f"A Prior has a name and numbers: '{'.'.join(map(str, first['loc']))}' {first['msg']}."
            ) from error
        if self.name != "Fixed" and self.name not in DISTRIBUTIONS:
            raise SpecError(f"Distribution '{self.name}' is not known. {did_you_mean(self.name, DISTRIBUTIONS)}")
        count = 1 if self.name == "Fixed" else len(DISTRIBUTIONS[self.name].parameters)
        if len(self.arguments) != count:
            raise SpecError(f"Prior '{self.name}' needs {count} numbers, given {len(self.arguments)}.")

    def __str__(self) -> str:
        numbers = ", ".join(f"{value:.4g}" for value in self.arguments)
        return numbers if self.name == "Fixed" else f"{self.name}({numbers})"

    def _repr_html_(self) -> str:
        return f"<code>{self}</code>"

    def to_text(self) -> str:
        """Return the prior as text that `as_prior` reads back without loss."""
        numbers = ", ".join(repr(value).removesuffix(".0") for value in self.arguments)
        return numbers if self.name == "Fixed" else f"{self.name}({numbers})"

    @property
    def support(self) -> Support:
        """Lower and upper end of the values that have positive density."""
        if self.name == "Fixed":
            return self.arguments[0], self.arguments[0]
        lower, upper = DISTRIBUTIONS[self.name].support
        if np.isnan(lower):
            lower, upper = self.frozen().support()
        return float(lower), float(upper)

    def widen(self, factor: float) -> "Prior":
        """Return the prior with its scale times a factor; unchanged if fixed or on a bounded support."""
        power = 0 if self.name == "Fixed" else DISTRIBUTIONS[self.name].widening
        *others, last = self.arguments
        return Prior(name=self.name, arguments=(*others, last * factor**power))

    def rescale(self, factor: float) -> "Prior | None":
        """Return the distribution of a variable times a factor; None where the support has no unit."""
        if self.name == "LogNormal":
            mu, sigma = self.arguments
            return Prior(name=self.name, arguments=(mu + float(np.log(factor)), sigma))
        powers = (1,) if self.name == "Fixed" else DISTRIBUTIONS[self.name].powers
        if not powers:
            return None
        numbers = tuple(value * factor**power for value, power in zip(self.arguments, powers, strict=True))
        return Prior(name=self.name, arguments=numbers)

    def frozen(self) -> Any:
        """Return the prior as a frozen SciPy distribution (not for LKJ, InducedDirichlet and Fixed)."""
        return DISTRIBUTIONS[self.name].frozen(*self.arguments)


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
    if not proper:
        raise SpecError(
            f"Prior for '{key}': {prior} is not a distribution; the scales of {signature} must be positive."
        )
    return prior


def _has_median(prior: Prior) -> bool:
    try:
        return bool(np.isfinite(prior.frozen().ppf(0.5)))
    except (ArithmeticError, ValueError):  # numbers at the ends of the floating-point range
        return False


def _scipy(name: str, *arguments: float, **keywords: float) -> Any:
    from scipy import stats

    return getattr(stats, name)(*arguments, **keywords)


DISTRIBUTIONS: dict[str, Distribution] = {
    d.name: d
    for d in (
        Distribution("Normal", {"mu": 0, "sigma": 1}, REAL, lambda mu, sigma: _scipy("norm", mu, sigma), powers=(1, 1)),
        Distribution(
            "StudentT",
            {"nu": None, "mu": 0, "sigma": 1},
            REAL,
            lambda nu, mu, sigma: _scipy("t", nu, mu, sigma),
            powers=(0, 1, 1),
        ),
        Distribution(
            "Cauchy",
            {"alpha": None, "beta": None},
            REAL,
            lambda alpha, beta: _scipy("cauchy", alpha, beta),
            powers=(1, 1),
        ),
        Distribution("Laplace", {"mu": None, "b": None}, REAL, lambda mu, b: _scipy("laplace", mu, b), powers=(1, 1)),
        Distribution("Logistic", {"mu": 0, "s": 1}, REAL, lambda mu, s: _scipy("logistic", mu, s), powers=(1, 1)),
        Distribution(
            "Uniform",
            {"lower": 0, "upper": 1},
            (np.nan, np.nan),
            lambda lower, upper: _scipy("uniform", lower, upper - lower),
            widening=0,
            powers=(1, 1),
        ),
        Distribution("HalfNormal", {"sigma": 1}, POSITIVE, lambda sigma: _scipy("halfnorm", scale=sigma), powers=(1,)),
        Distribution(
            "HalfStudentT", {"nu": None, "sigma": 1}, POSITIVE, lambda nu, sigma: _HalfT(nu, sigma), powers=(0, 1)
        ),
        Distribution("HalfCauchy", {"beta": 1}, POSITIVE, lambda beta: _scipy("halfcauchy", scale=beta), powers=(1,)),
        Distribution("Exponential", {"lam": 1}, POSITIVE, lambda lam: _scipy("expon", scale=1 / lam), -1, powers=(-1,)),
        Distribution(
            "Gamma",
            {"alpha": None, "beta": None},
            POSITIVE,
            lambda alpha, beta: _scipy("gamma", alpha, scale=1 / beta),
            widening=-1,
            powers=(0, -1),
        ),
        Distribution(
            "InverseGamma",
            {"alpha": None, "beta": 1},
            POSITIVE,
            lambda alpha, beta: _scipy("invgamma", alpha, scale=beta),
            powers=(0, 1),
        ),
        Distribution(
            "LogNormal", {"mu": 0, "sigma": 1}, POSITIVE, lambda mu, sigma: _scipy("lognorm", sigma, scale=np.exp(mu))
        ),
        Distribution(
            "Weibull",
            {"alpha": None, "beta": None},
            POSITIVE,
            lambda a, b: _scipy("weibull_min", a, scale=b),
            powers=(0, 1),
        ),
        Distribution("Beta", {"alpha": None, "beta": None}, UNIT, lambda alpha, beta: _scipy("beta", alpha, beta), 0),
        Distribution(INDUCED, {"alpha": None}, REAL, lambda alpha: _scipy("beta", alpha, alpha), 0),
        Distribution("LKJ", {"eta": None}, REAL, lambda eta: _scipy("beta", eta, eta, -1, 2), 0),
    )
}


class _HalfT:
    """The half Student-t distribution, which SciPy lacks, folded from `scipy.stats.t`."""

    def __init__(self, nu: float, sigma: float) -> None:
        self._t = _scipy("t", nu, 0.0, sigma)

    def logpdf(self, x: Any) -> Any:
        return np.where(np.asarray(x) < 0, -np.inf, np.log(2.0) + self._t.logpdf(x))

    def pdf(self, x: Any) -> Any:
        return np.exp(self.logpdf(x))

    def cdf(self, x: Any) -> Any:
        return np.where(np.asarray(x) < 0, 0.0, 2.0 * self._t.cdf(x) - 1.0)

    def ppf(self, q: Any) -> Any:
        return self._t.ppf((1.0 + np.asarray(q)) / 2.0)

    def rvs(self, size: Any = None, random_state: Any = None) -> Any:
        return np.abs(self._t.rvs(size=size, random_state=random_state))

    def support(self) -> Support:
        return POSITIVE
