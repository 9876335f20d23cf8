"""Columns, labels, levels and responses of designs, on real data."""

import numpy as np
import pandas as pd
import pytest
from designs import ARABIDOPSIS, CBPP, PASTES, PENICILLIN, SLEEP, TICKS, design_of, group_of, small

from bayesmixed.errors import StatisticsWarning
from bayesmixed.preparation.preparing import prepare
from bayesmixed.spec.model_spec import from_formula

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
    np.testing.assert_allclose(subject.means, [1.0, 0.0], atol=1e-12)


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
    assert not group_of(design, "Subject").centred


def test_two_terms_of_one_factor_are_one_block_equal_to_the_double_bar():
    apart = group_of(design_of("Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", SLEEP), "Subject")
    double = group_of(design_of("Reaction ~ Days + (Days || Subject)", SLEEP), "Subject")
    assert apart.labels == double.labels == ("Intercept", "Days")
    assert not apart.correlated
    assert not double.correlated
    for field in ("matrix", "index", "transform", "centred_matrix", "scales"):
        np.testing.assert_array_equal(getattr(apart, field), getattr(double, field))
    assert apart.levels == double.levels


def test_a_correlated_pair_and_a_third_column_are_two_parts_of_one_block():
    data = small(z=[0.0, 1.0, -1.0, 2.0, 0.5, -0.5])
    block = group_of(design_of("y ~ x + z + (x | g) + (0 + z | g)", data), "g")
    assert block.labels == ("Intercept", "x", "z")
    assert [(part.columns, part.correlated) for part in block.parts] == [((0, 1), True), ((2,), False)]
    np.testing.assert_allclose(block.transform, [[1.0, -data["x"].mean(), 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


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
    assert observation.single
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
    (pd.to_datetime(["2021-02-01", "2021-01-01", "2021-02-01"] * 2), ("2021-01-01", "2021-02-01")),
    (pd.array([2, 1, 2, 1, 2, 1], dtype="Int64"), ("1", "2")),
    (pd.array(list("baabba"), dtype="string"), ("a", "b")),
]


@pytest.mark.parametrize(("values", "levels"), LEVELS, ids=[str(row[1]) for row in LEVELS])
def test_levels_of_a_group_are_text_in_natural_order(values, levels):
    data = small(h=values)
    block = group_of(design_of("y ~ 1 + (1 | h)", data), "h")
    assert block.levels == levels
    decoded = [levels[i] for i in block.index]
    assert [str(v).removesuffix(".0").removesuffix(" 00:00:00") for v in pd.Series(values).astype(object)] == decoded


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
        ("y ~ log(a.b + 20)", "log(a.b + 20)"),
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


def test_a_response_with_an_odd_name_keeps_it_without_backticks():
    design = prepare("`leaf area (cm)` ~ x", {"leaf area (cm)": [1.0, 2, 4, 5, 3, 2], "x": [1.0, 2, 3, 1, 2, 4]})
    assert design.response_name == "leaf area (cm)"
    assert from_formula(design.spec.formula).response == design.spec.response
