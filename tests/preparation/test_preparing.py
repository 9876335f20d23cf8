"""Designs of other rows: replay of what was learned, rows that are dropped, tables of any kind."""

import warnings

import numpy as np
import pandas as pd
import pytest
from designs import PASTES, SLEEP, TICKS, design_of, group_of, small

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError
from bayesmixed.preparation.preparing import prepare


@pytest.mark.parametrize(
    "columns",
    [
        "poly(x, 2)",
        "bs(x, df=4)",
        "cr(x, df=4, constraints='center')",
        "scale(x)",
        "center(x)",
        "C(g)",
        "C(k, contr.sum)",
        "x * g",
        "b",
        "h",
    ],
)
def test_learned_coding_is_replayed_on_new_rows(columns):
    generator = np.random.default_rng(5)
    h = pd.Categorical(np.tile(["lo", "hi", "mid"], 10), categories=["never", "lo", "mid", "hi"])
    data = pd.DataFrame({"y": generator.normal(size=30), "x": generator.normal(size=30), "g": list("abc") * 10, "h": h})
    data["b"] = data["x"] > 0
    data["k"] = np.tile([1, 2, 3, 4, 5], 6)
    data["unit"] = np.repeat(np.arange(5), 6)
    design = design_of(f"y ~ {columns} + ({columns} | unit)", data)
    rows = [7, 3, 3]
    new = data.iloc[rows].drop(columns="y")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        replayed = prepare(design.spec, new, like=design)
    assert replayed.response is None
    assert replayed.mu.population.labels == design.mu.population.labels
    np.testing.assert_allclose(replayed.mu.population.matrix, design.mu.population.matrix[rows])
    np.testing.assert_array_equal(replayed.mu.centre, design.mu.centre)
    before, after = group_of(design, "unit"), group_of(replayed, "unit")
    np.testing.assert_allclose(after.centred_matrix, before.centred_matrix[rows])
    assert after.levels == before.levels
    np.testing.assert_array_equal(after.index, before.index[rows])


def test_each_of_two_merged_terms_replays_its_own_coding():
    data = small(k=[1, 2, 3, 3, 2, 1])
    design = design_of("y ~ x + (scale(k) | g) + (0 + center(x) | g)", data)
    replayed = prepare(design.spec, data.iloc[[4, 1]], like=design)
    assert replayed.mu.groups[0].labels == ("Intercept", "scale(k)", "center(x)")
    np.testing.assert_allclose(replayed.mu.groups[0].matrix, design.mu.groups[0].matrix[[4, 1]])
    np.testing.assert_array_equal(replayed.mu.groups[0].transform, design.mu.groups[0].transform)


def test_replay_keeps_the_priors_and_evaluates_a_response_that_is_there():
    design = design_of("Reaction ~ Days + (Days | Subject)", SLEEP)
    again = prepare(design.spec, SLEEP.iloc[:7], like=design)
    assert again.priors == design.priors
    np.testing.assert_array_equal(again.response, SLEEP["Reaction"][:7])


def test_unseen_groups_are_put_after_the_known_ones():
    design = design_of("Reaction ~ Days + (Days | Subject)", SLEEP)
    new = pd.DataFrame({"Days": [0, 1, 2, 3], "Subject": [900, 308, 1, 900]})
    subject = group_of(prepare(design.spec, new, like=design), "Subject")
    assert subject.levels[:18] == group_of(design, "Subject").levels
    assert subject.levels[18:] == ("1", "900")
    assert subject.known == 18
    np.testing.assert_array_equal(subject.index, [19, 0, 18, 19])


def test_unseen_combinations_of_nested_factors_are_put_after_the_known_ones():
    design = design_of("strength ~ 1 + (1 | batch/cask)", PASTES)
    new = pd.DataFrame({"batch": ["A", "A", "K"], "cask": ["a", "z", "a"]})
    replayed = prepare(design.spec, new, like=design)
    assert group_of(replayed, "batch").levels[10:] == ("K",)
    assert group_of(replayed, "batch:cask").levels[30:] == ("A:z", "K:a")


def test_new_rows_are_new_levels_of_the_observation_effect():
    design = design_of("TICKS ~ HEIGHT + obs()", TICKS, family="poisson")
    observation = group_of(prepare(design.spec, TICKS.iloc[:2], like=design), "obs")
    assert observation.known == 403
    assert observation.levels[403:] == ("new 0", "new 1")
    np.testing.assert_array_equal(observation.index, [403, 404])


@pytest.mark.parametrize(
    ("formula", "new", "fragment"),
    [
        (
            "y ~ g",
            {"g": list("abz")},
            "Factor 'g' holds 'z', which the model was not fitted to. Known levels: 'a', 'b'",
        ),
        ("y ~ C(k)", {"k": [1, 2, 9]}, "Factor 'k' holds '9', which the model was not fitted to"),
        ("y ~ x + (h || k)", {"h": list("abz")}, "Factor 'h' holds 'z'"),
        ("y ~ C(k, contr.sum)", {"k": [1, 2, 9]}, "not fitted to"),
        ("y ~ C(k, contr.sum):x", {"k": [1, 2, 9]}, "not fitted to"),
        ("y ~ x", {"x": ["a", "b", "c"]}, "Column 'x' held numbers when the model was fitted"),
        ("y ~ x", {"x": [1.0, np.nan, 2.0]}, "1 of 3 rows has missing values"),
        ("y ~ log(x + 5)", {"x": [1.0, 2.0, -5.0]}, "not finite"),
    ],
)
def test_new_rows_that_the_fit_cannot_place_are_refused(formula, new, fragment):
    design = design_of(formula, small(k=[1, 2, 3, 3, 2, 1], h=list("ababab")))
    rows = pd.DataFrame({"x": [0.0, 1.0, 2.0], "g": list("abc"), "h": list("aba"), "k": [1, 2, 3]}).assign(**new)
    with pytest.raises(DataError) as error:
        prepare(design.spec, rows, like=design)
    assert fragment in str(error.value)


