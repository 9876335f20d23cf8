"""Log prior densities of the draws of a fit, each in the coordinate in which its prior is stated."""

from functools import reduce

import numpy as np
import xarray as xr
from scipy import special

from bayesmixed.design.design import CUTS, Design
from bayesmixed.design.monotonic_priors import MonotonicOnData
from bayesmixed.design.thresholds import threshold_log_density
from bayesmixed.design.variance_splits import PartPrior
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.linear_predictors import (
    centred_thresholds,
    covariances_at_centre,
    joint_covariances,
    part_covariances,
)
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.families.parameter_functions import range_of
from bayesmixed.joint_priors import VARIANCE
from bayesmixed.prior_distributions import INDUCED, Prior
from bayesmixed.terms.block_parts import block_diagonal
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.residual_blocks import CORRELATIONS
from bayesmixed.terms.scaled_matrices import scaled_inverse


def log_prior_densities(design: Design, posterior: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return the log prior density of every estimated top-level parameter, up to constants, by prior key, (chain, draw).

    On the scale on which each prior is stated, without Jacobian, and never of group effects given their SD: so it does
    not depend on the parameterisation of the sampler.
    """
    values: dict[str, Array] = {}
    found: dict[str, Array] = {}
    for predictor in design.predictors.values():
        values |= _coefficients(predictor, posterior)
        for group in predictor.normal_blocks:
            centre = covariances_at_centre(predictor, group, posterior, moments=True)
            sd = np.sqrt(np.diagonal(centre, axis1=-2, axis2=-1))
            values |= {key: sd[..., k] for k, key in enumerate(predictor.sd_keys(group))}
            values |= {own: values_of(posterior, own) for own, _, _ in predictor.structure_parameters(group)}
    for matrix, members in design.correlations():
        if matrix.widest and design.priors[matrix.name].prior.name != "Fixed":
            centre = joint_covariances(matrix, members, posterior)
            found[matrix.name] = _log_correlations(matrix, centre, design.priors[matrix.name].prior.arguments[0])
    if design.residual is not None:
        values |= {str(key): values_of(posterior, key) for key in design.residual.parameters}
        if design.residual.free and design.priors[CORRELATIONS].prior.name != "Fixed":
            matrices, power = values_of(posterior, CORRELATIONS), design.priors[CORRELATIONS].prior.arguments[0]
            found[CORRELATIONS] = _log_correlations(design.residual.matrix, matrices, power)
    for name in design.numbers:
        function, _ = design.scalar_prior(name)
        values[function.key(name)] = function.forward(posterior[name].values)
    if design.family.cuts:
        found[CUTS] = threshold_log_density(design, centred_thresholds(design, posterior))
    split = design.split
    if split is not None:
        found[VARIANCE] = split.log_density_as_stated(part_covariances(design, split, posterior))
    steps = design.joint_priors.get(MonotonicOnData.KIND)
    if isinstance(steps, MonotonicOnData):
        for place, part in enumerate(steps.parts):
            found[steps.average_key(place)] = steps.log_density_as_stated(
                place, np.stack([values[k] for k in part.keys], -1)
            )
    own = {key: entry.prior for key, entry in design.priors.items() if not isinstance(entry.prior, PartPrior)}
    found |= {key: _log_density(own[key], value) for key, value in values.items() if key in own}
    coords = {"chain": posterior["chain"], "draw": posterior["draw"]}
    estimated = {key: found[key] for key in [*own, *found] if key not in own or own[key].name != "Fixed"}
    return {key: xr.DataArray(v, dims=("chain", "draw"), coords=coords) for key, v in estimated.items()}


def log_prior_density(design: Design, posterior: xr.Dataset) -> Array:
    """Return the log prior density of all estimated top-level parameters together, (chain, draw).

    With all constants, and as a density of the coefficients and covariance matrices that the draws hold, and of all else on
    the scale of its link: the same measure wherever the priors are stated.

    Raises
    ------
    SpecError
        A joint prior has scales and shares of its own, over which it would be an integral.
    """
    hidden = design.hidden_joint_priors
    if hidden:
        raise SpecError(f"{hidden[0]} has no density of the parameters alone.")
    if design.residual is not None:
        raise SpecError(
            "The prior density that a marginal likelihood needs is not there for correlated residuals "
            f"({design.residual.residual}). Compare predictions: bm.compare_models."
        )
    found = np.zeros((posterior.sizes["chain"], posterior.sizes["draw"]))
    densities, split = log_prior_densities(design, posterior), design.split
    if split is not None:
        densities.pop(VARIANCE)
        found += split.log_density(part_covariances(design, split, posterior))
    for density in densities.values():
        found += density.values
    for predictor in design.predictors.values():
        if predictor.population.labels:
            found += np.linalg.slogdet(predictor.inverse_transform)[1]
        for group in predictor.normal_blocks:
            if not group.tied:
                matrix, centre = predictor.correlations(group), covariances_at_centre(predictor, group, posterior)
                found += _log_covariance_slopes(design, matrix, scaled_inverse(group.transform), centre)
    for matrix, members in design.correlations():
        if matrix.tied:
            inverse = reduce(block_diagonal, [scaled_inverse(group.transform) for _, group in members])
            found += _log_covariance_slopes(design, matrix, inverse, joint_covariances(matrix, members, posterior))
    for name in design.numbers:
        function, prior = design.scalar_prior(name)
        if prior.name != "Fixed":
            parameter = design.family.parameter(name)
            ends, law = range_of(function.key(name), parameter), prior.frozen()
            value, factor = function.forward(values_of(posterior, name)), function.factors.get(parameter.link, 1.0)
            found += np.log(np.abs(factor)) + _log_link_slope(value, *ends)
            found -= np.log(law.cdf(ends[1]) - law.cdf(ends[0]))
    if design.family.cuts:
        count, prior = len(design.family.cuts) + 1, design.priors[CUTS].prior
        found += special.gammaln(count) if design.family.at_risk is None else 0.0
        if prior.name == INDUCED:
            shape = prior.arguments[0]
            found += special.gammaln(count * shape) - count * special.gammaln(shape) - special.gammaln(count)
    return found


def _log_link_slope(value: Array, lower: float, upper: float) -> Array:
    """Return the log derivative of a value in its range by the number on the real line that it is a function of."""
    below = 0.0 if np.isinf(lower) else np.log(value - lower)
    above = 0.0 if np.isinf(upper) else np.log(upper - value)
    return np.asarray(below + above)


def _log_covariance_slopes(design: Design, matrix: CorrelationMatrix, inverse: Array, centre: Array) -> Array:
    """Return the logarithm of the determinant of SDs and correlations, where their priors are stated, by covariances as
    written (by the SDs where effects are independent), and of the constants of the priors of correlations."""
    sd = np.sqrt(np.diagonal(centre, axis1=-2, axis2=-1))
    total = np.zeros(sd.shape[:2])
    for part in matrix.parts:
        columns = list(part.columns)
        volume = np.linalg.slogdet(inverse[np.ix_(columns, columns)])[1]
        if not part.correlated:
            total += volume
            continue
        width = len(columns)
        total += (width + 1) * volume - width * (np.log(2.0) + np.sum(np.log(sd[..., columns]), axis=-1))
        prior = design.priors[matrix.name].prior
        total += _log_lkj_constant(width, prior.arguments[0]) if prior.name != "Fixed" else 0.0
    return total


def _log_lkj_constant(width: int, concentration: float) -> float:
    """Return the logarithm of what makes det(R)^(concentration - 1) a density of correlation matrices (Lewandowski,
    Kurowicka & Joe 2009, J Multivar Anal 100:1989)."""
    rest = np.arange(1, width)
    shape = concentration + (rest - 1) / 2.0
    return float(-np.sum(rest * ((2.0 * shape - 1.0) * np.log(2.0) + special.betaln(shape, shape))))


def _coefficients(predictor: Predictor, posterior: xr.Dataset) -> dict[str, Array]:
    """Return population coefficients at the centre by prior key."""
    if not predictor.population.labels:
        return {}
    beta = values_of(posterior, predictor.beta) @ predictor.inverse_transform.T
    return {key: beta[..., k] for k, key in enumerate(predictor.keys)}


def _log_correlations(matrix: CorrelationMatrix, covariance: Array, concentration: float) -> Array:
    """Return the LKJ log density of the correlations at the centre, (chain, draw)."""
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    corr = covariance / (sd[..., :, None] * sd[..., None, :])
    total = np.zeros(covariance.shape[:2])
    for part in matrix.parts:
        if part.correlated:
            block = corr[..., list(part.columns), :][..., list(part.columns)]
            total += (concentration - 1.0) * np.linalg.slogdet(block)[1]
    return total


def _log_density(prior: Prior, values: Array) -> Array:
    return np.zeros(values.shape) if prior.name == "Fixed" else np.asarray(prior.frozen().logpdf(values))
