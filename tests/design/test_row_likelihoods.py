"""The likelihood of rows: scores and information in linear predictors, also where these reach the border of their link."""

from dataclasses import replace

import numpy as np
import pytest
from family_cases import some_values

from bayesmixed.design.row_likelihoods import RowLikelihood
from bayesmixed.families import FAMILIES, find_family
from bayesmixed.families.links import LINKS

KNOWN = {"sigma": 0.7, "shape": 3.0, "theta": 2.0, "phi": 4.0}
FAR = np.array([-1e6, -800.0, -60.0, -20.0, 20.0, 60.0, 800.0, 1e6])
PAIRS = [
    (family.name, link)
    for family in FAMILIES.values()
    if not family.has_categories
    for link in family.parameters[0].links
]


def rows_of(name, link, y=None):
    """Return the likelihood of rows of a family under a link of its first parameter, the others at some values."""
    family = find_family(name)
    others = {p.name: KNOWN.get(p.name, some_values(family)[0][p.name]) for p in family.parameters[1:]}
    return RowLikelihood(
        family,
        {family.parameters[0].name: family.parameters[0].link_record(link)},
        y,
        5.0 if family.has_trials else 1.0,
        others,
    )


def drawn(name, link, eta, size):
    """Return responses at predictors, (size, n)."""
    rows = rows_of(name, link)
    return rows.family.random(np.random.default_rng(7), rows.values(eta), rows.trials, (size, len(eta)))


each_pair = pytest.mark.parametrize(("name", "link"), PAIRS)


@each_pair
@pytest.mark.filterwarnings("error")
def test_information_is_a_number_that_is_not_negative_however_far_the_predictor_is(name, link):
    found = rows_of(name, link).expected_information(FAR)
    assert found.shape == FAR.shape
    assert np.all(np.isfinite(found))
    assert np.all(found >= 0)


@each_pair
def test_densities_scores_and_derivatives_are_numbers_however_far_the_predictor_is(name, link):
    rows = rows_of(name, link, drawn(name, link, np.array([0.3]), 1)[0, 0])
    eta = np.append(FAR, 0.0)
    with np.errstate(all="ignore"):
        assert np.all(np.isfinite(rows.log_density(eta)) | rows.has_no_density(eta))
        for function in (rows.score, rows.observed_information):
            assert np.all(np.isfinite(function(eta)))


@pytest.mark.parametrize(
    ("name", "link", "place", "limit"),
    [
        ("gamma", "log", slice(None), 3.0),
        ("lognormal", "identity", slice(None), 0.7**-2),
        ("negbin", "log", slice(5, None), 2.0),
        ("negbin", "log", slice(0, 3), 0.0),
        ("poisson", "log", slice(0, 3), 0.0),
        ("beta", "logit", [1, 6], 1.0),
        ("bernoulli", "probit", [0, 1, -2, -1], 0.0),
        ("poisson", "sqrt", slice(4, None), 4.0),
    ],
)
def test_information_at_the_border_is_its_limit(name, link, place, limit):
    assert rows_of(name, link).expected_information(FAR)[place] == pytest.approx(limit, rel=1e-3, abs=1e-8)


@each_pair
def test_information_inside_is_that_about_the_parameter_times_the_squared_slope(name, link):
    rows, eta = rows_of(name, link), np.array([0.3, 0.9, 1.7])
    expected = rows.family.information(rows.values(eta), rows.trials) * LINKS[link].derivative(eta) ** 2
    assert rows.expected_information(eta) == pytest.approx(expected, rel=1e-12)


@each_pair
def test_score_and_observed_information_are_differences_of_the_density(name, link):
    eta, h = np.array([0.31, 0.92, 1.73]), 2e-4
    rows = rows_of(name, link, drawn(name, link, eta, 20))
    low, middle, high = (rows.log_density(eta + step) for step in (-h, 0.0, h))
    np.testing.assert_allclose(rows.score(eta), (high - low) / (2 * h), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(rows.observed_information(eta), (2 * middle - high - low) / h**2, rtol=1e-3, atol=1e-3)


@each_pair
def test_expected_information_is_the_mean_of_the_observed_one(name, link):
    eta, draws = np.array([0.3, 0.6, 0.9]), 4000
    observed = rows_of(name, link, drawn(name, link, eta, draws)).observed_information(eta)
    error = observed.std(axis=0) / np.sqrt(draws)
    assert np.all(np.abs(observed.mean(axis=0) - rows_of(name, link).expected_information(eta)) < 5 * error + 1e-6)


@pytest.mark.parametrize(("name", "link"), [("poisson", "log"), ("gaussian", "identity"), ("bernoulli", "cauchit")])
def test_weights_multiply_densities_and_all_their_derivatives(name, link):
    eta, counts = np.array([0.3, 0.9, 1.7]), np.array([1.0, 3.0, 0.0])
    plain = rows_of(name, link, drawn(name, link, eta, 1))
    weighted = replace(plain, counts=counts)
    for function in ("log_density", "score", "expected_information", "observed_information"):
        np.testing.assert_allclose(getattr(weighted, function)(eta), counts * getattr(plain, function)(eta), atol=1e-12)


def test_only_links_with_an_end_have_predictors_without_a_density():
    eta = np.array([-1.0, 0.0, 1.0])
    for name, link in {("poisson", "log"), ("poisson", "sqrt"), ("gamma", "inverse"), ("bernoulli", "logit")}:
        ended = link in ("sqrt", "inverse")
        found = rows_of(name, link, np.ones(3)).log_density(eta)
        assert np.isneginf(found).tolist() == [ended, ended, False]
