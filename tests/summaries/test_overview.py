"""The page about a fit, and the digits that it shows."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.display.tables import describe, to_text
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


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_every_threshold_is_an_estimated_parameter():
    generator = np.random.default_rng(1)
    data = {"rating": generator.integers(1, 6, 80), "x": generator.normal(size=80), "z": generator.normal(size=80)}
    spec = bm.from_formula("rating ~ x + z + (1 | g)", family="cumulative")
    design = bm.prepare(spec, data | {"g": np.arange(80) % 8})
    assert (
        count_sentence(fit_at(design, {"threshold": [-2, -1, 0, 1]})) == "7 parameters estimated, 8 g effects predicted"
    )
