"""The joint prior of the steps of ordered predictors, mo(x): an average step, and the shares of the steps in the whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from bayesmixed.design.scale_mixtures import ScaleMixture, log_beta_quantile
from bayesmixed.design.variance_parts import Part, read_parts
from bayesmixed.design.variance_splits import JointOnData, stratified
from bayesmixed.families.links import Array
from bayesmixed.joint_priors import JointPrior
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.prior_distributions import Prior
from bayesmixed.prior_texts import as_prior

_DRAWS = 4000


@dataclass(frozen=True)
class MonotonicOnData(JointOnData):
    """The joint prior of the steps of all terms mo(x) of a model: those of one are b D zeta.

    Attributes
    ----------
    parts : tuple of Part
        The terms.
    averages : tuple of Prior
        Of the average step b of each.
    shares : tuple of tuples of float
        Parameters of the Dirichlet distributions of zeta.
    """

    KIND: ClassVar[str] = "Monotonic"
    parts: tuple[Part, ...]
    averages: tuple[Prior, ...]
    shares: tuple[tuple[float, ...], ...]

    def to_spec(self) -> JointPrior | None:
        """Return None: it follows from the terms, and is no prior that a user states."""
        return None

    def __str__(self) -> str:
        return "; ".join(self.words(part.keys[0]) for part in self.parts)

    def words(self, key: str) -> str:
        """Return the prior of the average step, and of the shares."""
        place, _ = self.place(key)
        shares = self.shares[place]
        numbers = f"{shares[0]:g}" if len(set(shares)) == 1 else ", ".join(f"{share:g}" for share in shares)
        return f"average={self.averages[place]}, shares=Dirichlet({numbers})"

    def with_scale(self, change: Callable[[Prior], Prior | None]) -> "MonotonicOnData | None":
        """Return the prior with average steps of another scale; None where one has no unit."""
        changed = [change(prior) for prior in self.averages]
        averages = tuple(prior for prior in changed if prior is not None)
        return replace(self, averages=averages) if len(averages) == len(changed) else None

    def to_lists(self) -> list[Any]:
        """Return the prior as lists of numbers and texts, for JSON."""
        return [[astuple(part) for part in self.parts], [prior.to_text() for prior in self.averages], self.shares]

    @classmethod
    def from_lists(cls, found: Sequence[Any]) -> "MonotonicOnData":
        """Return the prior from what `to_lists` returned."""
        parts, averages, shares = found
        return cls(read_parts(parts), tuple(as_prior(text) for text in averages), tuple(tuple(own) for own in shares))

    def draw(self, sigma: Array, correlations: Mapping[str, Array], generator: np.random.Generator) -> dict[str, Array]:
        """Return draws of all steps by key, (S,)."""
        found: dict[str, Array] = {}
        for part, prior, shares in zip(self.parts, self.averages, self.shares, strict=True):
            average = np.asarray(prior.frozen().ppf(stratified(len(sigma), generator)))
            steps = len(shares) * average[:, None] * generator.dirichlet(shares, len(sigma))
            found |= dict(zip(part.keys, steps.T, strict=True))
        return found

    def average_key(self, place: int) -> str:
        """Return the key of the average step of a term, "beta[mo(x)]"."""
        return ParameterKey.read(self.parts[place].keys[0]).average

    def log_density_as_stated(self, place: int, steps: Array) -> Array:
        """Return the log-density of the average step of a term and of the shares of its steps, (...), for steps (..., D)."""
        found = np.asarray(self.averages[place].frozen().logpdf(steps.mean(axis=-1)))
        total = np.abs(steps).sum(axis=-1)
        for column, share in enumerate(self.shares[place]):
            if share != 1.0:
                # A share of 0 by rounding has a density too.
                found = found + (share - 1.0) * np.log(np.maximum(np.abs(steps[..., column]) / total, 1e-300))
        return found

    def implied(self, key: str) -> ScaleMixture:
        """Return the distribution of one step alone."""
        return _implied(self, key)


class _StepMixture(ScaleMixture):
    """The distribution of one step, whose base need not be symmetric around 0."""

    def ppf(self, q: Any) -> Array:
        """Return quantiles, by bisection."""
        q = np.asarray(q, dtype=float)
        reach = np.exp(self._shifts.max())
        ends = np.array([self._base.ppf(end) * factor for end in (1e-12, 1.0 - 1e-12) for factor in (0.0, reach)])
        low, high = np.full(q.shape, min(0.0, ends.min())), np.full(q.shape, max(0.0, ends.max()))
        for _ in range(80):
            middle = 0.5 * (low + high)
            below = self.cdf(middle) < q
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray(0.5 * (low + high))


@lru_cache(maxsize=256)
def _implied(joint: MonotonicOnData, key: str) -> ScaleMixture:
    place, column = joint.place(key)
    shares = joint.shares[place]
    if len(shares) == 1:
        return _StepMixture(joint.averages[place], np.zeros(1))
    levels = (0.5 + np.arange(_DRAWS)) / _DRAWS
    own, others = shares[column], sum(shares) - shares[column]
    return _StepMixture(joint.averages[place], np.log(len(shares)) + log_beta_quantile(own, others, levels))
