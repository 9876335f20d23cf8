"""Models whose coordinates are of every kind: fixed and free numbers, correlations, smooths, thresholds."""

import warnings

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.kernels.joint.layouts import Layout, lay_out_coordinates

PLACE = np.arange(60)
ROWS = pd.DataFrame(
    {
        "y": np.cos(PLACE * 1.7) + 2.0,
        "rating": PLACE * 7 % 11 // 3 + 1,
        "x": np.sin(PLACE),
        "z": np.cos(PLACE * 0.6),
        "g": [f"g{i}" for i in PLACE % 6],
        "h": [f"h{i}" for i in PLACE % 12],
    }
)
MODELS = [
    ("y ~ x + (x + z | g) + (1 | h)", "gaussian", {}),
    ("y ~ x + (x + z || g)", "student", {"priors": {"beta[x]": 0.5, "sd_g[x]": 0.3}}),
    ("y ~ s(z, k=5) + (1 | g)", "gamma", {"shape": "~ x + (x | g)"}),
    ("rating ~ x + (x | g) + obs()", "poisson", {"priors": {"sd_g[x]": "HalfNormal(1)"}}),
    ("rating ~ x + (x | g)", "cumulative", {}),
    ("rating ~ x + (1 | g)", "acat", {}),
    ("y ~ x + (1 | g)", "shifted_lognormal", {"priors": {"1/ndt": "HalfNormal(2)"}}),
    ("y ~ x", "shifted_lognormal", {"priors": {"ndt": 0.3}}),
]
each_model = pytest.mark.parametrize(
    ("formula", "family", "further"), MODELS, ids=[f"{row[1]}: {row[0]}" for row in MODELS]
)


def laid_out(formula, family, further, centred=None) -> Layout:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return lay_out_coordinates(bm.prepare(bm.from_formula(formula, family=family, **further), ROWS), centred or {})
