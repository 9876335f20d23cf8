"""A normal mean with exact draws from its posterior, and samplers that are wrong in one way each."""

from dataclasses import replace

import numpy as np
import xarray as xr

import bayesmixed as bm
from bayesmixed.engines.settings import EngineRecord, Settings

ROWS = 12


PRIORS = {"beta[Intercept]": "Normal(1, 2)", "sigma": 1.5}


VALUES = {"y": np.random.default_rng(5).normal(size=ROWS)}


MODEL = {"spec": "y ~ 1", "data": VALUES, "priors": PRIORS, "n": 60, "seed": 3, "progress": False}


def normal_fit(design, scale=1.0, prior_mean=1.0):
    """Return a fit with independent draws from the exact posterior of a normal mean, wrong where the arguments say so."""
    y = np.asarray(design.response)
    precision = 1 / 2.0**2 + len(y) / 1.5**2
    mean, sd = (prior_mean / 2.0**2 + y.sum() / 1.5**2) / precision, scale * precision**-0.5
    beta = np.random.default_rng(int(1e6 * abs(y[0]))).normal(mean, sd, (2, 100, 1))
    posterior = xr.Dataset(
        {"beta": (("chain", "draw", "beta_effect"), beta), "sigma": (("chain", "draw"), np.full((2, 100), 1.5))},
        coords={"beta_effect": ["Intercept"]},
    )
    statistics = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((2, 100), dtype=bool))})
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": statistics})
    settings = Settings(chains=2, draws=100, tune=0, cores=1, target_accept=0.9, seed=1)
    return bm.Fit(design, tree, EngineRecord("exact", "test"), settings, {}, {})


def right(design, **settings):
    return normal_fit(design)


def too_wide(design, **settings):
    return normal_fit(design, scale=2.0)


def other_prior(design, **settings):
    return normal_fit(design, prior_mean=-6.0)


def without_data(design, **settings):
    """Return the prior as the posterior: only the log-likelihood can tell."""
    fit = normal_fit(design)
    draws = fit.draws["posterior"].to_dataset()
    generator = np.random.default_rng(int(1e6 * abs(design.response[0])))
    draws["beta"] = draws["beta"].copy(data=generator.normal(1.0, 2.0, draws["beta"].shape))
    groups = {"posterior": draws, "sample_stats": fit.draws["sample_stats"].to_dataset()}
    return replace(fit, draws=xr.DataTree.from_dict(groups))


def fails_on_small(design, **settings):
    if design.response[0] < 0:
        raise ValueError("no response below zero")
    return normal_fit(design)
