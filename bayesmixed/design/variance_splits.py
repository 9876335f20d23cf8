"""Joint priors of variances on data: their density, draws from them, and what they imply for single parameters."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from pydantic import InstanceOf
from scipy import special

from bayesmixed.design.correlation_draws import draw_correlations
from bayesmixed.families.links import Array
from bayesmixed.joint_priors import JointPrior, VarianceSplit, share_of
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.prior_distributions import POSITIVE, REAL, Prior, Support
from bayesmixed.prior_texts import as_prior

_DRAWS = 4000


@dataclass(frozen=True, slots=True)
class Part:
    """What has a share in a variance: the effects of a term, or residuals.

    Attributes
    ----------
    name : str
        "herd", or the name of the residual SD.
    keys : tuple of str
        Keys of the priors of its K SDs.
    moments : tuple of tuples
        Mean over rows of zz', (K, K): the variance of the part is the trace of its product with the covariance.
    correlated : tuple of (tuple of int, float)
        Columns with estimated correlations, and the concentration of their LKJ distribution.
    correlation : str
        Key of the prior of the correlations, "" without.
    """

    name: str
    keys: tuple[str, ...]
    moments: tuple[tuple[float, ...], ...]
    correlated: tuple[tuple[tuple[int, ...], float], ...] = ()
    correlation: str = ""

    @property
    def residual(self) -> bool:
        """Whether it is the residual."""
        return self.keys == (self.name,)

    @property
    def matrix(self) -> Array:
        """The moments as an array."""
        return np.array(self.moments)

    @property
    def free_of_correlations(self) -> bool:
        """Whether the variance of the part depends on SDs alone."""
        together = np.zeros(self.matrix.shape, dtype=bool)
        for columns, _ in self.correlated:
            together[np.ix_(columns, columns)] = True
        diagonal = np.sqrt(np.diag(self.matrix))
        beside = np.abs(self.matrix) / np.outer(diagonal, diagonal) * ~np.eye(len(diagonal), dtype=bool)
        return bool(np.all(beside[together] < 1e-9))

    def variance(self, covariance: Array) -> Array:
        """Return the variance of the part for covariances (..., K, K)."""
        return np.einsum("...kl,kl->...", covariance, self.matrix)

    def sds(self, variance: Any, within: Any, correlation: Any) -> Any:
        """Return SDs (S, K) from variances (S,), shares of the K columns (S, K) and correlations (S, K, K)."""
        plain = np.sqrt(within / np.diag(self.matrix))
        unit = self.variance(plain[:, :, None] * correlation * plain[:, None, :])
        return plain * np.sqrt(variance / unit)[:, None]


class JointOnData(ABC):
    """A joint prior of several numbers on data.

    Attributes
    ----------
    KIND : str
        Name of the joint prior.
    parts : tuple of Part
        What has a share, or a scale of its own.
    """

    KIND: ClassVar[str]
    parts: tuple[Part, ...]

    def holds(self, key: str) -> bool:
        """Return whether it is the prior of a key."""
        return any(key in part.keys for part in self.parts)

    def place(self, key: str) -> tuple[int, int]:
        """Return the part of a key, and the column in it."""
        return next((i, part.keys.index(key)) for i, part in enumerate(self.parts) if key in part.keys)

    @abstractmethod
    def implied(self, key: str) -> "ScaleMixture":
        """Return the distribution of one number alone."""

    def words(self, key: str) -> str:
        """Return what the prior of one number is in words: which share it has."""
        return share_of(self.parts[self.place(key)[0]].name)

    @property
    def stated(self) -> Prior | None:
        """The prior of its total, None where it has none."""
        return None

    @abstractmethod
    def with_scale(self, change: Callable[[Prior], Prior | None]) -> "JointOnData | None":
        """Return the prior with another scale; None where it has no unit."""

    @abstractmethod
    def to_lists(self) -> list[Any]:
        """Return the prior as lists of numbers and texts, for JSON."""

    @abstractmethod
    def to_spec(self) -> JointPrior:
        """Return what a user would write, with the names of the parts."""

    def __str__(self) -> str:
        return str(self.to_spec())


@dataclass(frozen=True)
class SplitOnData(JointOnData):
    """The joint prior of the SDs of all parts.

    The total SD T is the root of the sum of the parts' variances. T has a prior, the shares of the parts in T^2 are
    Dirichlet, and the shares sd_k^2 M_kk of the K columns of a term in the sum of these are uniform, whatever
    its correlations.

    Attributes
    ----------
    total : Prior
        Of T.
    shares : tuple of float
        Parameters of the Dirichlet distribution.
    parts : tuple of Part
    """

    KIND: ClassVar[str] = VarianceSplit.__name__
    total: Prior
    shares: tuple[float, ...]
    parts: tuple[Part, ...]

    def to_spec(self) -> JointPrior:
        """Return what a user would write, with the names of the parts."""
        return VarianceSplit(total=self.total, shares=self.shares, names=tuple(part.name for part in self.parts))

    @property
    def stated(self) -> Prior:
        """The prior of the total SD."""
        return self.total

    def with_scale(self, change: Callable[[Prior], Prior | None]) -> "SplitOnData | None":
        """Return the prior with another scale of the total; None where that has no unit."""
        total = change(self.total)
        return None if total is None else replace(self, total=total)

    def implied(self, key: str) -> "ScaleMixture":
        """Return the distribution of one SD alone."""
        return _implied(self, key)

    def log_density(self, covariances: Sequence[Array]) -> Array:
        """Return the log-density of all SDs given their correlations, for the covariance (..., K, K) of each part."""
        variances = [part.variance(c) for part, c in zip(self.parts, covariances, strict=True)]
        squared, count = sum(variances[1:], variances[0]), sum(self.shares)
        total = np.sqrt(squared)
        with np.errstate(all="ignore"):
            found = self.total.frozen().logpdf(total) - np.log(2.0) - (count - 0.5) * np.log(squared)
            found = found + special.gammaln(count) - sum(special.gammaln(one) for one in self.shares)
            for share, part, variance, covariance in zip(self.shares, self.parts, variances, covariances, strict=True):
                squares = np.diagonal(covariance, axis1=-2, axis2=-1) * np.diag(part.matrix)
                width = squares.shape[-1]
                found = found + share * np.log(variance) + special.gammaln(width)
                found = found - width * np.log(squares.sum(axis=-1)) + (np.log(2.0) + np.log(squares)).sum(axis=-1)
                # The density of logarithms of SDs so far.
                found = found - 0.5 * (np.log(squares) - np.log(np.diag(part.matrix))).sum(axis=-1)
        return np.asarray(found)

    def log_density_as_stated(self, covariances: Sequence[Array]) -> Array:
        """Return the log-density of total and shares, the scale on which the prior is stated, up to a constant."""
        variances = np.stack([part.variance(c) for part, c in zip(self.parts, covariances, strict=True)], axis=-1)
        squared = variances.sum(axis=-1)
        with np.errstate(all="ignore"):
            logs = np.log(variances / squared[..., None])
        return np.asarray(self.total.frozen().logpdf(np.sqrt(squared)) + logs @ (np.array(self.shares) - 1.0))

    def draw(self, total: Array, correlations: Sequence[Array], generator: np.random.Generator) -> dict[str, Array]:
        """Return draws of all SDs by key, (S,), for draws of the total (S,) and of each part's correlations (S, K, K)."""
        shares = generator.dirichlet(self.shares, len(total))
        found: dict[str, Array] = {}
        for part, share, correlation in zip(self.parts, shares.T, correlations, strict=True):
            within = generator.dirichlet(np.ones(len(part.keys)), len(total))
            sds = part.sds(total**2 * share, within, correlation)
            found |= dict(zip(part.keys, sds.T, strict=True))
        return found

    def to_lists(self) -> list[Any]:
        """Return the prior as lists of numbers and texts, for JSON."""
        return [self.total.to_text(), self.shares, [astuple(part) for part in self.parts]]

    @classmethod
    def from_lists(cls, found: Sequence[Any]) -> "SplitOnData":
        """Return the prior from what `to_lists` returned."""
        total, shares, parts = found
        return cls(as_prior(total), tuple(shares), read_parts(parts))


