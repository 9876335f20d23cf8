"""Covariance structures: how they are written, what they are for, and their default priors."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.spec.parsing import parse_terms
from bayesmixed.terms.covariances import ANY, CALLS, COVARIANCES, VARIANTS, find_covariance
from bayesmixed.terms.structures import Structure

STRUCTURED = [name for name, one in COVARIANCES.items() if one.structured]
PLACES = ((0.0,), (1.0,), (2.0,), (4.0,))
each = pytest.mark.parametrize("name", STRUCTURED)


def structure(name):
    return Structure(name, "t", PLACES, ("0", "1", "2", "4"), 1.0)


@each
def test_a_structured_term_is_read_back_from_what_it_prints(name):
    call, option = COVARIANCES[name].call, COVARIANCES[name].option
    option = option and f", {option}"
    (_, term) = parse_terms(f"{call}(f + 0 | g{option})")
    assert term == bm.Group(by="g", formula="0 + f", covariance=name)
    assert parse_terms(str(term))[1] == term
    assert str(term) == f"{call}(0 + f | g{option})"


def test_calls_of_plain_bars_are_written_as_bars():
    assert [str(parse_terms(text)[1]) for text in ("us(x | g)", "diag(x | g)")] == ["(1 + x | g)", "(1 + x || g)"]


def test_hom_asks_for_one_sd_or_for_one_of_each_column_as_in_lme4():
    assert find_covariance("ar1").call == "ar1"
    assert CALLS["cs"] == "heterogeneous_exchangeable"
    for equal, own in VARIANTS.items():
        call = COVARIANCES[own].call
        assert parse_terms(f"{call}(0 + f | g, hom=TRUE)")[1].covariance == equal
        assert parse_terms(f"{COVARIANCES[equal].call}(0 + f | g, hom=FALSE)")[1].covariance == own


def test_the_smoothness_of_a_matern_covariance_is_an_option():
    for call, name in (("mat(0 + x + y | g)", "matern32"), ("mat(0 + x | g, nu = 2.5)", "matern52")):
        assert parse_terms(call)[1].covariance == name
    assert str(parse_terms("mat(0 + x | g, nu=0.5)")[1]) == "exp(0 + x | g)"


def test_the_function_exp_is_no_covariance():
    (term,) = parse_terms("exp(x)")
    assert term.formulas == ("1 + exp(x)",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mat(0 + x | g, nu=2)", "0.5 (exponential), 1.5 or 2.5, not 2"),
        ("exp(0 + x | g, nu=1.5)", "is not known here"),
        ("exp(x + y | g)", "exp(0 + x + y | group)"),
        ("gau(0 + x:y | g)", "coordinates are columns of numbers"),
        ("gau(0 + log(x) | g)", "coordinates are columns of numbers"),
        ("exp(0 + factor(x) | g)", "coordinates are columns of numbers"),
        ("us(0 + f | g, hom=TRUE)", "no variant"),
        ("ar1(0 + f | g, 2)", "is not known here"),
        ("cs(0 + f || g)", "one bar"),
        ("ar1(1 + t | g)", "ar1(0 + time | group)"),
        ("ar1(0 + a:b | g)", "one column"),
        ("rr(0 + f | g, d=2)", "not part of the formula language"),
        ("cs(0 + f | mm(g, h))", "mm"),
    ],
)
def test_what_a_structure_cannot_be_is_refused_before_there_are_data(text, words):
    with pytest.raises(SpecError) as error:
        parse_terms(text)
    assert words in str(error.value)


def test_members_of_rows_have_no_structure():
    with pytest.raises(SpecError, match="not for members"):
        bm.MultiMembership(by=("g", "h"), formula="0 + f", covariance="exchangeable")


def test_every_covariance_has_a_call_of_its_own():
    assert len({(one.call, one.option) for one in COVARIANCES.values()}) == len(COVARIANCES)
    assert {COVARIANCES[name].option for name in CALLS.values()} == {""}
    assert all(one.columns == ANY or one.structured for one in COVARIANCES.values())


def test_the_default_prior_of_a_range_lies_between_the_distances():
    (one,) = structure("ou").parameters
    law = one.prior(np.array([[0.0], [1.0], [100.0]])).frozen()
    np.testing.assert_allclose(law.ppf([0.0228, 0.9772]), [1.0, 100.0], rtol=0.02)


def test_the_default_prior_of_a_range_of_places_follows_their_unit_and_forgets_one_pair_that_is_close():
    (one,) = structure("exponential").parameters
    grid = np.array([[a, b] for a in range(12) for b in range(12)], dtype=float)
    far = 11.0 * np.sqrt(2.0)
    for unit in (1.0, 1e-9, 1e12):
        places = unit * np.vstack([grid, grid[:1] + 1e-6])
        law = one.prior(places).frozen()
        np.testing.assert_allclose(law.ppf([0.0228, 0.9772]), [unit, far * unit], rtol=0.02)
