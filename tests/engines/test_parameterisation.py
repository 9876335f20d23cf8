"""Parameterisations are chosen by the shrinkage that the data let expect."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.design.centring import CENTRED, HIERARCHICAL, NONCENTRED
from bayesmixed.engines.parameterisation import GUIDED, _cautious, choose_parameterisation
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode


def groups(rows, sd=1.0, seed=1):
    """Return a design of 20 groups with so many rows each, and its quick mode."""
    generator = np.random.default_rng(seed)
    index = np.repeat(np.arange(20), rows)
    y = sd * generator.normal(size=20)[index] + generator.normal(size=len(index))
    design = bm.prepare("y ~ 1 + (1 | g)", {"y": y, "g": [f"g{i:02}" for i in index]})
    return design, quasi_likelihood_mode(design)


@pytest.mark.parametrize(("rows", "expected"), [(2, NONCENTRED), (100, HIERARCHICAL)])
def test_groups_with_many_rows_are_centred_and_those_with_few_are_not(rows, expected):
    (choice,) = choose_parameterisation(*groups(rows, sd=0.7))
    assert (choice.effects, choice.parameterisation) == ("b_g", expected)


def test_the_reason_names_the_median_of_the_shrinkage_factors():
    design, mode = groups(10)
    sd, sigma = float(mode.sds["g"][0]), float(mode.values["sigma"])
    (choice,) = choose_parameterisation(design, mode)
    assert choice.reason == f"expected shrinkage factor {sd**2 / (sd**2 + sigma**2 / 10):.2f}"


@pytest.mark.parametrize("wish", [CENTRED, {"g": CENTRED}])
def test_what_is_asked_for_is_taken(wish):
    design, mode = groups(2)
    (choice,) = choose_parameterisation(design, mode, wish)
    assert str(choice) == "b_g centred: asked for"


def test_effects_are_not_centred_without_a_mode_nor_on_other_parameters_and_guided_where_that_is_possible():
    design, mode = groups(5)
    assert [c.parameterisation for c in choose_parameterisation(design, None)] == [NONCENTRED]
    assert [c.parameterisation for c in choose_parameterisation(design, mode, guides=True)] == [GUIDED]
    data = {"y": np.random.default_rng(2).normal(size=100), "g": np.repeat(list("abcdefghij"), 10)}
    both = bm.prepare(bm.from_formula("y ~ 1 + (1 | g)", sigma="~ 1 + (1 | g)"), data)
    choices = choose_parameterisation(both, quasi_likelihood_mode(both), guides=True)
    assert [(c.effects, c.parameterisation) for c in choices] == [("b_g", GUIDED), ("b_g_sigma", NONCENTRED)]


@pytest.mark.parametrize(("wish", "message"), [("centered", "Did you mean 'centred'"), ({"h": CENTRED}, "names 'h'")])
def test_an_unknown_wish_is_refused(wish, message):
    design, mode = groups(2)
    with pytest.raises(bm.SpecError, match=message):
        choose_parameterisation(design, mode, wish)


def test_the_cautious_factor_is_that_of_an_sd_two_standard_errors_lower_on_the_log_scale():
    sd, noise, groups_worth = 0.8, 0.3, 8.0
    smaller = sd * np.exp(-2.0 / np.sqrt(2 * groups_worth))
    factors = np.array([[sd**2 / (sd**2 + noise)]])
    np.testing.assert_allclose(_cautious(factors, np.array([groups_worth])), smaller**2 / (smaller**2 + noise))
