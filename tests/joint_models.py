"""Data of two responses whose group effects and residuals are correlated, and their density by another route."""

import numpy as np
import pandas as pd
import xarray as xr
from fixed_draws import CHAINS, DRAWS, fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.fits.joint_fits import joint_fit

FORMULAS = ("y1 ~ x + (1 + x |p| g)", "y2 ~ z + (1 |p| g)")
SDS = np.array([1.0, 0.5, 0.8])
"""Of the effects of a level: intercept and slope in y1, intercept in y2."""
CORRELATIONS = np.array([[1.0, 0.3, 0.7], [0.3, 1.0, -0.4], [0.7, -0.4, 1.0]])
COVARIANCE = SDS[:, None] * CORRELATIONS * SDS
BETAS = {"y1": np.array([1.0, 0.5]), "y2": np.array([0.3, -0.4])}
SIGMAS = {"y1": 0.7, "y2": 1.2}
RESCOR = 0.45


def table(levels=8, rows=5, seed=3, poisson=False):
    """Return data of the model; the second response is a count if asked for."""
    generator = np.random.default_rng(seed)
    g, x, z = np.repeat(np.arange(levels), rows), *generator.normal(1.0, 1.0, (2, levels * rows))
    b = generator.multivariate_normal(np.zeros(3), COVARIANCE, size=levels)[g]
    e = generator.multivariate_normal(np.zeros(2), [[1.0, RESCOR], [RESCOR, 1.0]], size=len(g))
    y1 = 1.0 + b[:, 0] + (0.5 + b[:, 1]) * x + SIGMAS["y1"] * e[:, 0]
    eta = 0.3 - 0.4 * z + b[:, 2]
    y2 = generator.poisson(np.exp(eta)) if poisson else eta + SIGMAS["y2"] * e[:, 1]
    return pd.DataFrame({"y1": y1, "y2": y2, "x": x, "z": z, "g": [f"g{level}" for level in g]})


def prepared(data=None, formulas=FORMULAS, **options):
    """Return the design of both responses."""
    return bm.prepare_joint(list(formulas), table() if data is None else data, **options)


def parameters_at(joint, draw):
    """Return SDs and correlations of the effects, coefficients and residual SDs of a draw of the first chain."""
    posts = {name: joint[name].posterior.isel(chain=0, draw=draw) for name in joint}
    sd = np.concatenate([posts[name]["sd_g"].values for name in ("y1", "y2")])
    corr = joint.shared["corr_g"].values[0, draw]
    betas = {name: posts[name]["beta"].values for name in posts}
    sigmas = {name: float(posts[name]["sigma"]) for name in posts}
    return sd[:, None] * corr * sd, betas, sigmas


def likelihood_without_effects(data, rescor=0.0, parameters=(COVARIANCE, BETAS, SIGMAS)):
    """Return the log density of both responses of all rows, stacked, with the effects integrated out: one normal vector."""
    covariance, betas, sigmas = parameters
    rows = len(data)
    same = np.equal.outer(data["g"].to_numpy(), data["g"].to_numpy())
    columns = {"y1": np.column_stack([np.ones(rows), data["x"]]), "y2": np.ones((rows, 1))}
    designs = {"y1": columns["y1"], "y2": np.column_stack([np.ones(rows), data["z"]])}
    places = {"y1": slice(0, 2), "y2": slice(2, 3)}
    residual = {("y1", "y1"): 1.0, ("y2", "y2"): 1.0, ("y1", "y2"): rescor, ("y2", "y1"): rescor}
    blocks = [
        [
            same * (columns[a] @ covariance[places[a], places[b]] @ columns[b].T)
            + residual[a, b] * sigmas[a] * sigmas[b] * np.eye(rows)
            for b in places
        ]
        for a in places
    ]
    mean = np.concatenate([designs[name] @ betas[name] for name in places])
    return float(
        stats.multivariate_normal.logpdf(np.concatenate([data[name] for name in places]), mean, np.block(blocks))
    )


def fit_of_both(design=None, jitter=0.05, rescor=None, effects=None):
    """Return a fit whose draws lie near the true values."""
    design = prepared(rescor=rescor) if design is None else design
    fits, width = {}, {"y1": 2, "y2": 1}
    for name, part in design.parts.items():
        values = {"beta": BETAS[name], "sigma": SIGMAS[name], "sd_g": SDS[:2] if width[name] == 2 else SDS[2:]}
        values |= {"corr_g": CORRELATIONS[:2, :2]} if width[name] == 2 else {}
        values |= {} if effects is None else {"b_g": effects[name]}
        fits[name] = fit_at(part, values, jitter)
    known = {"corr_g": CORRELATIONS, "rescor": np.array([[1.0, RESCOR], [RESCOR, 1.0]])}
    shared = xr.Dataset(coords={"chain": np.arange(CHAINS), "draw": np.arange(DRAWS)})
    generator = np.random.default_rng(4)
    for name, matrix in design.matrices.items():
        moved = 1.0 + 0.004 * generator.standard_normal((CHAINS, DRAWS, 1, 1))
        draws = np.where(np.eye(matrix.width) == 1.0, 1.0, known[name] * moved)
        shared[name] = xr.DataArray(
            draws, dims=("chain", "draw", *matrix.dims), coords={dim: list(matrix.labels) for dim in matrix.dims}
        )
    return joint_fit(design, fits, shared)
