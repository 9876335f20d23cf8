"""within, between and level: columns of formulas that know groups."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError
from bayesmixed.formulas.names import formula_columns


@pytest.fixture
def data():
    """Return 30 rows in five groups, text labels, with one column that is constant within groups."""
    generator = np.random.default_rng(3)
    group = np.repeat(["a", "b", "c", "d", "e"], [3, 5, 6, 7, 9])
    x = generator.normal(size=30) + np.repeat(np.arange(5.0), [3, 5, 6, 7, 9])
    kind = np.where(np.isin(group, ["a", "c"]), "private", "public")
    z = generator.normal(size=30)
    return pd.DataFrame({"y": x + z + generator.normal(size=30), "x": x, "z": z, "g": group, "kind": kind})


def column(design, label, predictor="mu"):
    block = design.predictors[predictor].population
    return block.matrix[:, block.labels.index(label)]


def test_a_column_is_its_group_mean_plus_its_deviation(data):
    design = bm.prepare("y ~ within(x, g) + between(x, g) + (1 | g)", data)
    mean = data.groupby("g")["x"].transform("mean")
    assert column(design, "between(x, g)") == pytest.approx(mean)
    assert column(design, "within(x, g)") == pytest.approx(data["x"] - mean)


def test_they_stand_in_interactions_expressions_and_group_terms(data):
    design = bm.prepare("y ~ within(x, g) * z + within(exp(x), g) + (within(x, g) | g)", data)
    inner = data["x"] - data.groupby("g")["x"].transform("mean")
    assert column(design, "within(x, g):z") == pytest.approx(inner * data["z"])
    assert design.mu.groups[0].labels == ("Intercept", "within(x, g)")
    assert design.mu.groups[0].matrix[:, 1] == pytest.approx(inner)
    assert column(design, "within(exp(x), g)").sum() == pytest.approx(0.0, abs=1e-9)


def test_known_groups_keep_their_mean_and_new_ones_have_that_of_their_new_rows(data):
    design = bm.prepare("y ~ within(x, g) + between(x, g) + (within(x, g) | g)", data)
    new = pd.DataFrame({"x": [10.0, 1.0, 3.0], "g": ["b", "new", "new"]})
    replayed = bm.prepare(design.spec, new, like=design)
    stored = data.loc[data["g"] == "b", "x"].mean()
    assert column(replayed, "between(x, g)") == pytest.approx([stored, 2.0, 2.0])
    assert column(replayed, "within(x, g)") == pytest.approx([10.0 - stored, -1.0, 1.0])
    assert replayed.mu.groups[0].matrix[:, 1] == pytest.approx([10.0 - stored, -1.0, 1.0])


def test_labels_that_are_numbers_or_text_name_the_same_group(data):
    data["g"] = data["g"].map({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5})
    design = bm.prepare("y ~ between(x, g) + (1 | g)", data)
    replayed = bm.prepare(design.spec, pd.DataFrame({"x": [0.0], "g": ["2"]}), like=design)
    assert column(replayed, "between(x, g)") == pytest.approx([data.loc[data["g"] == 2, "x"].mean()])


def test_several_columns_name_a_group_together(data):
    design = bm.prepare("y ~ between(x, kind, g) + (1 | g)", data)
    assert column(design, "between(x, kind, g)") == pytest.approx(data.groupby("g")["x"].transform("mean"))


def test_a_column_that_varies_within_a_group_is_refused_by_name_of_the_group(data):
    data.loc[data.index[3:5], "kind"] = "private"
    with pytest.raises(DataError, match=r"'kind' is not constant within 1 of 5 levels of 'g': 'b' \(the first holds 2"):
        bm.prepare("y ~ level(kind, g) + (1 | g)", data)


def test_a_constant_column_passes_unchanged_and_is_not_checked_on_new_rows(data):
    design = bm.prepare("y ~ level(kind, g) + (1 | g)", data)
    label = "level(kind, g)[T.public]"
    assert column(design, label) == pytest.approx((data["kind"] == "public").astype(float))
    new = pd.DataFrame({"kind": ["public", "private"], "g": ["a", "a"]})
    assert column(bm.prepare(design.spec, new, like=design), label) == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize(
    ("term", "error", "words"),
    [
        ("within(kind, g)", DataError, "needs a column of numbers"),
        ("between(x)", SpecError, "need a grouping column"),
        ("between(x, absent)", SpecError, "'absent'"),
    ],
)
def test_what_cannot_be_split_is_refused(data, term, error, words):
    with pytest.raises(error, match=words):
        bm.prepare(f"y ~ {term} + (1 | g)", data)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("1 + within(x, g) + between(x, g)", {"x"}),
        ("1 + between(log(x + (z * 2)), g, h)", {"x", "z"}),
        ("1 + within(x, g):g", {"x", "g"}),
        ("1 + level(x, g) + z", {"x", "z"}),
        ("1 + within(x, `a b`) + `a b`", {"x", "a b"}),
    ],
)
def test_grouping_columns_are_not_read_as_population_factors(formula, expected):
    assert formula_columns(formula, ["x", "z", "g", "h", "a b"], grouping=False) == expected


def test_a_saved_fit_replays_the_means(data, tmp_path):
    from fixed_draws import fit_at

    design = bm.prepare("y ~ within(x, g) + between(x, g) + (1 | g)", data)
    loaded = bm.load_fit(bm.save_fit(fit_at(design, {"sigma": 1.0, "sd_g": 1.0}), tmp_path / "fit.nc"))
    new = pd.DataFrame({"x": [10.0], "g": ["b"]})
    again = bm.prepare(loaded.design.spec, new, like=loaded.design)
    assert column(again, "between(x, g)") == pytest.approx([data.loc[data["g"] == "b", "x"].mean()])


def test_the_school_data_come_with_the_means_that_between_computes():
    schools = classic("mlmRev", "Hsb82")
    design = bm.prepare("mAch ~ within(ses, school) + between(ses, school) + (1 | school)", schools)
    assert column(design, "between(ses, school)") == pytest.approx(schools["meanses"])
    assert column(design, "within(ses, school)") == pytest.approx(schools["cses"])


def test_labels_that_hold_a_colon_do_not_merge_groups_of_several_columns():
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 5.0], "a": ["p:q", "p:q", "p", "p"], "b": ["r", "r", "q:r", "q:r"]})
    design = bm.prepare("y ~ between(x, a, b)", frame.assign(y=frame["x"] ** 2))
    np.testing.assert_allclose(column(design, "between(x, a, b)"), [1.5, 1.5, 4.0, 4.0])