def test_a_column_that_predicts_must_be_there_in_new_rows():
    design = design_of("y ~ x + (1 | g)", small())
    with pytest.raises(SpecError, match=r"Column 'x' in '1 [+] x' is not in the data"):
        prepare(design.spec, small().drop(columns="x"), like=design)
    with pytest.raises(SpecError, match="Grouping factor 'g' is not in the data"):
        prepare(design.spec, small().drop(columns="g"), like=design)


def test_dropped_rows_are_counted_and_the_others_keep_their_labels():
    data = small(z=[1.0] * 6).set_axis([10, 20, 30, 40, 50, 60], axis="index")
    data.loc[20, "x"] = np.nan
    data.loc[50, "y"] = np.nan
    data.loc[60, "z"] = np.nan
    design = design_of("y ~ x + (1 | g)", data, missing="drop")
    assert list(design.table.data.index) == [10, 30, 40, 60]
    assert design.dropped == 2
    assert design.rows == 4
    np.testing.assert_array_equal(design.response, [1.0, 2.0, 8.0, 7.0])
    assert "2 rows left out because of missing values" in str(design)


def test_a_level_whose_rows_were_dropped_is_no_level():
    data = small(h=pd.Categorical(list("uvuvww")))
    data.loc[[4, 5], "x"] = np.nan
    design = design_of("y ~ x + h + (1 | g)", data, missing="drop")
    assert group_of(design, "g").levels == ("a", "b")
    assert design.mu.population.labels == ("Intercept", "x", "h[T.v]")


def test_rows_are_dropped_over_the_columns_of_all_predictors():
    data = small(z=[np.nan, 1.0, 2.0, 1.0, 2.0, 2.0])
    design = design_of("y ~ x", data, missing="drop", sigma="~ z")
    assert design.rows == 5
    assert design.predictors["sigma"].population.matrix.shape == (5, 2)


def test_only_the_columns_that_the_spec_uses_are_kept():
    design = design_of("y ~ log(x + 2) + offset(e) + (1 | g)", small(e=[1.0] * 6, unused=[None] * 6))
    assert set(design.table.data.columns) == {"y", "x", "e", "g"}


def test_the_data_frame_of_the_user_is_left_alone():
    data = small(k=[1, 2, 3, 3, 2, 1])
    before = data.copy(deep=True)
    design_of("y ~ C(k) + b + (1 | g)", data.assign(b=[True, False] * 3), missing="drop")
    design_of("y ~ C(k) + (1 | g)", data)
    pd.testing.assert_frame_equal(data, before)


def test_a_mapping_and_an_arrow_table_are_data_too():
    import pyarrow

    data = small()
    pandas = design_of("y ~ x + (1 | g)", data)
    for other in (data.to_dict("list"), pyarrow.Table.from_pandas(data)):
        design = design_of("y ~ x + (1 | g)", other)
        np.testing.assert_array_equal(design.mu.population.matrix, pandas.mu.population.matrix)
        assert group_of(design, "g").levels == ("a", "b", "c")


def test_a_formula_string_is_gaussian():
    design = prepare("y ~ x", small())
    assert design.family.name == "gaussian"
    assert design.scalars == ("sigma",)


def test_a_missing_response_of_rows_to_predict_is_no_response():
    design = prepare("y ~ x", {"y": [1.0, 2, 4], "x": [1.0, 2, 3]})
    assert prepare("y ~ x", {"y": [1.0, None], "x": [1.0, 2]}, like=design).response is None


def test_a_row_index_of_several_levels_becomes_text():
    index = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])
    design = prepare("y ~ x", pd.DataFrame({"y": [1.0, 2, 4], "x": [1.0, 2, 3]}, index=index))
    assert list(design.table.data.index) == ["a 1", "a 2", "b 1"]


def test_a_value_that_is_no_number_is_named_with_its_row():
    data = pd.DataFrame({"y": ["1.5", "2", "seven", "3"], "x": [1.0, 2, 3, 5]})
    with pytest.raises(DataError, match=r"1 of 4 values are text \(first: row 2, 'seven'\)"):
        prepare("y ~ x", data)


@pytest.mark.parametrize("column", [list("ababab"), pd.Categorical(list("ababab"))])
def test_an_offset_of_text_is_refused(column):
    with pytest.raises(DataError, match="Offset 'e' holds no numbers"):
        design_of("y ~ offset(e) + (1 | g)", small(e=column))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e200, 1e300])
def test_responses_whose_scale_no_computer_holds_are_refused(scale):
    y = np.array([1.0, -2.0, 3.0, -1.0, 2.0, -3.0])
    with pytest.raises(DataError, match=r"default priors of .* exceed the range of floating point"):
        prepare("y ~ 1", {"y": y * scale})
    assert prepare("y ~ 1", {"y": y * 1e150}).rows == 6


@pytest.mark.parametrize("call", [bm.prior_table, bm.prior_predictive, bm.approximate, bm.ladder])
def test_what_stands_beside_a_design_is_refused(call):
    data = bm.datasets.load("cbpp")
    design = bm.prepare("herd", data)
    with pytest.raises(bm.SpecError, match="'data' given with a Design would change nothing"):
        call(design, data)
    with pytest.raises(bm.SpecError, match="'priors' given with a Design"):
        call(design, priors={"sd_herd": "HalfNormal(1)"})
