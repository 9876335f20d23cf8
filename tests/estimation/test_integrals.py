"""Integrals over the effects of each level, beside those that SciPy finds."""

import numpy as np
import pandas as pd
import pytest
from quiet_designs import quietly
from scipy import integrate, optimize, special, stats

import bayesmixed as bm
from bayesmixed.estimation.conditional_models import MarginalParameters
from bayesmixed.estimation.effect_modes import find_effect_mode, laplace
from bayesmixed.estimation.integrals import LevelIntegrals

CLUSTERS = pd.DataFrame({"y": [1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1], "g": np.repeat(list("abcde"), 3)})


@pytest.mark.parametrize(("y", "n", "b0", "sd"), [(1, 1, 0.0, 1.0), (3, 3, 0.0, 2.0), (0, 4, -1.0, 3.0)])
def test_a_cluster_has_the_integral_that_scipy_finds_and_laplaces_own(y, n, b0, sd):
    data = pd.DataFrame({"y": [1.0] * y + [0.0] * (n - y) + [1.0, 0.0], "g": ["a"] * n + ["b", "b"]})
    design = quietly("y ~ 1 + (1 | g)", data, family="bernoulli")
    parameters = MarginalParameters(design)
    point = np.array([b0, np.log(sd)])

    def log_row(u, y, n):
        return y * (b0 + u) - n * np.logaddexp(0.0, b0 + u) + stats.norm(0, sd).logpdf(u)

    exact = closed = 0.0
    for successes, trials in ((y, n), (1, 2)):
        exact += np.log(
            integrate.quad(lambda u, s=successes, t=trials: np.exp(log_row(u, s, t)), -60, 60, limit=300)[0]
        )
        mode = optimize.minimize_scalar(
            lambda u, s=successes, t=trials: -log_row(u, s, t), bounds=(-30, 30), options={"xatol": 1e-12}
        ).x
        bend = trials * special.expit(b0 + mode) * special.expit(-b0 - mode) + 1 / sd**2
        closed += log_row(mode, successes, trials) + 0.5 * np.log(2 * np.pi / bend)
    model = parameters.at(point)
    assert laplace(model, find_effect_mode(model, np.zeros(2))) == pytest.approx(closed, abs=1e-8)
    levels = LevelIntegrals(parameters)
    assert levels.quadrature(point[None], nodes=31, adaptive=True).value[0] == pytest.approx(exact, abs=1e-6)
    assert levels.quadrature(point[None], nodes=151, adaptive=False).value[0] == pytest.approx(exact, abs=1e-4)
    noise = np.random.default_rng(1).uniform(size=(4000, 2, 1))
    for adaptive in (True, False):
        found = levels.monte_carlo(point[None], noise, adaptive=adaptive)
        assert 0.0 < found.error[0] < 0.1
        assert abs(found.value[0] - exact) < 4.0 * found.error[0]


def test_laplace_is_too_low_for_small_clusters_and_quadrature_and_monte_carlo_agree():
    design = quietly("y ~ 1 + (1 | g)", CLUSTERS, family="bernoulli")
    low, fine = (bm.approximate(design, method=name) for name in ("laplace", "agq"))
    drawn = bm.approximate(design, method="mc", draws=4000)
    assert low.estimates["sd_g[Intercept]"] < 0.95 * fine.estimates["sd_g[Intercept]"]
    assert abs(drawn.log_likelihood - fine.log_likelihood) < 4.0 * drawn.error
    assert drawn.estimates["sd_g[Intercept]"] == pytest.approx(fine.estimates["sd_g[Intercept]"], rel=0.02)
