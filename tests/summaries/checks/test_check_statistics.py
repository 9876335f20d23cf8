"""Which statistics of a response are compared, and their values, computed by hand."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.summaries.checks.check_statistics import (
    Sample,
    choose_statistics,
    extreme_means,
    has_ones,
    has_zeros,
    is_binary,
)

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")

DISPERSION = "dispersion (mean squared Pearson residual)"


@pytest.mark.parametrize(
    ("family", "formula", "statistics"),
    [
        ("bernoulli", "y ~ 1 + (1 | g)", {"mean", "SD between g"}),
        (
            "binomial",
            "y | trials(n) ~ 1 + (1 | g)",
            {"mean", "share of zeros", "share of rows with all successes", DISPERSION, "SD between g", "SD within g"},
        ),
        ("poisson", "y ~ 1", {"mean", "share of zeros", DISPERSION, "maximum"}),
        (
            "gaussian",
            "y ~ 1",
            {"mean", "SD", "skewness of residuals", "largest residual (in SDs)", "minimum", "maximum"},
        ),
    ],
)
def test_the_statistics_suit_the_family(family, formula, statistics):
    data = pd.DataFrame({"y": np.arange(40) % 2, "n": 5, "g": np.repeat(list("abcdefgh"), 5)})
    design = bm.prepare(bm.from_formula(formula, family=family), data)
    checks = bm.posterior_checks(fit_at(design, {"sigma": 1.0, "sd_g": 0.5}), seed=1)
    assert set(checks.table["statistic"]) == statistics


def test_ordered_categories_are_checked_by_their_shares():
    answers = pd.Categorical(["no"] * 10 + ["perhaps"] * 6 + ["yes"] * 24, ["no", "perhaps", "yes"], ordered=True)
    design = bm.prepare(bm.from_formula("y ~ x", family="cumulative"), {"y": answers, "x": np.arange(40.0)})
    checks = bm.posterior_checks(fit_at(design, {"threshold": [-1.0, 0.0]}), seed=1)
    assert list(checks.table["statistic"]) == ["share of no", "share of perhaps", "share of yes"]
    found = checks.table.set_index("statistic").loc["share of no"]
    assert found["observed"] == 0.25
    # Binomial quantiles of 40 trials with chance expit(-1).
    assert abs(found["lower"] - 0.125) <= 0.05
    assert abs(found["upper"] - 0.4) <= 0.05


def test_groups_of_ordered_categories_are_compared_by_the_share_above_a_category():
    y = np.tile([1, 2, 3, 3, 2], 8)
    y[:5] = 3
    data = {"y": y, "g": np.repeat(list("abcdefgh"), 5)}
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | g)", family="cumulative"), data)
    checks = bm.posterior_checks(fit_at(design, {"threshold": [-1.0, 0.5], "sd_g": 0.5}), seed=1)
    assert not {"mean", DISPERSION} & set(checks.table["statistic"])
    shares = (y > 2).reshape(8, 5).mean(axis=1)
    assert checks.table.set_index("statistic").loc["SD between g of the share above 2", "observed"] == pytest.approx(
        np.std(shares, ddof=1)
    )


def test_residual_statistics_are_left_out_where_new_effects_enter_the_scale():
    generator = np.random.default_rng(1)
    data = {"y": generator.normal(size=60), "g": np.repeat(np.arange(10), 6)}
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | g)", sigma="~ 1 + (1 | g)"), data)
    fit = fit_at(design, {"sd_g": 0.5, "sd_g_sigma": 0.3})
    assert any("residual" in name for name in bm.posterior_checks(fit, seed=1).table["statistic"])
    assert not any("residual" in name for name in bm.posterior_checks(fit, groups="new", seed=1).table["statistic"])


def test_levels_with_one_row_have_the_statistics_of_one_row():
    design = bm.prepare("y ~ 1", {"y": np.random.default_rng(1).normal(size=6)})
    table = bm.posterior_checks(fit_at(design, {"sigma": 1.0}), by=list("aaaabc"), seed=1).table
    alone = table[table["level"] == "b"]
    assert set(alone["statistic"]) == {"mean", "largest residual (in SDs)", "minimum", "maximum"}
    assert np.all(np.isfinite(alone["p"]))


def value_of(name, y, *, trials=None, expected=np.nan, variance=np.nan, design):
    """Return one statistic of a design, computed on a sample."""
    (statistic,) = [one for one in choose_statistics(design) if one.name == name]
    trials = np.ones(len(y)) if trials is None else trials
    return statistic.compute(Sample(np.asarray(y, dtype=float), trials, np.asarray(expected), np.asarray(variance)))


def test_skewness_and_the_largest_residual_are_those_of_standardised_residuals():
    design = bm.prepare("y ~ 1", {"y": np.arange(50.0)})
    generator = np.random.default_rng(1)
    expected, variance = generator.normal(size=50), generator.gamma(2.0, size=50)
    y = expected + np.sqrt(variance) * generator.gamma(1.0, size=50)
    residual = (y - expected) / np.sqrt(variance)
    moments = {"design": design, "expected": expected, "variance": variance}
    assert value_of("skewness of residuals", y, **moments) == pytest.approx(stats.skew(residual))
    assert value_of("largest residual (in SDs)", y, **moments) == pytest.approx(residual.max())


def test_means_and_deviations_of_groups_are_those_of_proportions():
    n, k = np.array([2, 8, 5, 5, 1, 9, 4, 4]), np.array([1, 2, 5, 0, 1, 3, 2, 1])
    data = {"k": k, "n": n, "g": list("aabbccdd")}
    design = bm.prepare(bm.from_formula("k | trials(n) ~ 1 + (1 | g)", family="binomial"), data)
    groups = pd.DataFrame(data).assign(share=k / n).groupby("g")
    shares = groups["k"].sum() / groups["n"].sum()
    assert value_of("SD between g", k, trials=n, design=design) == pytest.approx(shares.std(ddof=1))
    within = np.sqrt(groups["share"].var(ddof=1).mean())
    assert value_of("SD within g", k, trials=n, design=design) == pytest.approx(within)
    smallest, largest = extreme_means(design)
    sample = Sample(k.astype(float), n, np.nan, np.nan)
    assert (smallest.compute(sample), largest.compute(sample)) == pytest.approx((shares.min(), shares.max()))


@pytest.mark.parametrize(
    ("family", "y", "zeros", "ones", "binary"),
    [
        ("poisson", [0, 1, 4], True, False, False),
        ("bernoulli", [0, 1, 1], False, False, True),
        ("gaussian", [0.0, 1.0, -2.0], False, False, False),
        ("zero_one_inflated_beta", [0.0, 1.0, 0.3], True, True, False),
    ],
)
def test_which_responses_have_zeros_and_ones_to_be_counted(family, y, zeros, ones, binary):
    design = bm.prepare(bm.from_formula("y ~ 1", family=family), {"y": np.tile(y, 10)})
    assert (has_zeros(design), has_ones(design), is_binary(design)) == (zeros, ones, binary)


def test_residuals_without_a_variance_are_not_scaled():
    sample = Sample(np.array([3.0, 3.0, 3.0]), np.ones(3), np.ones(3), np.array([4.0, 0.0, np.inf]))
    np.testing.assert_array_equal(sample.residuals, [1.0, 2.0, 2.0])
