"""The population of groups, against brute force over a dense grid and closed forms."""

import numpy as np
import pytest
from conftest import classic
from fixed_draws import fit_at
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.display.tables import middle_of
from bayesmixed.summaries.marginal.populations import factors_within

CBPP, SLEEP = classic("lme4", "cbpp"), classic("lme4", "sleepstudy")
EFFECTS = np.linspace(-1, 1, 15)[:, None]
RESPONSE, LINK = "expected incidence / size", "logit(probability)"


@pytest.fixture(scope="module")
def herds():
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial")
    return fit_at(bm.prepare(spec, CBPP), {"beta": -2.0, "sd_herd": 0.8, "b_herd": EFFECTS})


def means(estimates: bm.Estimates) -> dict[tuple[str, str], float]:
    table = estimates.table
    return dict(
        zip(zip(table["scale"], table["quantity"], strict=True), table[middle_of(estimates.table)], strict=True)
    )


def test_the_population_of_probabilities_has_the_moments_of_the_logit_normal(herds):
    found = means(bm.future_group(herds))
    points = np.linspace(-9, 9, 20001)
    weights = np.exp(-0.5 * points**2) / np.exp(-0.5 * points**2).sum()
    shares = special.expit(-2 + 0.8 * points)
    mean = weights @ shares
    expected = {
        "typical": special.expit(-2.0),
        "mean": mean,
        "SD": np.sqrt(weights @ (shares - mean) ** 2),
        "2.5 %": special.expit(-2 - 0.8 * stats.norm.ppf(0.975)),
        "97.5 %": special.expit(-2 + 0.8 * stats.norm.ppf(0.975)),
    }
    assert {name: found[RESPONSE, name] for name in expected} == pytest.approx(expected, rel=1e-6)


def test_on_the_scale_of_the_link_the_population_is_normal(herds):
    found = means(bm.future_group(herds))
    reach = 0.8 * stats.norm.ppf(0.975)
    expected = {"typical and mean": -2.0, "SD": 0.8, "2.5 %": -2 - reach, "97.5 %": -2 + reach}
    assert {name: found[LINK, name] for name in expected} == pytest.approx(expected)


def test_a_future_group_is_one_draw_from_the_population_on_both_scales(herds):
    estimates = bm.future_group(herds, seed=2)
    rows = {key: i for i, key in enumerate(means(estimates))}
    link, response = (estimates.draws.values[..., rows[scale, "future group"]] for scale in (LINK, RESPONSE))
    np.testing.assert_allclose(special.expit(link), response)
    # 100 draws: the standard errors are .08 for the mean and 7 % for the SD.
    assert link.mean() == pytest.approx(-2.0, abs=0.24)
    assert link.std() == pytest.approx(0.8, rel=0.21)
    again = bm.future_group(herds, seed=3).draws.values[..., rows[LINK, "future group"]]
    assert not np.allclose(link, again)


def test_the_page_speaks_of_a_model_of_models(herds):
    text = " ".join(str(bm.future_group(herds)).split())
    assert "A model of models: each herd has a model of its own, and the 15 of the data" in text
    assert "the distribution of expected incidence / size over all possible groups of herd" in text


def test_slopes_have_a_population_of_their_own_and_a_share_above_zero():
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", SLEEP)
    corr = [[1, -0.5], [-0.5, 1]]
    fit = fit_at(design, {"beta": [250.0, 10.0], "sd_Subject": [25.0, 6.0], "corr_Subject": corr, "sigma": 20.0})
    found = means(bm.future_group(fit))
    assert found["slope of Days", "SD"] == pytest.approx(6.0)
    assert found["slope of Days", "share above 0"] == pytest.approx(stats.norm.cdf(10 / 6))
    at = np.array([1, 4.5])
    covariance = np.array(corr) * np.outer([25, 6], [25, 6])
    assert found["expected Reaction", "SD"] == pytest.approx(np.sqrt(at @ covariance @ at))
    assert found["expected Reaction", "typical"] == pytest.approx(295.0)
    assert means(bm.future_group(fit, at={"Days": 0}))["expected Reaction", "SD"] == pytest.approx(25.0)


@pytest.fixture(scope="module")
def nested():
    data = {"y": np.arange(72) % 5, "a": np.repeat(list("abcdef"), 12), "b": np.tile(np.repeat(list("pqr"), 4), 6)}
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | a/b) + obs()", family="poisson"), data)
    return fit_at(design, {"beta": 1.0, "sd_a": 0.6, "sd_a:b": 0.5, "sd_obs": 0.4})


def test_a_group_is_averaged_over_what_lies_within_it_and_typical_in_what_contains_it(nested):
    assert set(factors_within(nested, "a")) == {"a:b", "obs"}
    assert factors_within(nested, "a:b") == ("obs",)
    outer, inner = means(bm.future_group(nested)), means(bm.future_group(nested, "a:b"))
    assert outer["expected y", "typical"] == pytest.approx(np.exp(1 + (0.25 + 0.16) / 2))
    assert outer["expected y", "mean"] == pytest.approx(np.exp(1 + (0.36 + 0.25 + 0.16) / 2))
    assert inner["expected y", "mean"] == pytest.approx(np.exp(1 + (0.25 + 0.16) / 2))
    spread = np.exp(1 + (0.25 + 0.16) / 2) * np.sqrt(np.exp(0.36) * (np.exp(0.36) - 1))
    assert outer["expected y", "SD"] == pytest.approx(spread)


def test_an_unknown_factor_is_refused(herds):
    with pytest.raises(bm.SpecError, match="Did you mean 'herd'"):
        bm.future_group(herds, "hert")


def test_a_model_without_groups_is_refused():
    fit = fit_at(bm.prepare("y ~ 1", {"y": np.arange(9.0)}), {"sigma": 1.0})
    with pytest.raises(bm.SpecError, match=r"add a term such as \(1 \| group\)"):
        bm.future_group(fit)
