"""Priors of the means of levels in a model without pooling."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic
from scipy import special

import bayesmixed as bm
from bayesmixed.summaries.pooling.level_priors import state_level_priors
from bayesmixed.summaries.pooling.three_poolings import _without

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
CBPP = classic("lme4", "cbpp")
MEAN = special.logit((CBPP["incidence"].sum() + 0.5) / (CBPP["size"].sum() + 1))


def without_pooling(terms, **options):
    spec = bm.from_formula(f"incidence | trials(size) ~ {terms} + (1 | herd)", family="binomial", **options)
    return state_level_priors(spec.as_fixed("herd"), ("herd",), CBPP)


@pytest.mark.parametrize(
    ("terms", "ending"), [("1", ""), ("center(size)", ""), ("period", "_centred"), ("size", "_centred")]
)
def test_means_of_levels_have_independent_priors_of_an_intercept(terms, ending):
    design = bm.prepare(without_pooling(terms, factors=["period"]), CBPP)
    levels = [key for key in design.mu.keys if key.startswith("beta[herd[")]
    assert len(levels) == 15
    for key in levels:
        assert key.endswith(f"]{ending}]")
        assert design.priors[key].prior.name == "Normal"
        assert design.priors[key].prior.arguments == pytest.approx((MEAN, 2.5))
    others = [key for key in design.mu.keys if key not in levels]
    assert all(design.priors[key].source == "default" for key in others)


@pytest.mark.parametrize("terms", ["1", "period", "size", "size*period", "size + I(size^2)", "poly(size, 2)"])
def test_rows_at_the_mean_of_all_but_the_herd_have_independent_priors(terms):
    """Those of a predictor averaged over the rows, but for the terms of the herd."""
    design = bm.prepare(without_pooling(terms, factors=["period"]), CBPP)
    numbers = np.array([prior.arguments for prior in design.coefficient_priors(design.mu)])
    columns = design.mu.centred_matrix
    herds = pd.get_dummies(CBPP["herd"].astype(str)).to_numpy(dtype=float)
    others = columns - herds @ np.linalg.lstsq(herds, columns, rcond=None)[0]
    of_herds = np.abs(others).max(axis=0) < 1e-9
    assert of_herds.sum() == 15
    np.testing.assert_allclose(numbers[of_herds], np.tile([MEAN, 2.5], (15, 1)), atol=1e-9)
    np.testing.assert_allclose(columns[:, of_herds].sum(axis=1), 1.0, atol=1e-9)
    assert np.all(np.sum(np.abs(columns[:, of_herds]) > 1e-9, axis=1) == 1)
    np.testing.assert_allclose(columns[:, ~of_herds].mean(axis=0), 0.0, atol=1e-9)


@pytest.mark.parametrize("terms", ["size", "period", "size*period", "size + I(size^2)"])
def test_priors_without_pooling_depend_on_no_origin_and_no_reference_level(terms):
    moved = {"size": 2000 - 3 * CBPP["size"], "period": pd.Categorical(CBPP["period"].astype(str), list("3142"))}
    found = []
    for data in (CBPP, CBPP.assign(**moved)):
        formula = f"cases | trials(n) ~ {terms} + (1 | herd)"
        data = data.assign(cases=CBPP["incidence"], n=CBPP["size"])
        spec = bm.from_formula(formula, family="binomial", factors=["period"]).as_fixed("herd")
        design = bm.prepare(state_level_priors(spec, ("herd",), data), data)
        numbers = np.array([prior.arguments for prior in design.coefficient_priors(design.mu)])
        columns = design.mu.centred_matrix
        found.append((columns @ numbers[:, 0], (columns * numbers[:, 1] ** 2) @ columns.T))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9 * np.abs(one).max())


def test_slopes_of_levels_are_independent_with_the_marginals_of_their_defaults():
    rows = classic("lme4", "sleepstudy")
    spec = bm.from_formula("Reaction ~ Days + (Days | Subject)").as_fixed("Subject")
    design = bm.prepare(state_level_priors(spec, ("Subject",), rows), rows)
    slopes = [key for key in design.mu.keys if key.endswith(":Days]")]
    assert len(slopes) == 18
    alone = bm.prepare(spec, rows)
    sds = np.array([prior.arguments[1] for prior in alone.coefficient_priors(alone.mu)])
    for key in slopes:
        row = alone.mu.transform[alone.mu.population.labels.index(key[5:-1])]
        assert design.priors[key].prior.arguments[1] == pytest.approx(np.linalg.norm(row * sds))
    assert len(design.mu.keys) == 36


def test_other_coefficients_keep_their_defaults():
    design = bm.prepare(without_pooling("period + center(size)", factors=["period"]), CBPP)
    assert design.priors["beta[center(size)]"].source == "default"
    assert design.priors["beta[center(size)]"].prior.arguments == pytest.approx((0.0, 2.5 / (2 * CBPP["size"].std())))
    assert design.priors["beta[period #1]"].prior.arguments == pytest.approx((0.0, 2.5 / np.sqrt(2)))


def test_priors_of_the_user_stay():
    spec = without_pooling("period", factors=["period"], priors={"beta[period[T.3]]": "Normal(0, 1)"})
    assert str(spec.priors["beta[period[T.3]]"]) == "Normal(0, 1)"
    assert len(spec.priors) == 16


def test_priors_given_to_a_comparison_belong_to_the_model_with_the_parameter():
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial", priors={"sd_herd": 1})
    assert not _without(spec, "herd").priors
    assert np.all(
        [key.startswith("beta[herd[") for key in state_level_priors(spec.as_fixed("herd"), ("herd",), CBPP).priors]
    )
