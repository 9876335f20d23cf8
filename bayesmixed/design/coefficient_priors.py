"""Joint priors of coefficients on data: of all terms by the variance that they explain, and the horseshoe."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from scipy import special

from bayesmixed.design.monotonic_priors import MonotonicOnData
from bayesmixed.design.scale_mixtures import ScaleMixture, log_beta_quantile
from bayesmixed.design.variance_parts import Part, read_parts
from bayesmixed.design.variance_splits import JointOnData, SplitOnData, stratified
from bayesmixed.families.links import Array
from bayesmixed.joint_priors import R2D2M2, Horseshoe, JointPrior
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.prior_distributions import Prior
from bayesmixed.prior_texts import as_prior

_DRAWS = 4000
_ROOT = 1.1673039782614187
_SMALLEST = 1e-15
_STANDARD = Prior(name="Normal", arguments=(0.0, 1.0))


def of_coefficients(part: Part) -> bool:
    """Return whether a part is a term of the population part, whose moments are the sum of the variances of its columns."""
    return ParameterKey.read(part.keys[0]).of_population


@dataclass(frozen=True)
class ExplainedOnData(JointOnData):
    """The joint prior of coefficients and SDs by the share of the variance that all terms explain.

    R2 is Beta, the shares of the terms in what is explained, R2 / (1 - R2) sigma^2, are Dirichlet. The coefficients of a
    term are normal, with one SD; its columns have on average over coefficients the variance that is its share. SDs of
    effects have the variance that is the share of their term, divided as in `SplitOnData`.

    Attributes
    ----------
    r2 : Prior
    shares : tuple of float
        Parameters of the Dirichlet distribution.
    parts : tuple of Part
        Terms of the population part, then those of effects.
    sigma : Prior
        Of the residual SD.
    """

    KIND: ClassVar[str] = R2D2M2.__name__
    r2: Prior
    shares: tuple[float, ...]
    parts: tuple[Part, ...]
    sigma: Prior

    def to_spec(self) -> JointPrior:
        """Return what a user would write, with the names of the parts."""
        return R2D2M2(r2=self.r2, shares=self.shares, names=tuple(part.name for part in self.parts))

    @property
    def stated(self) -> Prior:
        """The prior of R2."""
        return self.r2

    def with_scale(self, change: Callable[[Prior], Prior | None]) -> "ExplainedOnData | None":
        """Return the prior with another scale of the residual SD; None where that has no unit."""
        sigma = change(self.sigma)
        return None if sigma is None else replace(self, sigma=sigma)

    def to_lists(self) -> list[Any]:
        """Return the prior as lists of numbers and texts, for JSON."""
        return [self.r2.to_text(), self.shares, [astuple(part) for part in self.parts], self.sigma.to_text()]

    def draw(self, sigma: Array, correlations: Mapping[str, Array], generator: np.random.Generator) -> dict[str, Array]:
        """Return draws of all numbers by key, (S,)."""
        count = len(sigma)
        r2 = np.asarray(self.r2.frozen().ppf(stratified(count, generator)))
        explained = sigma**2 * r2 / np.maximum(1.0 - r2, _SMALLEST)
        found: dict[str, Array] = {}
        for part, share in zip(self.parts, generator.dirichlet(self.shares, count).T, strict=True):
            if of_coefficients(part):
                scale = np.sqrt(explained * share / part.moments[0][0])
                values = scale[:, None] * generator.standard_normal((count, len(part.keys)))
            else:
                values = part.draw_sds(explained * share, correlations, generator)
            found |= dict(zip(part.keys, values.T, strict=True))
        return found

    def implied(self, key: str) -> ScaleMixture:
        """Return the distribution of one number alone."""
        return _implied(self, key)


@dataclass(frozen=True)
class HorseshoeOnData(JointOnData):
    """The regularised horseshoe of coefficients.

    A coefficient is normal with the SD c_k tau lambda_k S / sqrt(S^2 + tau^2 lambda_k^2): lambda_k half-t, tau half-Cauchy
    with the scale p0 / (D - p0) / sqrt(n) times sigma, S^2 inverse gamma, and 1 / c_k^2 the variance of the column, or the mean
    of those of a factor's contrasts.

    Attributes
    ----------
    numbers : Horseshoe
        As stated.
    parts : tuple of Part
        The terms, with the variances of their columns.
    scale : float
        p0 / (D - p0) / sqrt(n), times sigma where that is known.
    slab : float
        The scale of the slab.
    sigma : Prior or None
        Of the residual SD that multiplies the scale, None where it is in the scale.
    """

    KIND: ClassVar[str] = Horseshoe.__name__
    numbers: Horseshoe
    parts: tuple[Part, ...]
    scale: float
    slab: float
    sigma: Prior | None

    def to_spec(self) -> JointPrior:
        """Return what a user would write."""
        return self.numbers

    def words(self, key: str) -> str:
        """Return the numbers, which are those of all coefficients."""
        return self.numbers.words

    def with_scale(self, change: Callable[[Prior], Prior | None]) -> "HorseshoeOnData | None":
        """Return the prior with another unit; None where it has none."""
        unit = change(Prior(name="Fixed", arguments=(1.0,)))
        sigma = None if self.sigma is None else change(self.sigma)
        if unit is None or (self.sigma is not None and sigma is None):
            return None
        (factor,) = unit.arguments
        scale = self.scale if self.sigma is not None else self.scale * factor
        return replace(self, scale=scale, slab=self.slab * factor, sigma=sigma)

    def to_lists(self) -> list[Any]:
        """Return the prior as lists of numbers and texts, for JSON."""
        sigma = None if self.sigma is None else self.sigma.to_text()
        return [self.numbers.to_text(), [astuple(part) for part in self.parts], self.scale, self.slab, sigma]

    def unit(self, key: str) -> float:
        """Return the SD of the column of a coefficient, or the root mean square of those of its term."""
        part = self.parts[self.place(key)[0]]
        return float(np.sqrt(part.moments[0][0] / len(part.keys)))

    def scales(self, sigma: Array, levels: Array) -> Array:
        """Return the SDs of coefficients of columns of variance 1, (S, K), for what multiplies the scale, (S,), and the
        probabilities (S, K + 2) of values up to those of tau, of the slab, and of each lambda."""
        one, (tau_level, slab_level) = self.numbers, levels.T[:2, :, None]
        local = special.stdtrit(one.df, 0.5 + 0.5 * levels[:, 2:])
        tau = self.scale * sigma[:, None] * np.tan(0.5 * np.pi * tau_level)
        slab = self.slab * np.sqrt(0.5 * one.slab_df / special.gammainccinv(0.5 * one.slab_df, slab_level))
        plain = tau * local
        return np.asarray(plain * slab / np.hypot(slab, plain))

    def draw(self, sigma: Array, correlations: Mapping[str, Array], generator: np.random.Generator) -> dict[str, Array]:
        """Return draws of all coefficients by key, (S,)."""
        keys = [key for part in self.parts for key in part.keys]
        count = len(sigma)
        levels = np.column_stack([stratified(count, generator) for _ in range(len(keys) + 2)])
        scales = self.scales(sigma if self.sigma is not None else np.ones(count), levels)
        values = scales * generator.standard_normal(scales.shape)
        return {key: own / self.unit(key) for key, own in zip(keys, values.T, strict=True)}

    def implied(self, key: str) -> ScaleMixture:
        """Return the distribution of one coefficient alone."""
        return _implied(self, key)


@lru_cache(maxsize=256)
def _implied(joint: ExplainedOnData | HorseshoeOnData, key: str) -> ScaleMixture:
    """Return the distribution of one number alone, a mixture over 4000 values of its scale, always the same: at points that
    fill the cube of probabilities of its four factors evenly (the additive recurrence of the root of x^5 = x + 1)."""
    levels = (0.5 + np.arange(_DRAWS)[:, None] * _ROOT ** -np.arange(1.0, 5.0)) % 1.0
    sigma = np.ones(_DRAWS) if joint.sigma is None else np.asarray(joint.sigma.frozen().ppf(levels[:, 0]))
    if isinstance(joint, HorseshoeOnData):
        return ScaleMixture(_STANDARD, np.log(joint.scales(sigma, levels[:, 1:])[:, 0] / joint.unit(key)))
    place, column = joint.place(key)
    part, own = joint.parts[place], joint.shares[place]
    r2 = np.asarray(joint.r2.frozen().ppf(levels[:, 1]))
    explained = r2 / np.maximum(1.0 - r2, _SMALLEST)
    if len(joint.parts) > 1:
        explained *= np.exp(log_beta_quantile(own, sum(joint.shares) - own, levels[:, 2]))
    if of_coefficients(part):
        return ScaleMixture(_STANDARD, 0.5 * np.log(explained / part.moments[0][0]) + np.log(sigma))
    generator = np.random.default_rng(0)
    correlations = {part.correlation: part.draw_correlations(_DRAWS, generator)}
    return ScaleMixture(joint.sigma, np.log(part.draw_sds(explained, correlations, generator)[:, column]))


READERS: dict[str, Callable[[Sequence[Any]], JointOnData]] = {
    SplitOnData.KIND: SplitOnData.from_lists,
    MonotonicOnData.KIND: MonotonicOnData.from_lists,
    ExplainedOnData.KIND: lambda found: ExplainedOnData(
        as_prior(found[0]), tuple(found[1]), read_parts(found[2]), as_prior(found[3])
    ),
    HorseshoeOnData.KIND: lambda found: HorseshoeOnData(
        as_prior(found[0]),  # type: ignore[arg-type]
        read_parts(found[1]),
        found[2],
        found[3],
        None if found[4] is None else as_prior(found[4]),
    ),
}
"""By name of a joint prior: what reads it back."""
