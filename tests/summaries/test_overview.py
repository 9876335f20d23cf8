"""The page about a fit, and the digits that it shows."""

import time

import arviz_stats
import fixed_draws
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.display.tables import describe, to_text
from bayesmixed.fits.convergence import chance_of_rhat
from bayesmixed.summaries.overview import count_sentence
from bayesmixed.summaries.variance.group_spread import negligible_sds, show_negligible


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (251.437, 0.27, "251"),
        (-1.4182, 0.0071, "-1.42"),
        (0.123456, 0.00012, "0.123"),
        (1234.5, 27.0, "1200"),
        (0.05, 0.2, "0"),
        (3.0, 0.0, "3"),
        (np.nan, 0.1, ""),
        (np.inf, 0.1, "inf"),
    ],
)
def test_no_digit_is_shown_that_the_monte_carlo_error_does_not_support(value, error, text):
    assert to_text(value, error) == text


def test_describe_gives_moments_and_equal_tailed_interval():

    draws = xr.DataArray(np.random.default_rng(1).normal(2, 3, (4, 1000, 2)), dims=("chain", "draw", "x"))
    table = describe(draws)
    flat = draws.values.reshape(-1, 2)
    np.testing.assert_allclose(table["mean"], flat.mean(axis=0))
    np.testing.assert_allclose(table["sd"], flat.std(axis=0, ddof=1))
    np.testing.assert_allclose(table[["lower", "upper"]], np.quantile(flat, [0.025, 0.975], axis=0).T)
    np.testing.assert_allclose(table["mcse"], 3 / np.sqrt(4000), rtol=0.2)


@pytest.mark.parametrize(
    ("formula", "data", "sentence"),
    [
        ("Reaction ~ Days + (Days | Subject)", "sleepstudy", "6 parameters estimated, 36 Subject effects predicted"),
        ("Reaction ~ Days + (Days || Subject)", "sleepstudy", "5 parameters estimated, 36 Subject effects predicted"),
        ("Yield ~ 1 + (1 | Batch)", "Dyestuff", "3 parameters estimated, 6 Batch effects predicted"),
        ("Yield ~ 1", "Dyestuff", "2 parameters estimated"),
    ],
)
def test_parameters_are_estimated_and_effects_predicted(formula, data, sentence):
    assert count_sentence(fit_at(bm.prepare(formula, classic("lme4", data)), {"sigma": 1.0})) == sentence


def test_a_fixed_number_is_no_estimated_parameter():
    spec = bm.from_formula("Yield ~ 1 + (1 | Batch)", priors={"sigma": 50.0})
    fit = fit_at(bm.prepare(spec, classic("lme4", "Dyestuff")), {"sigma": 50.0})
    assert count_sentence(fit).startswith("2 parameters estimated")


def test_the_probability_of_a_negligible_sd_stands_beside_its_prior_value():
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial")
    fit = fit_at(bm.prepare(spec, classic("lme4", "cbpp")), {"sd_herd": 0.8})
    row = show_negligible(negligible_sds(fit)).iloc[0]
    assert (row["below"], row["prior"], row["posterior"]) == ("0.1", "0.075", "< 0.001")
    fit = fit_at(bm.prepare(spec, classic("lme4", "cbpp")), {"sd_herd": 0.05})
    assert show_negligible(negligible_sds(fit)).iloc[0]["posterior"] == "> 0.999"


def test_a_long_tail_on_one_side_hides_no_digits_on_the_other():
    spec = bm.from_formula("incidence | trials(size) ~ 1", family="beta_binomial")
    fit = fit_at(bm.prepare(spec, classic("lme4", "cbpp")), {"phi": 5.0})
    draws = fit.posterior["phi"]
    draws.values[:] = 4.0 / np.random.default_rng(1).random(draws.shape)
    shown = bm.summary(fit).tables["Estimated: other parameters"].iloc[0]
    assert abs(float(shown["lower"]) - 4.1) < 0.11


@pytest.mark.parametrize(
    ("family", "options", "scale"),
    [
        ("negbin", {"theta": "~ x"}, "log"),
        ("zero_inflated_poisson", {"zi": "~ x"}, "log for mu, logit for zi"),
        ("gaussian", {"sigma": "~ x"}, "identity for mu, log for sigma"),
    ],
)
def test_the_scale_of_the_coefficients_is_that_of_their_parameter(family, options, scale):
    data = pd.DataFrame({"y": [0, 3, 1, 0, 4, 2], "x": [1.0, 2.0, 5.0, 3.0, 2.0, 4.0]})
    fit = fit_at(bm.prepare(bm.from_formula("y ~ x", family=family, **options), data), {"theta": 1.0, "sigma": 1.0})
    assert f"Estimated: population effects (scale: {scale}; 95 % interval)" in bm.summary(fit).tables