def read_parts(found: Sequence[Any]) -> tuple[Part, ...]:
    """Return parts from lists."""
    return tuple(Part(*map(_as_tuples, part)) for part in found)


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


class PartPrior(Prior):
    """The prior of one number of a joint prior: of the distribution that it has by itself.

    Attributes
    ----------
    joint : JointOnData
        The joint prior.
    key : str
        The number.
    """

    arguments: tuple[float, ...] = ()
    joint: InstanceOf[JointOnData]
    key: str

    def _check(self) -> None:
        pass

    def __str__(self) -> str:
        return f"{self.name}({self.words})"

    @property
    def words(self) -> str:
        """Which share it has, or what is the same for all."""
        return self.joint.words(self.key)

    def to_text(self) -> str:
        """Return what it is in words: the joint prior is stored apart."""
        return str(self)

    @property
    def support(self) -> Support:
        """All positive numbers for an SD, all for a coefficient."""
        return REAL if ParameterKey.read(self.key).of_population else POSITIVE

    @property
    def plain(self) -> Prior:
        """Itself."""
        return self

    def widen(self, factor: float) -> Prior:
        """Return the prior when all numbers are that many times as large."""
        return self.rescale(factor) or self

    def rescale(self, factor: float) -> Prior | None:
        """Return the prior of the number times a factor, all others times the same."""
        joint = self.joint.with_scale(lambda prior: prior.rescale(factor))
        return None if joint is None else part_prior(joint, self.key)

    def frozen(self) -> Any:
        """Return the distribution of this number alone."""
        return self.joint.implied(self.key)


