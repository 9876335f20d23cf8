"""R2 against closed forms, and against the variances of simulated responses."""

import numpy as np
import pytest
from crossed_fits import V_G, crossed_fit, each_family, values_of
from pymc_agreement import made_up_fit, rows_for
from scipy import stats
from variance_fits import one

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def test_r2_of_a_gaussian_model_is_the_share_of_its_variances():
    fit = crossed_fit("gaussian", None, "~ x + (1 | g)", {"beta": [1.0, 2.0], "sigma": 1.5})
    fixed = 4.0 * np.var(fit.design.table.data["x"], ddof=0)
    table = bm.r2(fit)
    total = fixed + V_G + 2.25
    assert one(table, effect="marginal") == pytest.approx(fixed / total)
    assert one(table, effect="conditional", scale="response") == pytest.approx((fixed + V_G) / total)
    # All effects are 0 in these draws.
    assert one(table, scale="sample") == pytest.approx(fixed / (fixed + 2.25))
    assert one(bm.r2(fit, scale="data"), effect="conditional") == pytest.approx((fixed + V_G) / total)


@pytest.mark.parametrize("scale", ["latent", "data"])
def test_the_population_part_explains_exactly_nothing_where_it_is_an_intercept(scale):
    fit = crossed_fit("poisson", None, "~ 1 + (1 | g)", {"beta": [0.1]})
    assert one(bm.r2(fit, scale=scale), effect="marginal") == 0.0


def test_r2_leaves_offsets_out_on_the_latent_scale_and_obs_in_the_residual():
    fit = crossed_fit("poisson", None, "~ offset(x) + (1 | g) + obs()", {"sd_obs": 0.5})
    table = bm.r2(fit, scale="latent")
    assert one(table, effect="marginal") == pytest.approx(0.0, abs=1e-12)
    x = np.asarray(fit.design.table.data["x"])
    residual = 0.25 + np.mean(np.log1p(np.exp(-(0.4 + x + 0.5 * (V_G + 0.25)))))
    assert one(table, effect="conditional") == pytest.approx(V_G / (V_G + residual), rel=1e-9)


@each_family
def test_r2_on_the_data_scale_splits_the_variance_of_new_responses(name):
    fit = crossed_fit(name, formula="~ x + (1 | g)", values={"beta": [0.4, 0.6]})
    family, link = FAMILIES[name], fit.design.mu.link
    x = np.asarray(fit.design.table.data["x"])
    points = np.linspace(-10.0, 10.0, 2001)[:, None]
    u, density = np.sqrt(V_G) * points, stats.norm.pdf(points) * 0.01
    values = values_of(family) | {"mu": link.inverse(0.4 + 0.6 * x + u)}
    mean = family.mean(values, 1.0)
    within = np.mean(np.sum(density * family.variance(values, 1.0) * np.ones_like(mean), axis=0))
    centre, second = np.sum(density * mean, axis=0), np.sum(density * mean**2, axis=0)
    fixed, between = np.var(centre), np.mean(second - centre**2)
    table = bm.r2(fit, scale="data")
    assert one(table, effect="marginal") == pytest.approx(fixed / (fixed + between + within), rel=1e-8)
    assert one(table, effect="conditional") == pytest.approx((fixed + between) / (fixed + between + within), rel=1e-8)


@pytest.mark.parametrize("scale", ["auto", "latent", "data", "sample"])
@pytest.mark.parametrize("family", ["sratio", "acat", "categorical"])
def test_categories_without_a_latent_scale_are_not_sent_from_one_scale_to_the_other(family, scale):
    fit = made_up_fit("y ~ x + (1 | g)", family, data=rows_for(FAMILIES[family]))
    with pytest.raises(SpecError, match=r"no R2 of this model.* bm\.icc\(fit\) says"):
        bm.r2(fit, scale=scale)
    assert bm.icc(fit)["level"].nunique() > 1
