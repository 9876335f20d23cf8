"""Effects of terms in a PyMC model are drawn with the SDs and correlations that the model states."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm

STREAM = np.random.default_rng(7)
TABLE = pd.DataFrame({"y": STREAM.normal(size=48), "x": STREAM.normal(size=48), "g": np.repeat(list("abcdef"), 8)})
FIXED = {"sd_g[Intercept]": 2.0, "sd_g[x]": 0.5, "corr_g": -0.6, "beta[Intercept]": 0.0, "beta[x]": 0.0, "sigma": 1.0}


@pytest.mark.parametrize("parameterisation", ["centred", "noncentred", "hierarchical"])
def test_effects_have_the_covariance_that_is_stated_in_every_parameterisation(parameterisation):
    import pymc as pm

    model = bm.build(bm.prepare("y ~ x + (x | g)", TABLE, priors=FIXED), parameterisation={"b_g": parameterisation})
    drawn = pm.draw(model["b_g"], draws=3000, random_seed=1)
    assert drawn.shape == (3000, 6, 2)
    covariance = np.cov(drawn.reshape(-1, 2).T)
    expected = np.array([[4.0, -0.6], [-0.6, 0.25]])
    np.testing.assert_allclose(covariance, expected, rtol=0.06)
    # Levels are independent of each other.
    between = np.corrcoef(drawn[:, :, 0].T) - np.eye(6)
    assert np.max(np.abs(between)) < 0.08
