"""Priors of the means of levels in a model without pooling."""

import numpy as np
import pytest
from conftest import classic
from scipy import special

import bayesmixed as bm
from bayesmixed.summaries.pooling.level_priors import state_level_priors
from bayesmixed.summaries.pooling.three_poolings import _without

CBPP = classic("lme4", "cbpp")
MEAN = special.logit((CBPP["incidence"].sum() + 0.5) / (CBPP["size"].sum() + 1))


def without_pooling(terms, **options):
    spec = bm.from_formula(f"incidence | trials(size) ~ {terms} + (1 | herd)", family="binomial", **options)
    return state_level_priors(spec.as_fixed("herd"), "herd", CBPP)


@pytest.mark.parametrize("terms", ["1", "period", "center(size)"])
def test_levels_have_independent_priors_of_an_intercept(terms):
    design = bm.prepare(without_pooling(terms, factors=["period"]), CBPP)
    assert design.mu.as_written
    levels = [key for key in design.mu.keys if key.startswith("beta[herd[")]
    assert len(levels) == 15
    for key in levels:
        assert design.priors[key].prior.name == "Normal"
        assert design.priors[key].prior.arguments == pytest.approx((MEAN, 2.5))


def test_other_coefficients_keep_the_marginals_of_their_defaults():
    design = bm.prepare(without_pooling("period + center(size)", factors=["period"]), CBPP)
    assert design.priors["beta[period[T.3]]"].prior.arguments == pytest.approx((0.0, 2.5))
    assert design.priors["beta[center(size)]"].prior.arguments == pytest.approx((0.0, 2.5 / (2 * CBPP["size"].std())))


def test_priors_of_the_user_stay():
    spec = without_pooling("period", factors=["period"], priors={"beta[period[T.3]]": "Normal(0, 1)"})
    assert str(spec.priors["beta[period[T.3]]"]) == "Normal(0, 1)"
    assert len(spec.priors) == 18


def test_levels_far_from_the_mean_of_a_number_keep_the_default_prior():
    years = CBPP.assign(year=2000 + CBPP["period"].astype(int))
    spec = bm.from_formula("incidence | trials(size) ~ year + (1 | herd)", family="binomial").as_fixed("herd")
    assert state_level_priors(spec, "herd", years) == spec


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_priors_given_to_a_comparison_belong_to_the_model_with_the_parameter():
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial", priors={"sd_herd": 1})
    assert not _without(spec, "herd").priors
    assert np.all(
        [key.startswith("beta[herd[") for key in state_level_priors(spec.as_fixed("herd"), "herd", CBPP).priors]
    )
