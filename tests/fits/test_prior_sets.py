"""Prior sets: named alternatives to the priors of a model, realised on the same data."""

import numpy as np
import pytest
from conftest import CHECKS, classic

import bayesmixed as bm
from bayesmixed.fits.prior_sets import realise_sets

SLEEP = "Reaction ~ Days + (Days | Subject)"
pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def test_wide_means_a_hundred_times_the_default_scale_in_the_same_coordinates():
    spec = bm.from_formula(SLEEP, priors={"sigma": "HalfNormal(7)"})
    sets = realise_sets(spec, classic("lme4", "sleepstudy"), {"own": {}, "default": "default", "wide": "wide"})
    own, default, wide = (one.design for one in sets.values())
    assert str(own.priors["sigma"].prior) == "HalfNormal(7)"
    assert default.priors["sigma"].prior.name == "HalfStudentT"
    assert sets["wide"].label == "wide (default scales x 100)"
    for key, entry in wide.priors.items():
        before, after = default.priors[key].prior.arguments, entry.prior.arguments
        assert after[-1] == pytest.approx(before[-1] * (1 if key.startswith("corr") else 100))
        assert after[:-1] == before[:-1]
    np.testing.assert_array_equal(wide.mu.groups[0].transform, default.mu.groups[0].transform)


def test_priors_that_a_set_does_not_name_keep_their_numbers():
    data = classic("lme4", "sleepstudy")
    sets = realise_sets(SLEEP, data, {"default": {}, "other": {"beta[Days]": "Normal(0, 1)"}})
    before, after = (one.design.priors for one in sets.values())
    assert [key for key in before if before[key].prior != after[key].prior] == ["beta[Days]"]


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ({"default": {}}, "two prior sets or more"),
        ({"default": {}, "flat": "flat"}, 'Take "wide"'),
        ({"default": {}, "none": {"sd_group": "HalfFlat()"}}, 'Take "wide"'),
        ({"default": {}, "odd": "weak"}, "'weak'. A set is a mapping"),
        ({"default": {}, "odd": True}, "sets must be a mapping of names, each to a mapping"),
        ({"default": {}, "odd": -1}, "-1. A set is a mapping"),
        ({"default": {}, "odd": {"sd_grup": 1}}, "Did you mean 'sd_group'"),
    ],
)
def test_impossible_sets_are_refused_before_any_sampling(sets, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.compare_priors("y ~ 1 + (1 | group)", {name: CHECKS["G1"]["inputs"][name] for name in ("y", "group")}, sets)


def test_a_flat_prior_is_refused_with_what_it_would_do_to_these_data():
    few = {"y": [1.0, 2.0, 1.5, 3.0], "g": list("aabb")}
    with pytest.raises(bm.SpecError, match="With 2 levels of 'g' the posterior under a flat prior is improper"):
        bm.compare_priors("y ~ 1 + (1 | g)", few, {"default": {}, "flat": "flat"})
    separated = {"y": [1, 1, 1, 0, 0, 0, 0, 1], "g": list("aabbccdd")}
    spec = bm.from_formula("y ~ 1 + (1 | g)", family="bernoulli")
    with pytest.raises(bm.SpecError, match="Only 2 levels of 'g' hold both outcomes"):
        bm.compare_priors(spec, separated, {"default": {}, "flat": "flat"})
