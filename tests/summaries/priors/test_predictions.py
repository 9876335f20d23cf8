"""What the priors expect of the data."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic, grouseticks
from scipy import stats

import bayesmixed as bm

PRIORS = {"beta[Intercept]": "Normal(2, 1)", "sd_g": "HalfNormal(3)", "sigma": "HalfNormal(2)"}


@pytest.fixture(scope="module")
def simple():
    generator = np.random.default_rng(1)
    data = pd.DataFrame({"y": 2.0 + generator.random(80), "g": np.repeat(np.arange(8), 10)})
    return bm.prior_predictive("y ~ 1 + (1 | g)", data, priors=PRIORS, draws=4000, seed=2)


def quantity(prior, name):
    return prior.table.set_index("quantity").loc[name]


def test_data_sets_of_the_prior_have_the_moments_of_its_closed_form(simple):
    made = simple.replicates
    assert made.shape == (4000, 80)
    # Var(y) = 1 + 3^2 + 2^2; two rows of a group share 1 + 3^2, two groups share 1.
    covariance = np.cov(made[:, [0, 1, 10]].T)
    expected = np.array([[14.0, 10.0, 1.0], [10.0, 14.0, 1.0], [1.0, 1.0, 14.0]])
    np.testing.assert_allclose(covariance, expected, atol=1.6)
    assert made.mean() == pytest.approx(2.0, abs=0.12)


def test_the_share_of_impossible_values_is_that_of_brute_force(simple):
    generator = np.random.default_rng(5)
    scale = np.sqrt(1 + np.square(3 * generator.normal(size=200_000)) + np.square(2 * generator.normal(size=200_000)))
    below = simple.absurd.set_index("values").loc["below 0"]
    assert below["prior"] == pytest.approx(np.mean(stats.norm.cdf(-2.0 / scale)), abs=0.02)
    assert below["data"] == 0
    far = simple.absurd.set_index("values").loc["farther from the data than their whole range", "prior"]
    y = np.asarray(simple.design.response)
    low, high = 2 * y.min() - y.max(), 2 * y.max() - y.min()
    expected = np.mean(stats.norm.cdf((low - 2) / scale) + stats.norm.sf((high - 2) / scale))
    assert far == pytest.approx(expected, abs=0.02)
    assert any("try tighter priors" in note for note in simple.notes)


def test_quantities_stand_beside_those_of_the_data(simple):
    y = np.asarray(simple.design.response)
    means = y.reshape(8, 10).mean(axis=1)
    assert quantity(simple, "mean")["data"] == pytest.approx(y.mean())
    assert quantity(simple, "SD between g")["data"] == pytest.approx(means.std(ddof=1))
    assert quantity(simple, "largest mean of a g")["data"] == pytest.approx(means.max())
    made = simple.replicates.reshape(-1, 8, 10).mean(axis=2).min(axis=1)
    found = quantity(simple, "smallest mean of a g")
    np.testing.assert_allclose(
        [found["lower"], found["median"], found["upper"]], np.quantile(made, [0.025, 0.5, 0.975])
    )


def test_a_prior_far_from_the_data_is_said_to_contradict_them():
    data = {"y": np.random.default_rng(1).normal(size=40)}
    far = bm.prior_predictive("y ~ 1", data, priors={"beta[Intercept]": "Normal(50, 1)", "sigma": "HalfNormal(1)"})
    assert any(note.startswith("mean: the data have") for note in far.notes)
    assert "Priors against data" in str(far)


def test_the_prior_table_comes_first():
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial")
    prior = bm.prior_predictive(spec, classic("lme4", "cbpp"))
    text = str(prior)
    assert text.startswith(str(bm.prior_table(spec, classic("lme4", "cbpp"))))
    for words in ("typical odds ratio", "intraclass correlation", "largest mean of a herd", "share of zeros"):
        assert words in text
    assert "<table" in prior._repr_html_()
    assert set(prior.draws.children) == {"prior", "prior_predictive", "observed_data"}
    assert quantity(prior, "mean")["data"] == pytest.approx(99 / 842)


def test_priors_beyond_all_counts_are_shown_not_refused():
    prior = bm.prior_predictive(
        bm.from_formula("TICKS ~ YEAR + (1 | BROOD)", family="poisson", factors=["YEAR"]),
        grouseticks(),
        priors={"sd_BROOD": "HalfNormal(200)"},
    )
    assert np.all(np.isfinite(prior.table[["median", "lower", "upper", "data"]]))
    assert prior.absurd["prior"].item() > 0.3


def test_a_seed_fixes_the_data_sets():
    data = {"y": np.arange(20.0)}
    first, second, other = (bm.prior_predictive("y ~ 1", data, draws=20, seed=s).replicates for s in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert np.any(first != other)
