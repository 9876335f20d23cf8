"""How much default priors pull coefficients and SDs: power scaling in the limit, from the draws of a fit."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.cross_validation.importance_weights import effective_size
from bayesmixed.draws.prior_densities import log_prior_densities
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.parameter_keys import ParameterKey

THRESHOLD = 0.05
"""Sensitivities above it are worth a look (Kallioinen et al. 2024): that of a mean that moves by about a third of a posterior
SD when the power of the prior is doubled."""
_FACTOR = np.sqrt(np.log(2.0) / 8.0)


def prior_pulls(fit: Fit) -> pd.DataFrame:
    """Return how much the default priors of coefficients and SDs, all together, pull each of these.

    Priors of the user are not scaled, and fixed numbers are left out.

    Returns
    -------
    pandas.DataFrame
        Columns quantity ("beta[x]", "sd_herd[Intercept]"), sensitivity (see `sensitivities`), noise (what Monte Carlo
        error gives for one that the priors do not touch) and shift (by how many posterior SDs the mean moves, to first
        order, if the priors are left out).
    """
    answers = coefficients_and_sds(fit)
    scaled = [v.values for key, v in log_prior_densities(fit.design, fit.posterior).items() if _is_scaled(fit, key)]
    if not answers or not scaled:
        return pd.DataFrame({name: [] for name in ("quantity", "sensitivity", "noise", "shift")})
    log_prior = np.sum(scaled, axis=0)
    draws = np.stack([values.values.ravel() for values in answers.values()])
    standard = (draws - draws.mean(axis=1, keepdims=True)) / draws.std(axis=1, keepdims=True)
    found = {
        "quantity": list(answers),
        "sensitivity": sensitivities(draws, log_prior.ravel()),
        "noise": _FACTOR * np.std(log_prior) / np.sqrt(effective_size(log_prior)),
        "shift": -standard @ (log_prior.ravel() - log_prior.mean()) / log_prior.size,
    }
    return pd.DataFrame(found)


def describe_pulls(fit: Fit) -> str | None:
    """Return one line if default priors pull coefficients or SDs, with the call that says more; None if they do not.

    They pull where a sensitivity is above 0.05 and above three times its noise.
    """
    table = prior_pulls(fit)
    limit = np.maximum(THRESHOLD, 3.0 * table["noise"])
    pulled = table[table["sensitivity"] > limit].sort_values("sensitivity", ascending=False)
    if not len(pulled):
        return None
    worst = pulled.iloc[0]
    return (
        f"Default priors pull {len(pulled)} of {len(table)} coefficients and SDs (sensitivity above {THRESHOLD:g}), most "
        f"{worst['quantity']} ({worst['sensitivity']:.2f}): see bm.prior_sensitivity(fit)."
    )


def sensitivities(draws: Array, log_prior: Array) -> Array:
    """Return the sensitivity of each of m quantities to a power of the prior, (m,), from draws (m, S) and log priors (S,).

    The derivative of the distance of Kallioinen, Paananen, Bürkner & Vehtari (2024, Stat Comput 34:57) between posteriors,
    that of cumulative Jensen-Shannon divergence, with respect to the binary logarithm of the power: where the power moves
    the distribution function F by g for each unit, the root of ln 2 / 8 times the integral of g^2 / F over that of F;
    the larger one of a quantity and its negative, so that it does not depend on a reference level.
    """
    order = np.argsort(draws, axis=1)
    ordered = np.take_along_axis(draws, order, axis=1)
    steps = np.diff(ordered, axis=1)
    moved = np.cumsum((log_prior - log_prior.mean())[order], axis=1)[:, :-1] / len(log_prior)
    below = np.arange(1, len(log_prior)) / len(log_prior)
    found = [np.sum(moved**2 / part * steps, axis=1) / np.sum(part * steps, axis=1) for part in (below, 1.0 - below)]
    return np.asarray(_FACTOR * np.sqrt(np.max(found, axis=0)))


def coefficients_and_sds(fit: Fit) -> dict[str, xr.DataArray]:
    """Return the draws (chain, draw) of all population coefficients and SDs of groups by name, without fixed ones."""
    posterior, found = fit.posterior, {}
    for predictor in fit.design.predictors.values():
        for label in predictor.population.labels:
            found[ParameterKey(predictor.beta, label)] = posterior[predictor.beta].sel(
                {f"{predictor.beta}_effect": label}
            )
        for group in predictor.normal_blocks:
            sds = posterior[predictor.sd(group)]
            dims = [dim for dim in sds.dims if dim not in ("chain", "draw")]
            found |= {key: sds.isel(dict.fromkeys(dims, k)) for key, k in predictor.distinct_sds(group).items()}
    ordered = {name: values.transpose("chain", "draw") for name, values in found.items()}
    return {name: values for name, values in ordered.items() if np.ptp(values.values) > 0}


def _is_scaled(fit: Fit, key: str) -> bool:
    """Return whether a prior is the default one of a coefficient or an SD."""
    entry, stated = fit.design.priors.get(key), ParameterKey.read(key)
    return entry is not None and entry.source == "default" and (stated.of_population or stated.of_sd)
