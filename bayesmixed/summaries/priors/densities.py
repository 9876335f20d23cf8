"""Log prior densities of the draws of a fit, each in the coordinate in which its prior is stated."""

import numpy as np
import xarray as xr

from bayesmixed.design.design import CUTS
from bayesmixed.design.thresholds import threshold_log_density, threshold_shift
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.linear_predictors import covariances_at_centre
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor


def log_prior_densities(fit: Fit) -> dict[str, xr.DataArray]:
    """Return the log prior density of every estimated top-level parameter, up to constants, by prior key, (chain, draw).

    On the scale on which each prior is stated, without Jacobian, and never of group effects given their SD: so it does
    not depend on the parameterisation of the sampler.
    """
    design, posterior = fit.design, fit.posterior
    values: dict[str, Array] = {}
    found: dict[str, Array] = {}
    for predictor in design.predictors.values():
        values |= _coefficients(predictor, posterior)
        for group in predictor.normal_blocks:
            centre = covariances_at_centre(predictor, group, posterior)
            sd = np.sqrt(np.diagonal(centre, axis1=-2, axis2=-1))
            values |= {key: sd[..., k] for k, key in enumerate(predictor.sd_keys(group))}
            key = predictor.corr(group)
            if group.correlated and design.priors[key].prior.name != "Fixed":
                found[key] = _log_correlations(group, centre, design.priors[key].prior.arguments[0])
    for name in design.numbers:
        function, _ = design.scalar_prior(name)
        values[function.key(name)] = function.forward(posterior[name].values)
    if design.family.cuts:
        beta = values_of(posterior, design.mu.beta) if design.mu.population.labels else None
        shift = np.asarray(threshold_shift(design, beta))[..., None]
        found[CUTS] = threshold_log_density(design, posterior[CUTS].transpose("chain", "draw", "cut").values - shift)
    found |= {
        key: _log_density(design.priors[key].prior, value) for key, value in values.items() if key in design.priors
    }
    coords = {"chain": posterior["chain"], "draw": posterior["draw"]}
    estimated = {key: found[key] for key, entry in design.priors.items() if entry.prior.name != "Fixed"}
    return {key: xr.DataArray(v, dims=("chain", "draw"), coords=coords) for key, v in estimated.items()}


def _coefficients(predictor: Predictor, posterior: xr.Dataset) -> dict[str, Array]:
    """Return population coefficients at the centre by prior key."""
    if not predictor.population.labels:
        return {}
    beta = values_of(posterior, predictor.beta) @ predictor.inverse_transform.T
    return {key: beta[..., k] for k, key in enumerate(predictor.keys)}


def _log_correlations(group: NormalBlock, covariance: Array, concentration: float) -> Array:
    """Return the LKJ log density of the correlations at the centre, (chain, draw)."""
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    corr = covariance / (sd[..., :, None] * sd[..., None, :])
    total = np.zeros(covariance.shape[:2])
    for part in group.parts:
        if part.correlated:
            block = corr[..., list(part.columns), :][..., list(part.columns)]
            total += (concentration - 1.0) * np.linalg.slogdet(block)[1]
    return total


def _log_density(prior: Prior, values: Array) -> Array:
    return np.zeros(values.shape) if prior.name == "Fixed" else np.asarray(prior.frozen().logpdf(values))
