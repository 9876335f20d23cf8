"""Nine rows in three groups whose SDs are known: the posterior of the intercept and the evidence by algebra, and its draws."""

from dataclasses import replace

import numpy as np
import xarray as xr
from conftest import CHECKS
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm

ROWS = {name: CHECKS["G1"]["inputs"][name] for name in ("y", "group")}
SDS = {"sd_group": 1.2, "sigma": 0.8}
SPEC = bm.from_formula("y ~ 1 + (1 | group)", priors=SDS)


def normal_posterior(location, scale):
    """Return mean and SD of the intercept under a normal prior, and the log density of the rows."""
    y, group = np.array(ROWS["y"]), np.array(ROWS["group"])
    covariance = 1.44 * (group[:, None] == group) + 0.64 * np.eye(9)
    inverse = np.linalg.inv(covariance)
    precision = inverse.sum() + scale**-2
    density = stats.multivariate_normal(np.full(9, location), covariance + scale**2).logpdf(y)
    return (inverse.sum(axis=0) @ y + location / scale**2) / precision, precision**-0.5, density


def exact_fit(design, count=4000, seed=1):
    """Return a fit whose draws of the intercept are independent ones from its posterior."""
    mean, sd, _ = normal_posterior(*design.priors["beta[Intercept]"].prior.arguments)
    return with_draws(fit_at(design, SDS), np.random.default_rng(seed).normal(mean, sd, count))


def with_draws(fit, beta):
    """Return a fit with other draws of its only coefficient, in two chains."""
    size = len(beta) // 2
    posterior = fit.posterior.isel(draw=np.zeros(size, dtype=int)).assign_coords(draw=np.arange(size))
    posterior["beta"] = posterior["beta"].copy(data=beta.reshape(2, size, 1))
    statistics = fit.draws["sample_stats"].to_dataset().isel(draw=np.zeros(size, dtype=int))
    groups = {name: child.to_dataset() for name, child in fit.draws.children.items()}
    draws = xr.DataTree.from_dict({**groups, "posterior": posterior, "sample_stats": statistics})
    return replace(fit, draws=draws, settings=replace(fit.settings, draws=size))
