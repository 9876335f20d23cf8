"""How much groups differ: typical ratios, effective numbers of groups, negligible SDs."""

import numpy as np
import pytest
from conftest import CHECKS, classic
from crossed_fits import crossed_fit
from fixed_draws import fit_at
from scipy import special
from variance_fits import sloped_fit

import bayesmixed as bm

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def test_the_median_odds_ratio_is_that_of_pairs_of_groups():
    fit = crossed_fit("bernoulli", formula="~ 1 + (1 | g)", values={"sd_g": 1.2})
    row = bm.typical_ratios(fit).iloc[0]
    assert row["effect"] == "median odds ratio"
    assert row["median"] == pytest.approx(np.exp(np.sqrt(2 * 1.44) * special.ndtri(0.75)), rel=1e-5)
    pairs = np.random.default_rng(1).normal(0, 1.2, (2, 200_000))
    assert row["median"] == pytest.approx(np.median(np.exp(np.abs(pairs[0] - pairs[1]))), rel=0.01)


def test_the_effective_number_of_groups_is_the_sum_of_the_shrinkage_factors():
    given = CHECKS["G1"]["inputs"]
    design = bm.prepare("y ~ 1 + (1 | group)", {"y": given["y"], "group": given["group"]})
    fit = fit_at(design, {"beta": 3.0, "sd_group": 1.2, "sigma": 0.8})
    assert bm.effective_groups(fit)["mean"].iloc[0] == pytest.approx(CHECKS["G1"]["expected"]["sum_lambda"], abs=1e-7)
    assert bm.effective_groups(sloped_fit())["mean"].iloc[0] == pytest.approx(
        6 * CHECKS["S1"]["expected"]["trace_Lambda"], abs=1e-7
    )


def test_the_effective_number_of_a_bernoulli_model_is_the_sum_of_its_exact_factors():
    fit = crossed_fit("bernoulli", formula="~ 1 + (1 | g)")
    expected = bm.shrinkage(fit)["factor"].sum()
    assert bm.effective_groups(fit)["mean"].iloc[0] == pytest.approx(expected, rel=1e-9)


def test_a_fixed_sd_has_no_prior_probability():
    spec = bm.from_formula("Yield ~ 1 + (1 | Batch)", priors={"sd_Batch": 40.0})
    table = bm.negligible_sds(fit_at(bm.prepare(spec, classic("lme4", "Dyestuff")), {"sd_Batch": 40.0, "sigma": 50.0}))
    assert np.isnan(table["prior"].iloc[0])
    assert table["posterior"].iloc[0] == 0


def test_the_probability_of_a_negligible_sd_is_the_share_of_draws_below_the_limit():
    data = {"y": np.random.default_rng(2).normal(size=40), "g": np.repeat(np.arange(10), 4)}
    fit = fit_at(bm.prepare("y ~ 1 + (1 | g)", data), {"sd_g": 0.1, "sigma": 1.0}, jitter=0.02)
    row = bm.negligible_sds(fit).iloc[0]
    assert 0 < row["posterior"] < 1
    assert row["posterior"] == np.mean(fit.posterior["sd_g"].values < row["below"])
