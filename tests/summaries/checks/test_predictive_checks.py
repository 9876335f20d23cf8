"""Posterior predictive checks find what is wrong, and only that."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.summaries.checks.predictive_checks import FITS, _usual

ROWS, LEVELS = 300, 20


def counts(noise, seed=0):
    """Return a Poisson model at its true parameters, on data with an effect of every row of that SD."""
    generator = np.random.default_rng(seed)
    group = np.repeat(np.arange(LEVELS), ROWS // LEVELS)
    effects = 0.5 * generator.standard_normal(LEVELS)
    y = generator.poisson(np.exp(1.0 + effects[group] + noise * generator.standard_normal(ROWS)))
    spec = bm.from_formula("y ~ 1 + (1 | g)", family="poisson")
    design = bm.prepare(spec, pd.DataFrame({"y": y, "g": [f"{i:02}" for i in group]}))
    return fit_at(design, {"beta": 1.0, "sd_g": 0.5, "b_g": effects[:, None]})


def row(checks, statistic):
    return checks.table.set_index("statistic").loc[statistic]


DISPERSION = "dispersion (mean squared Pearson residual)"


def test_a_poisson_model_of_overdispersed_counts_is_flagged_and_told_what_to_try():
    checks = bm.posterior_checks(counts(noise=0.8), seed=1)
    found = row(checks, DISPERSION)
    assert found["observed"] > 1.5 > found["upper"]
    assert found["p"] < 0.005
    assert found["verdict"] == "MISFIT: the data have more variation"
    assert "obs()" in checks.suggestions[0]
    assert "missing" in checks.suggestions[0]
    assert "What can be tried" in str(checks)


def test_the_true_model_is_flagged_no_more_often_than_by_chance():
    tables = [bm.posterior_checks(counts(noise=0.0, seed=seed), seed=seed).table for seed in range(20)]
    verdicts = pd.concat(tables)["verdict"]
    # Two-sided 5 % of 100 statistics, dependent within a data set.
    assert np.mean(verdicts != FITS) < 0.12
    assert bm.posterior_checks(counts(noise=0.0), seed=1).suggestions == ()


def test_p_values_under_the_true_model_are_uniform():
    p = [row(bm.posterior_checks(counts(noise=0.0, seed=s), seed=s), DISPERSION)["p"] for s in range(60)]
    assert abs(np.mean(p) - 0.5) < 4 / np.sqrt(12 * 60)
    assert 0.15 < np.std(p) < 0.42


def test_p_values_are_those_of_an_independent_simulation():
    fit = counts(noise=0.25, seed=4)
    y, effects = np.asarray(fit.design.response), fit.posterior["b_g"].values[0, 0, :, 0]
    mean = np.exp(1.0 + effects[fit.design.mu.groups[0].index])
    made = np.random.default_rng(9).poisson(mean, (20_000, ROWS))
    groups = made.reshape(-1, LEVELS, ROWS // LEVELS)
    own = y.reshape(LEVELS, -1)
    brute = {
        "mean": (y.mean(), made.mean(axis=1)),
        "share of zeros": (np.mean(y == 0), np.mean(made == 0, axis=1)),
        "maximum": (y.max(), made.max(axis=1)),
        DISPERSION: (np.mean((y - mean) ** 2 / mean), np.mean((made - mean) ** 2 / mean, axis=1)),
        "SD between g": (own.mean(axis=1).std(ddof=1), groups.mean(axis=2).std(axis=1, ddof=1)),
        "SD within g": (np.sqrt(own.var(axis=1, ddof=1).mean()), np.sqrt(groups.var(axis=2, ddof=1).mean(axis=1))),
    }
    checks = bm.posterior_checks(fit, seed=1)
    assert set(checks.table["statistic"]) == set(brute)
    for name, (observed, replicated) in brute.items():
        found = row(checks, name)
        assert found["observed"] == pytest.approx(observed)
        p = np.mean(replicated > observed) + 0.5 * np.mean(replicated == observed)
        # 100 replicates: binomial error of the p-value.
        assert abs(found["p"] - p) < 4 * np.sqrt(p * (1 - p) / 100) + 0.01
        spread = np.std(replicated)
        np.testing.assert_allclose(
            found[["lower", "upper"]].astype(float), np.quantile(replicated, [0.025, 0.975]), atol=spread
        )


def test_residual_statistics_of_a_gaussian_model_do_not_see_the_covariate():
    generator = np.random.default_rng(1)
    x = np.exp(generator.normal(size=400))
    fit = fit_at(
        bm.prepare("y ~ x", {"y": 3 * x + generator.normal(size=400), "x": x}), {"beta": [0.0, 3.0], "sigma": 1.0}
    )
    found = row(bm.posterior_checks(fit, seed=1), "skewness of residuals")
    assert found["verdict"] == FITS
    assert abs(found["observed"]) < 0.5


def test_checks_can_be_made_within_each_level():
    design = bm.prepare(
        bm.from_formula("incidence | trials(size) ~ period + (1 | herd)", family="binomial", factors=["period"]),
        classic("lme4", "cbpp"),
    )
    fit = fit_at(design, {"beta": [-1.4, -1.0, -1.1, -1.6], "sd_herd": 0.6})
    table = bm.posterior_checks(fit, by="period", seed=1).table
    assert list(dict.fromkeys(table["level"])) == ["1", "2", "3", "4"]
    first = classic("lme4", "cbpp").query("period == '1' or period == 1")
    observed = table[(table["level"] == "1") & (table["statistic"] == "mean")]["observed"].item()
    assert observed == pytest.approx(first["incidence"].sum() / first["size"].sum())
    by_values = bm.posterior_checks(fit, by=list(classic("lme4", "cbpp")["period"]), seed=1).table
    pd.testing.assert_frame_equal(by_values, table)
    with pytest.raises(bm.SpecError, match="Did you mean 'period'"):
        bm.posterior_checks(fit, by="periods")
    with pytest.raises(bm.DataError, match="3 values for 56 rows"):
        bm.posterior_checks(fit, by=[1, 2, 3])


def test_checks_are_the_same_at_each_call_and_those_of_the_picture():
    fit = counts(noise=0.3)
    table = bm.posterior_checks(fit).table
    pd.testing.assert_frame_equal(table, bm.posterior_checks(fit).table)
    drawn = [axes.get_title() for axes in bm.plot_posterior_checks(fit, kind="statistics").axes]
    assert all(any(f"p = {p:.3g}" in title for title in drawn) for p in table["p"]), drawn


def test_the_usual_number_of_replicates_is_smaller_for_many_rows_and_one_that_is_asked_for_is_kept():
    asked = [_usual(SimpleNamespace(rows=rows), "auto") for rows in (10, 100_000, 250_000, 1_000_000)]
    assert asked == [1000, 1000, 400, 200]
    assert _usual(SimpleNamespace(rows=1_000_000), 1000) == 1000
    assert _usual(SimpleNamespace(rows=1_000_000), None) is None
    with pytest.raises(bm.SpecError, match="draws must be a whole number, None or 'auto', not 'many'"):
        _usual(SimpleNamespace(rows=10), "many")
