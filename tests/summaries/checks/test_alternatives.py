"""What can be tried where a model does not reproduce its data."""

import numpy as np
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.families import FAMILIES
from bayesmixed.families.records import MORE_VARIATION, MORE_ZEROS, OTHER_SHAPE
from bayesmixed.summaries.checks.alternatives import list_families, suggest

COUNTS = {"y": np.arange(40) % 5, "g": np.repeat(list("abcdefgh"), 5)}


def test_suggested_families_are_there_and_take_the_data():
    design = bm.prepare("y ~ 1", {"y": np.exp(np.random.default_rng(1).normal(size=200) * 1.5)})
    checks = bm.posterior_checks(fit_at(design, {"beta": 3.0, "sigma": 6.0}), seed=1)
    assert "'student'" in checks.suggestions[0]
    for name in ("lognormal", "gamma", "inverse_gaussian"):
        assert (f"'{name}'" in checks.suggestions[0]) == (name in FAMILIES)
    assert "'beta'" not in checks.suggestions[0]


def counted(formula="y ~ 1 + (1 | g)", family="poisson"):
    return bm.prepare(bm.from_formula(formula, family=family), COUNTS)


def test_more_variation_of_counts_leads_to_wider_families_and_an_effect_of_every_row():
    (advice,) = suggest(counted(), {"variation"}, set())
    assert "'negbin'" in advice
    assert "'poisson'" not in advice
    assert "'+ obs()'" in advice
    (advice,) = suggest(counted("y ~ 1 + (1 | g) + obs()"), {"variation"}, set())
    assert "obs()" not in advice


def test_less_variation_leads_to_a_model_with_a_smaller_variance():
    (advice,) = suggest(counted(), set(), {"variation"})
    assert advice.startswith("Less variation than family 'poisson' has")
    assert "family 'conway_maxwell_poisson'; a Gaussian model" in advice
    assert "variance: a Gaussian" in suggest(counted(family="conway_maxwell_poisson"), set(), {"variation"})[0]
    assert suggest(bm.prepare("y ~ 1", COUNTS), {"variation"}, {"variation"}) == ()


def test_families_without_correlated_residuals_are_not_suggested_beside_them():
    rows = {"y": np.exp(np.random.default_rng(1).normal(size=40)), "g": np.arange(40) // 4}
    design = bm.prepare("y ~ 1", rows, residual="homcs(1 | g)")
    assert {family.name for family in list_families(design, OTHER_SHAPE)} == {"student", "lognormal"}


def test_more_zeros_lead_to_families_with_zeros_of_their_own():
    (advice,) = suggest(counted(), {"zeros"}, set())
    assert "'zero_inflated_poisson'" in advice
    assert "'negbin'" not in advice
    assert not any(family.name == "zero_inflated_poisson" for family in list_families(counted(), MORE_VARIATION))


def test_only_families_of_the_same_kind_of_response_are_listed():
    for family in list_families(counted(), MORE_VARIATION, MORE_ZEROS):
        assert family.discrete
        assert not family.has_trials
    lengths = bm.prepare("y ~ 1", {"y": np.r_[-1.0, np.arange(1.0, 30.0)]})
    assert not {"gamma", "lognormal"} & {family.name for family in list_families(lengths, OTHER_SHAPE)}
