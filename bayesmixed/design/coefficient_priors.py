"""Joint priors of coefficients on data: of all terms by the variance that they explain, and the horseshoe."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from bayesmixed.design.scale_mixtures import ScaleMixture
from bayesmixed.design.variance_parts import Part, read_parts
from bayesmixed.design.variance_splits import JointOnData, SplitOnData, stratified
from bayesmixed.families.links import Array
from bayesmixed.joint_priors import R2D2M2, Horseshoe, JointPrior
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.prior_distributions import Prior
from bayesmixed.prior_texts import as_prior

_DRAWS = 4000
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

    def draw_scales(self, sigma: Array, generator: np.random.Generator) -> Array:
        """Return draws of the SDs of all coefficients of columns of variance 1, (S, D), for what multiplies the scale, (S,)."""
        count, width = len(sigma), sum(len(part.keys) for part in self.parts)
        one = self.numbers
        local = np.abs(generator.standard_t(one.df, (count, width)))
        tau = (self.scale * sigma * np.abs(generator.standard_cauchy(count)))[:, None]
        slab = self.slab * np.sqrt(0.5 * one.slab_df / generator.gamma(0.5 * one.slab_df, size=(count, 1)))
        plain = tau * local
        return np.asarray(plain * slab / np.hypot(slab, plain))

    def draw(self, sigma: Array, correlations: Mapping[str, Array], generator: np.random.Generator) -> dict[str, Array]:
        """Return draws of all coefficients by key, (S,)."""
        scales = self.draw_scales(sigma if self.sigma is not None else np.ones(len(sigma)), generator)
        values = scales * generator.standard_normal(scales.shape)
        keys = [key for part in self.parts for key in part.keys]
        return {key: own / self.unit(key) for key, own in zip(keys, values.T, strict=True)}

    def implied(self, key: str) -> ScaleMixture:
        """Return the distribution of one coefficient alone."""
        return _implied(self, key)


@lru_cache(maxsize=256)
def _implied(joint: ExplainedOnData | HorseshoeOnData, key: str) -> ScaleMixture:
    """Return the distribution of one number alone, a mixture over 4000 draws of its scale, always the same."""
    generator = np.random.default_rng(0)
    sigma = np.ones(_DRAWS)
    if joint.sigma is not None:
        levels = (generator.permutation(_DRAWS) + 0.5) / _DRAWS
        sigma = np.asarray(joint.sigma.frozen().ppf(levels))
    if isinstance(joint, HorseshoeOnData):
        column = [own for part in joint.parts for own in part.keys].index(key)
        return ScaleMixture(_STANDARD, np.log(joint.draw_scales(sigma, generator)[:, column] / joint.unit(key)))
    place, column = joint.place(key)
    part = joint.parts[place]
    r2 = np.asarray(joint.r2.frozen().ppf((generator.permutation(_DRAWS) + 0.5) / _DRAWS))
    share = generator.dirichlet(joint.shares, _DRAWS)[:, place]
    explained = r2 / np.maximum(1.0 - r2, _SMALLEST) * share
    if of_coefficients(part):
        return ScaleMixture(_STANDARD, 0.5 * np.log(explained / part.moments[0][0]) + np.log(sigma))
    correlations = {part.correlation: part.draw_correlations(_DRAWS, generator)}
    return ScaleMixture(joint.sigma, np.log(part.draw_sds(explained, correlations, generator)[:, column]))


READERS: dict[str, Callable[[Sequence[Any]], JointOnData]] = {
    SplitOnData.KIND: SplitOnData.from_lists,
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
