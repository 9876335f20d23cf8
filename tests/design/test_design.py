"""What a design says of itself: counts, products, names, priors by term, and covariances."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.design.design import group_covariance

STREAM = np.random.default_rng(2)
TABLE = pd.DataFrame(
    {
        "y": STREAM.normal(size=60),
        "x": STREAM.normal(size=60),
        "f": np.resize(list("pqr"), 60),
        "g": np.repeat(list("abcdef"), 10),
        "w": STREAM.integers(1, 4, 60),
        "grade": pd.Categorical(np.resize(["low", "mid", "high"], 60), ["low", "mid", "high"], ordered=True),
    }
)


def test_rows_are_counted_with_their_frequencies():
    plain, weighted = bm.prepare("y ~ x", TABLE), bm.prepare("y | weights(w, 'frequency') ~ x", TABLE)
    assert plain.row_text == "60 rows"
    assert weighted.row_text == f"{TABLE['w'].sum()} rows in 60 lines with frequencies 'w'"


def test_mean_products_of_a_term_are_averages_over_rows_at_the_centre():
    design = bm.prepare("y ~ x + (x | g)", TABLE)
    (group,) = design.mu.groups
    z = np.column_stack([np.ones(60), TABLE["x"] - TABLE["x"].mean()])
    np.testing.assert_allclose(design.mean_products(group), z.T @ z / 60, atol=1e-12)


def test_another_response_leaves_everything_else():
    design = bm.prepare("y ~ x + (1 | g)", TABLE)
    other = design.with_response(np.arange(60))
    np.testing.assert_array_equal(other.response, np.arange(60.0))
    assert other.priors == design.priors
    assert other.predictors is design.predictors


def test_thresholds_are_no_numbers_with_a_prior_of_their_own():
    design = bm.prepare("grade ~ x", TABLE, family="cumulative")
    assert design.cut_labels == ["low|mid", "mid|high"]
    assert len(design.scalars) == 2
    assert design.numbers == ()


def test_priors_of_the_coordinates_of_a_factor_are_told_as_one():
    design = bm.prepare("y ~ f + (1 | g)", TABLE)
    keys = {key: count for key, (_, count) in design.priors_by_term().items()}
    assert sum(keys.values()) == len(design.priors)
    assert max(keys.values()) == 2


def test_factors_are_those_whose_levels_can_be_compared():
    counts = TABLE.assign(n=STREAM.poisson(3.0, 60))
    design = bm.prepare("n ~ x + (1 | g) + obs()", counts, family="poisson")
    assert design.factors == ("g",)
    assert [block.name for _, block in design.group_blocks()] == ["g", "obs"]


@pytest.mark.parametrize("formula", ["y ~ x + (x | g)", "grade ~ x + (1 | g)"])
def test_a_design_can_be_copied_and_pickled(formula):
    family = "cumulative" if formula.startswith("grade") else "gaussian"
    design = bm.prepare(formula, TABLE, family=family)
    for other in (copy.deepcopy(design), pickle.loads(pickle.dumps(design))):
        assert str(other) == str(design)
        assert other.family.cuts == design.family.cuts


def test_the_covariance_of_effects_is_that_of_transformed_scaled_correlations():
    transform, sd = STREAM.normal(size=(2, 2)), np.array([[1.0, 2.0], [0.5, 3.0]])
    corr = np.array([[[1.0, 0.3], [0.3, 1.0]], [[1.0, -0.8], [-0.8, 1.0]]])
    found = group_covariance(transform, sd, corr)
    for k in range(2):
        expected = transform @ np.diag(sd[k]) @ corr[k] @ np.diag(sd[k]) @ transform.T
        np.testing.assert_allclose(found[k], expected)
