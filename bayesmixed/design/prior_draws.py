"""Draws from the priors of a design, in the coordinates in which the priors are stated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesmixed.design.correlation_draws import draw_within_parts
from bayesmixed.design.design import CUTS, Design
from bayesmixed.design.structures import structure_range
from bayesmixed.design.thresholds import draw_thresholds, threshold_quantile
from bayesmixed.design.variance_splits import PartPrior, stratified
from bayesmixed.families.links import Array
from bayesmixed.families.parameter_functions import range_of
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.block_parts import fixed_correlations
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor


@dataclass(frozen=True, slots=True)
class PriorDraws:
    """Independent draws of all top-level parameters.

    Attributes
    ----------
    design : Design
        With realised priors.
    values : dict
        (S,) arrays by prior key, and by name for parameters that have the prior on a function of them.
    correlations : dict
        (S, K, K) correlation matrices by prior key.
    count : int
        Number S of draws.
    """

    design: Design
    values: dict[str, Array]
    correlations: dict[str, Array]
    count: int

    def coefficients(self, predictor: Predictor) -> Array:
        """Return the coordinates of the population part of a predictor, (S, q)."""
        return np.column_stack([np.empty((self.count, 0)), *(self.values[key] for key in predictor.keys)])

    def covariance(self, predictor: Predictor, group: NormalBlock) -> Array:
        """Return the covariance matrices of a term's effects at their centre, (S, K, K)."""
        sd = np.stack([self.values[key] for key in predictor.sd_keys(group)], axis=-1)
        matrix, corr = predictor.correlations(group), np.eye(sd.shape[-1])
        if matrix.name in self.correlations:
            corr = matrix.own(self.correlations[matrix.name], predictor.parameter)
        if group.structured:
            corr = corr + predictor.structured_correlations(group, self.values) - np.eye(sd.shape[-1])
        return np.asarray(sd[:, :, None] * corr * sd[:, None, :])

    def joint_covariance(self, members: Sequence[tuple[Predictor, GroupBlock]]) -> Array:
        """Return the covariance matrices of the effects of tied terms together at their centre, (S, W, W)."""
        sds = [self.values[key] for predictor, group in members for key in predictor.sd_keys(group)]
        sd, corr = np.stack(sds, axis=-1), self.correlations[members[0][0].corr(members[0][1])]
        return np.asarray(sd[:, :, None] * corr * sd[:, None, :])


def draw_priors(design: Design, count: int, seed: int = 0) -> PriorDraws:
    """Return draws of every parameter of a design; single numbers by Latin hypercube, so that their quantiles are exact."""
    generator = np.random.default_rng(seed)
    values: dict[str, Array] = {}
    correlations = {}
    matrices = design.matrices
    for key, entry in design.priors.items():
        if isinstance(entry.prior, PartPrior):
            continue
        if key in matrices:
            correlations[key] = draw_matrix(matrices[key], entry.prior, count, generator)
        elif key == CUTS:
            values |= dict(zip(design.family.cuts, draw_thresholds(design, count, generator).T, strict=True))
        else:
            values[key] = prior_quantile(design, key, stratified(count, generator))
            scalar = design.scalar_of(key)
            if scalar is not None:
                values[scalar] = design.scalar_prior(scalar)[0].inverse(values[key])
    for joint in design.joint_priors.values():
        sigma = values.get(str(design.family.scale), np.ones(count))
        values |= joint.draw(sigma, correlations, generator)
    return PriorDraws(design, values, correlations, count)


def prior_quantile(design: Design, key: str, probability: Any) -> Array:
    """Return quantiles of one parameter's prior, cut off at the bounds of the parameter.

    For a correlation matrix: of each single correlation, in the widest correlated part of the term. For thresholds: below
    the median of the lowest one, above it of the highest one.
    """
    prior = design.priors[key].prior
    if prior.name == "Fixed":
        return np.full(np.shape(probability), prior.arguments[0])
    if key in design.matrices:
        # Each correlation of K columns is Beta(eta - 1 + K/2) on (-1, 1).
        prior = Prior(name="LKJ", arguments=(prior.arguments[0] - 1.0 + design.matrices[key].widest / 2.0,))
    if key == CUTS:
        quantiles = threshold_quantile(design, probability)
        return np.where(np.less(probability, 0.5), quantiles[0], quantiles[-1])
    distribution = prior.frozen()
    low, high = 0.0, 1.0
    scalar = design.scalar_of(key)
    bounds = structure_range(design, key)
    if scalar is not None:
        bounds = range_of(key, design.family.parameter(scalar))
    if bounds is not None:
        low, high = (float(distribution.cdf(bound)) for bound in bounds)
    return np.asarray(distribution.ppf(low + np.asarray(probability) * (high - low)))


def draw_matrix(matrix: CorrelationMatrix, prior: Prior, count: int, generator: np.random.Generator) -> Array:
    """Return draws of a correlation matrix, (S, K, K)."""
    if prior.name == "Fixed":
        return np.broadcast_to(
            fixed_correlations(matrix.parts, prior.arguments[0]), (count, matrix.width, matrix.width)
        )
    correlated = [(tuple(part.columns), prior.arguments[0]) for part in matrix.parts if part.correlated]
    return draw_within_parts(matrix.width, correlated, count, generator)