def test_divergences_stand_at_the_top_of_the_summary():
    fit = fit_at(bm.prepare("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff")), {"sigma": 50.0}, jitter=1.0)
    fit.draws["sample_stats"]["diverging"].values[0, :3] = True
    text = str(bm.summary(fit))
    assert text.index("NOT CONVERGED") < text.index("Estimated")
    assert "3 of 100 transitions diverged" in text
    assert "sample with target_accept=0.99" in text
    assert "NOT CONVERGED" in bm.summary(fit)._repr_html_()


def test_disagreeing_chains_are_named():
    fit = fit_at(bm.prepare("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff")), {"sigma": 50.0}, jitter=0.1)
    fit.posterior["beta"].values[0] += 5.0
    diagnosis = bm.diagnose(fit)
    assert not diagnosis.ok
    assert any("chains disagree" in problem and "beta" in problem for problem in diagnosis.problems)


def test_draws_that_never_move_are_said_so():
    diagnosis = bm.diagnose(fit_at(bm.prepare("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff")), {"sigma": 50.0}))
    assert not diagnosis.ok
    assert "all draws are the same" in str(diagnosis)


def test_the_worst_of_many_effects_are_found_without_looking_at_all_of_them():
    data = pd.DataFrame({"y": np.arange(12_000.0) % 7, "g": np.repeat(np.arange(6000), 2)})
    fit = fit_at(bm.prepare("y ~ 1 + (1 | g)", data), {"sigma": 1.0}, jitter=0.1)
    effects = fit.posterior["b_g"].values
    start = time.process_time()
    clean = bm.diagnose(fit).table.loc["b_g"]
    assert time.process_time() - start < 20
    shifted, wide = effects.copy(), effects.copy()
    shifted[0, :, 77] += 0.2
    wide[1, :, 4321] *= 5.0
    for strange, element in ((shifted, 77), (wide, 4321)):
        fit.posterior["b_g"].values[:] = strange
        found = bm.diagnose(fit).table.loc["b_g", "rhat"]
        assert found == pytest.approx(float(arviz_stats.rhat(strange[:, :, element, 0], chain_axis=0, draw_axis=1)))
        assert found > clean["rhat"]
    some = effects[:, :, :300, 0]
    assert clean["ess_bulk"] <= arviz_stats.ess(some, chain_axis=0, draw_axis=1, method="bulk").min()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["herd", "herd_period", "sleepstudy", "pastes"])
def test_a_good_fit_is_called_converged(name, fitted):
    assert bm.diagnose(fitted(name)).ok
    assert "Converged" in str(bm.summary(fitted(name)))


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_every_threshold_is_an_estimated_parameter():
    generator = np.random.default_rng(1)
    data = {"rating": generator.integers(1, 6, 80), "x": generator.normal(size=80), "z": generator.normal(size=80)}
    spec = bm.from_formula("rating ~ x + z + (1 | g)", family="cumulative")
    design = bm.prepare(spec, data | {"g": np.arange(80) % 8})
    assert (
        count_sentence(fit_at(design, {"threshold": [-2, -1, 0, 1]})) == "7 parameters estimated, 8 g effects predicted"
    )


def test_the_chance_of_a_high_rhat_grows_with_the_quantities_and_falls_with_the_draws():
    assert chance_of_rhat(2, 250, 40) == pytest.approx(1.0 - (1.0 - chance_of_rhat(2, 250)) ** 40)
    assert chance_of_rhat(4, 1000, 10_000) < 1e-6


@pytest.mark.parametrize(("draws", "said"), [(100, True), (1000, False)])
def test_a_high_rhat_of_a_short_run_is_shown_with_its_chance_in_a_right_one(draws, said, monkeypatch):
    monkeypatch.setattr(fixed_draws, "CHAINS", 2)
    monkeypatch.setattr(fixed_draws, "DRAWS", draws)
    values = np.random.default_rng(2).standard_normal((2, draws, 1)) + np.array([0.0, 0.8])[:, None, None]
    verdict = bm.diagnose(fit_at(bm.prepare("Yield ~ 1", classic("lme4", "Dyestuff")), {"beta": values, "sigma": 1.0}))
    assert not verdict.ok
    (problem,) = (text for text in verdict.problems if "R-hat" in text)
    assert ("% of right runs" in problem) == said
