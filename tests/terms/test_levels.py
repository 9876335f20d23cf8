"""Terms with effects of levels: their covariance, and the rules of their priors without data."""

import pytest

import bayesmixed as bm
from bayesmixed.terms.group import Group
from bayesmixed.terms.outlines import Indices


def test_effects_are_correlated_under_one_bar_and_independent_under_two():
    one, two = Group.read("(x | g)")[0], Group.read("(x || g)")[0]
    assert one.correlated(2)
    assert not one.correlated(1)
    assert not two.correlated(2)
    assert (str(one), str(two)) == ("(1 + x | g)", "(1 + x || g)")


def test_an_unknown_covariance_is_refused_with_the_known_ones():
    with pytest.raises(bm.SpecError, match="unstructured"):
        bm.Group(by="g", covariance="diagonal_")


def test_priors_without_data_are_those_of_sds_and_correlations():
    correlated, independent = (str(bm.prior_table(f"y ~ x + (x {bars} g)")) for bars in ("|", "||"))
    assert all(key in correlated for key in ("sd_g[Intercept]", "sd_g[x]", "corr_g"))
    assert "sd_g[x]" in independent
    assert "corr_g" not in independent


def test_an_outline_without_data_has_a_column_for_each_term_of_the_formula():
    (term,) = Group.read("(x + z || g)")
    found = term.outline(Indices({"g": "j"}, "i", {}), ())
    assert found.labels == ("Intercept", "x", "z")
    assert (found.index, found.levels, found.correlated) == ("j", 0, False)
