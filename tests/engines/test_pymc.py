"""The engine pymc: where it begins, and what it needs."""

import numpy as np
import pymc as pm
import pytest
from conftest import classic

import bayesmixed as bm
from bayesmixed.engines.pymc import starting_points
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode


def test_where_pytensor_can_write_no_folder_the_error_says_what_to_set(monkeypatch):
    import pytensor

    class Config:
        @property
        def compiledir(self):
            raise ValueError("Unable to create the compiledir directory '/home'.")

    monkeypatch.setattr(pytensor, "config", Config())
    with pytest.raises(bm.SamplingError, match=r"'/home'\. Set PYTENSOR_FLAGS=base_compiledir=FOLDER"):
        bm.fit("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff"), engine="pymc", progress=False)


def test_starting_points_lie_around_the_quick_mode():
    data = {"y": np.random.default_rng(1).poisson(3.0, 60), "x": np.tile(np.arange(6.0), 10), "g": np.arange(60) % 10}
    design = bm.prepare(bm.from_formula("y ~ x + (1 | g)", family="negbin"), data)
    mode = quasi_likelihood_mode(design)
    points = starting_points(design, mode, bm.build(design))
    drawn = {name: pm.draw(point, 300, random_seed=1) for name, point in points.items()}
    beta = next(values for name, values in drawn.items() if name.endswith("beta"))
    sd = 2.0 * np.sqrt(np.diag(mode.covariance))
    np.testing.assert_allclose(beta.mean(axis=0), mode.beta, atol=4 * sd.max() / np.sqrt(300))
    np.testing.assert_allclose(beta.std(axis=0), sd, rtol=0.2)
    spread = next(values for name, values in drawn.items() if name.endswith("sd_g"))
    assert spread.min() > 0.49 * mode.sds["g"][0]
    assert spread.max() < 2.01 * mode.sds["g"][0]
    assert starting_points(design, None, None) == {}
