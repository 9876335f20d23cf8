"""Scores and information about linear predictors, also where these reach the border of their link."""

import numpy as np
import pytest

from bayesmixed.families import FAMILIES, find_family
from bayesmixed.information import has_no_inverse, information_in_predictor, mean_inside, score_in_predictor
from bayesmixed.links import LINKS

VALUES = {
    "sigma": 0.7, "nu": 5.0, "shape": 3.0, "theta": 2.0, "phi": 4.0, "zi": 0.2, "hu": 0.2, "zoi": 0.2, "coi": 0.4
}  # fmt: skip
FAR = np.array([-1e6, -800.0, -60.0, -20.0, 20.0, 60.0, 800.0, 1e6])
PAIRS = [(family.name, link) for family in FAMILIES.values() if not family.cuts for link in family.parameters[0].links]


def others(family):
    return {p.name: VALUES[p.name] for p in family.parameters[1:]}


@pytest.mark.parametrize(("name", "link"), PAIRS)
@pytest.mark.filterwarnings("error")
def test_information_is_a_number_that_is_not_negative_however_far_the_predictor_is(name, link):
    family = find_family(name)
    trials = 5.0 if family.has_trials else 1.0
    found = information_in_predictor(family, LINKS[link], FAR, others(family), trials)
    assert found.shape == FAR.shape
    assert np.all(np.isfinite(found))
    assert np.all(found >= 0)


@pytest.mark.parametrize(("name", "link"), PAIRS)
def test_means_and_scores_are_numbers_however_far_the_predictor_is(name, link):
    family, y = find_family(name), 0.5
    y = 2.0 if not family.accepts(np.array([y]), 5.0).all() else y
    y = y if family.accepts(np.array([y]), 5.0).all() else 1.0
    trials = 5.0 if family.has_trials else 1.0
    assert np.all(np.isfinite(mean_inside(LINKS[link], FAR)))
    with np.errstate(all="ignore"):
        score = score_in_predictor(family, LINKS[link], y, FAR, others(family), trials)
    assert np.all(np.isfinite(score))


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
    family = find_family(name)
    found = information_in_predictor(family, LINKS[link], FAR, others(family), 1.0)
    assert found[place] == pytest.approx(limit, rel=1e-3, abs=1e-8)


@pytest.mark.parametrize(("name", "link"), PAIRS)
def test_information_inside_is_that_about_the_parameter_times_the_squared_slope(name, link):
    family, record, trials = find_family(name), LINKS[link], 3.0 if find_family(name).has_trials else 1.0
    eta = np.array([0.3, 0.9, 1.7])
    values = {**others(family), family.parameters[0].name: record.inverse(eta)}
    expected = family.information(values, trials) * record.derivative(eta) ** 2
    assert information_in_predictor(family, record, eta, others(family), trials) == pytest.approx(expected, rel=1e-12)


def test_only_links_with_an_end_have_predictors_without_inverse():
    eta = np.array([-1.0, 0.0, 1.0])
    for name, link in LINKS.items():
        assert has_no_inverse(link, eta).tolist() == (
            [True, True, False] if name in ("sqrt", "inverse") else [False] * 3
        )
