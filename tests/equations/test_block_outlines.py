"""Indices and nesting read from data."""

import numpy as np
import pytest

import bayesmixed as bm

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
ROW = np.arange(48)
DATA = {
    "y": np.sin(ROW),
    "school": np.array(list("abcdef"))[ROW // 8],
    "room": [f"r{i // 4}" for i in ROW],
    "plot": np.array(list("pqrs"))[ROW % 4],
    "size": np.array([3.0, 1.0, 4.0, 1.5, 9.0, 2.6])[ROW // 8],
    "seats": np.cos(ROW // 4),
    "x": np.cos(ROW**1.5),
}


def outlined(formula, **fields):
    outline = bm.prepare(bm.from_formula(formula, **fields), DATA).outline()
    return outline, outline.predictors[0]


@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | school) + (1 | room)", "y ~ 1 + (1 | room) + (1 | school)"])
def test_nesting_is_seen_in_the_data_whatever_the_order_of_the_terms(formula):
    outline, predictor = outlined(formula)
    found = {group.name: (group.index, group.inside) for group in predictor.groups}
    assert found == {"school": ("i", ()), "room": ("ij", ("school",))}
    assert outline.row == "ijk"
    assert dict(outline.counted) == {"i": "6 levels of school", "ij": "12 levels of room", "ijk": "48 rows"}


def test_crossed_factors_have_an_index_each():
    outline, predictor = outlined("y ~ 1 + (1 | school) + (1 | plot)", crossed=["plot"])
    assert [group.index for group in predictor.groups] == ["i", "j"]
    assert outline.row == "ijk"


def test_a_column_has_the_index_of_the_coarsest_factor_in_which_it_is_constant():
    _, predictor = outlined("y ~ size + seats + x + (1 | school) + (1 | room)")
    assert {column.label: column.index for column in predictor.columns} == {
        "Intercept": "i",
        "size": "i",
        "seats": "ij",
        "x": "ijk",
    }


def test_means_in_the_prior_of_the_intercept_are_those_of_the_columns():
    _, predictor = outlined("y ~ x + (1 | school)")
    assert [mean and mean.name for mean in predictor.means] == [None, f"{np.mean(DATA['x']):.3g}"]
    _, written = outlined("y ~ x", priors={"beta[Intercept]": "Normal(0, 1)"})
    assert written.means == (None, None)


def test_effects_of_single_rows_take_no_index_of_their_own():
    counts = DATA | {"y": ROW % 5}
    spec = bm.from_formula("y ~ 1 + (1 | school) + obs()", family="poisson")
    outline = bm.prepare(spec, counts).outline()
    assert [group.index for group in outline.predictors[0].groups] == ["i", "ij"]
    assert outline.row == "ij"
