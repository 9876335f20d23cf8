"""Predictions of each row from the others, on right models with independent draws from their posterior."""

import numpy as np
import pandas as pd
import pytest
from exact_one_way import exact_fit, simulate_one_way
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.summaries.checks.left_out import predict_left_out
from bayesmixed.summaries.checks.mean_variance import mean_variance


@pytest.mark.parametrize("family", ["gaussian", "poisson", "binomial", "gamma", "negbin1"])
def test_moments_are_those_of_the_posterior_without_the_row(family):
    data = simulate_one_way(family, 10, 6, 3)
    found = predict_left_out(exact_fit(family, data), None, moments=True)
    mean, variance = brute_force(family, data, 0)
    error = np.sqrt(variance / 400)
    assert found.expected[0] == pytest.approx(mean, abs=error)
    assert found.variance[0] == pytest.approx(variance, rel=0.15)


def brute_force(family, data, row):
    """Return the moments of a row by the exact posterior of the rows without it."""
    others = exact_fit(family, data.drop(index=row), seed=1, draws=1000)
    drawn = bm.predict(others, data.iloc[[row]], kind="response", seed=2)["response"].values
    return drawn.mean(), drawn.var()


def slopes(family, groups, size, count):
    """Return the slopes of residuals on what they are shown against, for right models."""
    found = []
    for seed in range(count):
        fit = exact_fit(family, simulate_one_way(family, groups, size, seed), seed)
        shown = bm.plot_residuals(fit).axes[0].collections[0].get_offsets()
        x, residual = np.asarray(shown).T
        found.append(np.polyfit((x - x.mean()) / x.std(), residual, 1)[0])
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_residuals_of_right_models_have_no_trend_over_the_mean(family):
    found = slopes(family, 12, 5, 12)
    assert abs(found.mean()) < 0.05


def test_rows_that_the_model_does_not_tell_apart_are_not_ordered_by_their_own_response():
    y = np.random.default_rng(1).poisson(3.0, 60)
    fit = fit_at(bm.prepare(bm.from_formula("y ~ 1", family="poisson"), {"y": y}), {"beta": np.log(3.0)}, 0.1)
    found = predict_left_out(fit, moments=True)
    assert np.corrcoef(found.expected, y)[0, 1] < -0.9
    assert np.ptp(found.place) == 0


@pytest.mark.calibration
def test_a_change_of_the_spread_with_the_mean_is_not_seen_in_right_models():
    p = [
        bm.check_residuals(exact_fit("poisson", simulate_one_way("poisson", 12, 5, seed)))
        .set_index("check")
        .p["spread"]
        for seed in range(12)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.001


@pytest.mark.calibration
def test_bars_of_right_models_cover_the_model():
    below = above = bins = 0
    for seed in range(12):
        table = mean_variance(exact_fit("poisson", simulate_one_way("poisson", 24, 5, seed)), seed=seed)
        data, model = (table[table["model"] == name].reset_index() for name in ("data", "this model"))
        below += int(np.sum(data["variance"] + 1.96 * data["error"] < model["variance"]))
        above += int(np.sum(data["variance"] - 1.96 * data["error"] > model["variance"]))
        bins += len(data)
    assert bins == 96
    assert max(below, above) <= stats.binom.ppf(0.999, bins, 0.025)


@pytest.mark.slow
def test_an_alternative_that_made_the_data_is_found_with_its_parameter():
    found = []
    for seed in range(8):
        data = simulate_one_way("negbin1", 24, 5, seed)
        table = mean_variance(exact_fit("poisson", data), seed=seed)
        label = next(name for name in table["model"].unique() if name.startswith("negbin1"))
        found.append(float(label.split("= ")[1].rstrip(")")))
    assert np.mean(found) == pytest.approx(0.8, abs=0.2)


def test_ordered_categories_have_no_mean_variance_curve():
    y = pd.Series(pd.Categorical(list("abc") * 20, ordered=True))
    data = pd.DataFrame({"y": y, "x": np.arange(60.0)})
    fit = fit_at(bm.prepare(bm.from_formula("y ~ x", family="cumulative"), data), {"threshold": [-1.0, 1.0]})
    with pytest.raises(bm.SpecError, match="for counts"):
        mean_variance(fit)


def test_new_groups_are_refused_where_rows_are_judged_by_their_own_groups():
    fit = exact_fit("poisson", simulate_one_way("poisson", 12, 5, 1))
    for kind in ("mean_variance", "pit"):
        with pytest.raises(bm.SpecError, match="groups="):
            bm.plot_posterior_checks(fit, kind, groups="new")


def test_only_transforms_from_the_other_rows_are_judged():
    fit = exact_fit("poisson", simulate_one_way("poisson", 12, 5, 1))
    judged, shown = (bm.plot_posterior_checks(fit, kind).axes[0] for kind in ("pit", "pit_in_sample"))
    assert judged.texts[0].get_text() == "inside the band"
    assert len(judged.collections) == 1
    assert "no verdict" in shown.texts[0].get_text()
    assert not shown.collections
