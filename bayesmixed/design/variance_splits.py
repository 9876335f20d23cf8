"""Joint priors of variances on data: their density, draws from them, and what they imply for single parameters."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from pydantic import InstanceOf
from scipy import special

from bayesmixed.design.scale_mixtures import ScaleMixture, log_beta_quantile
from bayesmixed.design.variance_parts import Part, read_parts
from bayesmixed.families.links import Array
from bayesmixed.joint_priors import JointPrior, VarianceSplit, share_of
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.prior_distributions import POSITIVE, REAL, Prior, Support
from bayesmixed.prior_texts import as_prior

_DRAWS = 4000


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
    def implied(self, key: str) -> ScaleMixture:
        """Return the distribution of one number alone."""

    def words(self, key: str) -> str:
        """Return what the prior of one number is in words: which share it has."""
        return share_of(self.parts[self.place(key)[0]].name)

    @property
    def stated(self) -> Prior | None:
        """The prior of its total, None where it has none."""
        return None

    @abstractmethod
    def draw(self, sigma: Array, correlations: Mapping[str, Array], generator: np.random.Generator) -> dict[str, Array]:
        """Return draws of all numbers by key, (S,), for draws of the residual SD (S,), 1 where there is none with a prior
        of its own, and of correlations (S, K, K) by key."""

    @abstractmethod
    def with_scale(self, change: Callable[[Prior], Prior | None]) -> "JointOnData | None":
        """Return the prior with another scale; None where it has no unit."""

    @abstractmethod
    def to_lists(self) -> list[Any]:
        """Return the prior as lists of numbers and texts, for JSON."""

    @abstractmethod
    def to_spec(self) -> JointPrior | None:
        """Return what a user would write, with the names of the parts; None where it follows from the terms."""

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

    def implied(self, key: str) -> ScaleMixture:
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

    def draw(self, sigma: Array, correlations: Mapping[str, Array], generator: np.random.Generator) -> dict[str, Array]:
        """Return draws of all SDs by key, (S,): the residual SD is one of them."""
        count = len(sigma)
        total = np.asarray(self.total.frozen().ppf(stratified(count, generator)))
        shares = generator.dirichlet(self.shares, count)
        found: dict[str, Array] = {}
        for part, share in zip(self.parts, shares.T, strict=True):
            sds = part.draw_sds(total**2 * share, correlations, generator)
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
def _implied(split: SplitOnData, key: str) -> ScaleMixture:
    place, column = split.place(key)
    part, width = split.parts[place], len(split.parts[place].keys)
    share, others = split.shares[place], sum(split.shares) - split.shares[place]
    if part.free_of_correlations:
        count = _DRAWS if width == 1 else 150
        middle = (np.arange(count) + 0.5) / count
        logs = log_beta_quantile(share, others, middle)
        if width > 1:
            within = (np.arange(_DRAWS // count) + 0.5) / (_DRAWS // count)
            logs = (logs[:, None] + np.log(-np.expm1(np.log1p(-within) / (width - 1)))[None, :]).ravel()
        return ScaleMixture(split.total, 0.5 * (logs - np.log(part.matrix[column, column])))
    generator = np.random.default_rng(0)
    correlation = part.draw_correlations(_DRAWS, generator)
    variance = generator.beta(share, others, _DRAWS)
    sds = part.sds(variance, generator.dirichlet(np.ones(width), _DRAWS), correlation)
    return ScaleMixture(split.total, np.log(sds[:, column]))


def stratified(count: int, generator: np.random.Generator) -> Array:
    """Return probabilities, one in each of as many intervals of equal length, in random order."""
    return np.asarray((generator.permutation(count) + generator.random(count)) / count)
