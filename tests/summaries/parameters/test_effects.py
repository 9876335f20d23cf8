"""Population and group effects as tables."""

import numpy as np
import pytest
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm

DATA = classic("lme4", "sleepstudy")


@pytest.fixture(scope="module")
def slopes():
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", DATA)
    effects = np.arange(36.0).reshape(18, 2)
    values = {
        "beta": [250.0, 10.0],
        "sd_Subject": [25.0, 6.0],
        "corr_Subject": np.eye(2),
        "b_Subject": effects,
        "sigma": 25.0,
    }
    return fit_at(design, values, jitter=0.01)


def test_population_effects_have_the_columns_of_the_contract(slopes):
    table = bm.population_effects(slopes)
    assert list(table.columns) == ["term", "level", "effect", "mean", "sd", "lower", "upper", "mcse"]
    assert list(table["effect"]) == ["Intercept", "Days"]
    np.testing.assert_allclose(table["mean"], [250, 10], atol=0.01)
    assert np.all(table["lower"] < table["mean"])
    assert np.all(table["mean"] < table["upper"])


def test_group_effects_belong_to_their_levels(slopes):
    table = bm.group_effects(slopes)
    assert list(table["level"].iloc[:4]) == ["308", "308", "309", "309"]
    np.testing.assert_allclose(table["mean"], np.arange(36.0), atol=0.01)


def test_group_coefficients_are_population_plus_deviation(slopes):
    table = bm.group_effects(slopes, kind="coefficient")
    np.testing.assert_allclose(table["mean"], np.arange(36.0) + np.tile([250, 10], 18), atol=0.02)


def test_draws_come_as_a_dataset_with_labels(slopes):
    assert bm.population_effects(slopes, draws=True)["beta"].sel(beta_effect="Days").dims == ("chain", "draw")
    assert bm.group_effects(slopes, draws=True)["b_Subject"].sel(Subject="309").sizes["Subject_effect"] == 2


def test_odds_ratios_are_exponentiated_draw_by_draw():
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial")
    fit = fit_at(bm.prepare(spec, classic("lme4", "cbpp")), {"beta": -2.0, "sd_herd": 0.8}, jitter=0.3)
    expected = np.exp(fit.posterior["beta"].values).mean()
    assert bm.population_effects(fit, exponentiate=True)["mean"].iloc[0] == pytest.approx(expected)


def test_exponentiating_an_identity_link_is_refused(slopes):
    with pytest.raises(bm.SpecError, match="no meaning under link 'identity'"):
        bm.population_effects(slopes, exponentiate=True)


def test_an_unknown_kind_is_refused(slopes):
    with pytest.raises(bm.SpecError, match="Did you mean 'deviation'"):
        bm.group_effects(slopes, kind="deviations")
