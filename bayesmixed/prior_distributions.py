"""Prior distributions as values: a name, numbers, and a text form such as "HalfNormal(1)"."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy import special

from bayesmixed.errors import SpecError, did_you_mean

Support = tuple[float, float]
REAL: Support = (-np.inf, np.inf)
POSITIVE: Support = (0.0, np.inf)
UNIT: Support = (0.0, 1.0)
INDUCED = "InducedDirichlet"
"""Prior of thresholds: the shares of the categories at predictor 0 are symmetric Dirichlet; with 1, all equally likely."""
PC = "PC"
"""Penalised-complexity prior of an SD: P(SD > U) = alpha, exponential (Simpson et al. 2017, Stat Sci 32:1)."""
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
        Power of the factor by which the argument `scale` is multiplied to make the distribution wider: 1 for a scale,
        -1 for a rate, 0 where the support is bounded.
    powers : tuple of int
        Power of the unit of the variable that each argument has, -1 for a rate; empty where the variable has no unit.
    scale : int
        Place of the argument that is the scale or the rate.
    plain : callable or None
        For a distribution that has a name of its own here: the PyMC class and the arguments that mean the same.
    """

    name: str
    parameters: Mapping[str, float | None]
    support: Support
    frozen: Callable[..., Any]
    widening: int = 1
    powers: tuple[int, ...] = ()
    scale: int = -1
    plain: Callable[..., tuple[str, tuple[float, ...]]] | None = None


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
        self._check()

    def _check(self) -> None:
        if self.name != "Fixed" and self.name not in DISTRIBUTIONS:
            raise SpecError(f"Distribution '{self.name}' is not known. {did_you_mean(self.name, DISTRIBUTIONS)}")
        count = 1 if self.name == "Fixed" else len(DISTRIBUTIONS[self.name].parameters)
        if len(self.arguments) != count:
            raise SpecError(f"Prior '{self.name}' needs {count} numbers, given {len(self.arguments)}.")

    def __str__(self) -> str:
        return self._write(lambda value: f"{value:.4g}")

    def _repr_html_(self) -> str:
        return f"<code>{self}</code>"

    def to_text(self) -> str:
        """Return the prior as text that `as_prior` reads back without loss."""
        return self._write(lambda value: repr(value).removesuffix(".0"))

    def _write(self, number: Callable[[float], str]) -> str:
        if self.name == "Fixed":
            return number(self.arguments[0])
        known = DISTRIBUTIONS[self.name]
        words = [f"{word}=" if known.plain else "" for word in known.parameters]
        return f"{self.name}({', '.join(w + number(v) for w, v in zip(words, self.arguments, strict=True))})"

    @property
    def words(self) -> str:
        """What stands for its arguments where they are not numbers."""
        return ""

    @property
    def plain(self) -> "Prior":
        """The same prior as a PyMC class, where its name is not one."""
        as_plain = None if self.name == "Fixed" else DISTRIBUTIONS[self.name].plain
        if as_plain is None:
            return self
        name, arguments = as_plain(*self.arguments)
        return Prior(name=name, arguments=arguments)

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
        if self.name == "Fixed":
            return self
        known, numbers = DISTRIBUTIONS[self.name], list(self.arguments)
        numbers[known.scale] *= factor**known.widening
        return Prior(name=self.name, arguments=tuple(numbers))

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


def _scipy(name: str, *arguments: float, **keywords: float) -> Any:
    from scipy import stats

    return getattr(stats, name)(*arguments, **keywords)


DISTRIBUTIONS: dict[str, Distribution] = {
    d.name: d
    for d in (
        Distribution("Normal", {"mu": 0, "sigma": 1}, REAL, lambda mu, sigma: _Normal(mu, sigma), powers=(1, 1)),
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
            PC,
            {"U": None, "alpha": None},
            POSITIVE,
            lambda upper, alpha: _scipy("expon", scale=-upper / np.log(alpha)),
            powers=(1, 0),
            scale=0,
            plain=lambda upper, alpha: ("Exponential", (float(-np.log(alpha)) / upper,)),
        ),
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


class _Normal:
    """The normal distribution with its common functions by `scipy.special`; `scipy.stats`, which takes half a second to
    import, has the others."""

    def __init__(self, mu: float, sigma: float) -> None:
        self._arguments = mu, sigma
        self._mu, self._sigma = mu, sigma if sigma > 0 else np.nan

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(_scipy("norm", *self._arguments), name)

    def logpdf(self, x: Any) -> Any:
        z = (np.asarray(x) - self._mu) / self._sigma
        return -0.5 * z**2 - np.log(self._sigma * np.sqrt(2.0 * np.pi))

    def cdf(self, x: Any) -> Any:
        return special.ndtr((np.asarray(x) - self._mu) / self._sigma)

    def ppf(self, q: Any) -> Any:
        return self._mu + self._sigma * special.ndtri(q)


class _HalfT:
    """The half Student-t distribution, which SciPy lacks, folded from the whole one."""

    def __init__(self, nu: float, sigma: float) -> None:
        self._nu, self._sigma = nu if nu > 0 else np.nan, sigma if sigma > 0 else np.nan
        self._constant = np.log(2.0 / self._sigma) - 0.5 * np.log(self._nu * np.pi)
        self._constant += special.gammaln(0.5 * (self._nu + 1.0)) - special.gammaln(0.5 * self._nu)

    def logpdf(self, x: Any) -> Any:
        z = np.asarray(x) / self._sigma
        return np.where(z < 0, -np.inf, self._constant - 0.5 * (self._nu + 1.0) * np.log1p(z**2 / self._nu))

    def cdf(self, x: Any) -> Any:
        z = np.asarray(x) / self._sigma
        return np.where(z < 0, 0.0, 2.0 * special.stdtr(self._nu, z) - 1.0)

    def ppf(self, q: Any) -> Any:
        return self._sigma * special.stdtrit(self._nu, (1.0 + np.asarray(q)) / 2.0)

    def pdf(self, x: Any) -> Any:
        return np.exp(self.logpdf(x))

    def rvs(self, size: Any = None, random_state: Any = None) -> Any:
        return np.abs(_scipy("t", self._nu, 0.0, self._sigma).rvs(size=size, random_state=random_state))

    def support(self) -> Support:
        return POSITIVE