def part_prior(joint: JointOnData, key: str) -> PartPrior:
    """Return the prior of one number of a joint prior."""
    return PartPrior(name=joint.KIND, joint=joint, key=key)


@lru_cache(maxsize=64)
def _implied(split: SplitOnData, key: str) -> "ScaleMixture":
    place, column = split.place(key)
    part, width = split.parts[place], len(split.parts[place].keys)
    share, others = split.shares[place], sum(split.shares) - split.shares[place]
    if part.free_of_correlations:
        count = _DRAWS if width == 1 else 150
        middle = (np.arange(count) + 0.5) / count
        logs = _log_beta_quantile(share, others, middle)
        if width > 1:
            within = (np.arange(_DRAWS // count) + 0.5) / (_DRAWS // count)
            logs = (logs[:, None] + np.log(-np.expm1(np.log1p(-within) / (width - 1)))[None, :]).ravel()
        return ScaleMixture(split.total, 0.5 * (logs - np.log(part.matrix[column, column])))
    generator = np.random.default_rng(0)
    correlation = np.tile(np.eye(width), (_DRAWS, 1, 1))
    for columns, concentration in part.correlated:
        correlation[np.ix_(np.arange(_DRAWS), columns, columns)] = draw_correlations(
            len(columns), concentration, _DRAWS, generator
        )
    variance = generator.beta(share, others, _DRAWS)
    sds = part.sds(variance, generator.dirichlet(np.ones(width), _DRAWS), correlation)
    return ScaleMixture(split.total, np.log(sds[:, column]))


def _log_beta_quantile(a: float, b: float, probability: Array) -> Array:
    """Return logarithms of quantiles of a Beta distribution, also where these are below the smallest number."""
    found = special.betaincinv(a, b, probability)
    with np.errstate(divide="ignore"):
        near_zero = (np.log(probability) + np.log(a) + special.betaln(a, b)) / a
        return np.asarray(np.where(found > 1e-290, np.log(np.maximum(found, 1e-300)), near_zero))


class ScaleMixture:
    """The distribution of X exp(h), X with a given prior and h one of many numbers, equally probable."""

    def __init__(self, base: Prior, shifts: Array) -> None:
        self._base, self._shifts = base.frozen(), shifts

    def cdf(self, x: Any) -> Array:
        """Return the probability of values up to x."""
        x = np.asarray(x, dtype=float)
        with np.errstate(over="ignore"):
            return np.asarray(np.mean(self._base.cdf(x[..., None] * np.exp(-self._shifts)), axis=-1))

    def logpdf(self, x: Any) -> Array:
        """Return the log-density at x."""
        x = np.asarray(x, dtype=float)
        with np.errstate(over="ignore", divide="ignore"):
            found = self._base.logpdf(x[..., None] * np.exp(-self._shifts)) - self._shifts
        return np.asarray(special.logsumexp(found, axis=-1) - np.log(len(self._shifts)))

    def pdf(self, x: Any) -> Array:
        """Return the density at x."""
        return np.asarray(np.exp(self.logpdf(x)))

    def ppf(self, q: Any) -> Array:
        """Return quantiles, by bisection of their logarithms; a distribution on all numbers is symmetric around 0."""
        q = np.asarray(q, dtype=float)
        if self.support() == REAL:
            upper = ScaleMixture.ppf(_Positive(self), np.abs(2.0 * q - 1.0))  # type: ignore[arg-type]
            return np.asarray(np.sign(q - 0.5) * upper)
        low, high = (np.full(q.shape, end) for end in (-600.0, 600.0))
        for _ in range(80):
            middle = 0.5 * (low + high)
            below = self.cdf(np.exp(middle)) < q
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        found = np.exp(0.5 * (low + high))
        return np.asarray(np.where(q <= 0.0, 0.0, np.where(q >= 1.0, np.inf, found)))

    def median(self) -> float:
        """Return the median."""
        return float(self.ppf(0.5))

    def rvs(self, size: Any = None, random_state: Any = None) -> Array:
        """Return random draws."""
        generator = np.random.default_rng(random_state)
        return np.asarray(
            self._base.rvs(size=size, random_state=generator) * np.exp(generator.choice(self._shifts, size))
        )

    def support(self) -> Support:
        """Return the ends of the support."""
        return POSITIVE if self._base.cdf(0.0) == 0.0 else REAL


class _Positive:
    """The absolute value of a symmetric variable."""

    def __init__(self, whole: ScaleMixture) -> None:
        self._whole = whole

    def support(self) -> Support:
        return POSITIVE

    def cdf(self, x: Any) -> Array:
        return 2.0 * self._whole.cdf(x) - 1.0


def correlations_of(part: Part, drawn: Array | None, count: int) -> Array:
    """Return the correlations of a part, (S, K, K): those drawn, or none."""
    return np.broadcast_to(np.eye(len(part.keys)), (count, len(part.keys), len(part.keys))) if drawn is None else drawn
