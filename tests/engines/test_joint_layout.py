"""Where coefficients and effects get joint coordinates, and that no ridge is left between crossed factors."""

import arviz as az
import numpy as np
import pytest
from kernels.joint.test_density import prepared
from kernels.joint.test_joint_guides import MODELS, laid_out_jointly

import bayesmixed as bm
from bayesmixed.engines import joint_layout
from bayesmixed.engines.kernel import lay_out
from bayesmixed.engines.parameterisation import choose_parameterisation
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode


def test_levels_keep_coordinates_of_their_own_where_joint_ones_would_cost_more_than_the_likelihood(monkeypatch):
    assert laid_out_jointly(*MODELS[0])[0].joint is not None
    monkeypatch.setattr(joint_layout, "LARGEST", 3)
    layout, _ = laid_out_jointly(*MODELS[0])
    assert layout.joint is None
    assert layout.whitening is not None


@pytest.mark.parametrize(("levels", "joint"), [(6, True), (7, False), (12, False)])
def test_a_factor_alone_shares_a_ridge_with_the_intercept_only_if_it_has_few_levels(levels, joint):
    data = {"y": np.arange(84) % 5, "g": np.arange(84) % levels, "h": np.arange(84) // 12}
    for formula, expected in (("y ~ 1 + (1 | g)", joint), ("y ~ 1 + (1 | g) + (1 | h)", True)):
        design = bm.prepare(
            bm.from_formula(formula, family="poisson", crossed=["g", "h"] if "h" in formula else []), data
        )
        mode = quasi_likelihood_mode(design)
        layout = lay_out(design, mode, choose_parameterisation(design, mode, guides=True))
        assert (layout.joint is not None) == expected


@pytest.mark.slow
@pytest.mark.parametrize("family", ["poisson", "negbin"])
def test_two_crossed_factors_of_few_levels_leave_no_ridge(family):
    rng = np.random.default_rng(3)
    block, week = np.repeat(np.arange(4), 30), np.tile(np.repeat(np.arange(6), 5), 4)
    mean = np.exp(1.5 + 0.5 * rng.normal(size=4)[block] + 0.4 * rng.normal(size=6)[week])
    count = rng.poisson(mean) if family == "poisson" else rng.negative_binomial(3, 3 / (3 + mean))
    data = {"y": count, "b": [f"b{i}" for i in block], "w": [f"w{i}" for i in week]}
    design = prepared(bm.from_formula("y ~ 1 + (1 | b) + (1 | w)", family=family), data)
    fit = bm.sample(design, seed=1, progress=False)
    for name in ("beta", "sd_b", "sd_w"):
        assert float(az.ess(fit.posterior[name]).min()) > 1000
        assert float(az.rhat(fit.posterior[name]).max()) < 1.01


@pytest.mark.slow
def test_an_sd_that_may_be_zero_is_sampled_well_beside_a_crossed_factor():
    """Of ten seeds the worst one under a target acceptance of 0.9: tail ESS of the SD 535."""
    rng = np.random.default_rng(9)
    first, second = np.repeat(np.arange(12), 18), np.tile(np.repeat(np.arange(6), 3), 12)
    t = rng.normal(size=216)
    eta = 0.2 + 0.4 * t + rng.normal(0.0, 0.7, 12)[first] + rng.normal(0.0, 0.7, 6)[second]
    data = {"y": rng.random(216) * (1.0 + np.exp(-eta)) < 1.0, "t": t, "b": first.astype(str), "w": second.astype(str)}
    design = prepared(bm.from_formula("y ~ t + (1 | b) + (1 | w)", family="bernoulli", crossed=["w"]), data)
    fit = bm.sample(design, seed=9, progress=False)
    for name in ("beta", "sd_b", "sd_w"):
        assert float(az.ess(fit.posterior[name], method="tail").min()) > 1000
