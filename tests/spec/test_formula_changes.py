"""Specs derived from specs."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic

import bayesmixed as bm

SPEC = bm.from_formula("y ~ x + z + (x | g) + (1 | h)")


@pytest.mark.parametrize(
    ("change", "formula"),
    [
        ("~ . - x", "y ~ 1 + z + (1 + x | g) + (1 | h)"),
        ("~ . + w + (1 | k)", "y ~ 1 + x + z + w + (1 + x | g) + (1 | h) + (1 | k)"),
        ("~ . - (1 | h)", "y ~ 1 + x + z + (1 + x | g)"),
        ("~ . - 1", "y ~ 0 + x + z + (1 + x | g) + (1 | h)"),
        ("log(y) ~ .", "log(y) ~ 1 + x + z + (1 + x | g) + (1 | h)"),
        ("~ w", "y ~ 1 + w"),
        (". ~ . + offset(log(e))", "y ~ 1 + x + z + (1 + x | g) + (1 | h) + offset(log(e))"),
    ],
)
def test_a_formula_is_updated_with_dots_for_what_is_there(change, formula):
    assert SPEC.update(change).formula == formula


def test_an_interaction_inside_a_product_is_subtracted():
    assert bm.from_formula("y ~ a*b").update("~ . - a:b").formula == "y ~ 1 + a*b - a:b"


@pytest.mark.parametrize(
    ("formula", "name", "fixed"),
    [
        ("y ~ 1 + (1 | herd)", "herd", "y ~ 0 + herd"),
        ("y ~ period + (1 | herd)", "herd", "y ~ 0 + herd + period"),
        ("y ~ x + (x | g) + (1 | h)", "g", "y ~ 0 + g + g:x + (1 | h)"),
        ("y ~ x + (0 + x | g)", "g", "y ~ 1 + g:x"),
        ("y ~ 1 + (1 | a:b)", "a:b", "y ~ 0 + a:b"),
    ],
)
def test_a_random_factor_is_made_fixed(formula, name, fixed):
    spec = bm.from_formula(formula).as_fixed(name)
    assert spec.formula == fixed
    assert set(name.split(":")) <= set(spec.factors)


@pytest.mark.parametrize(
    ("formula", "random"),
    [
        ("y ~ 0 + herd", "y ~ 1 + (1 | herd)"),
        ("y ~ C(herd) + x", "y ~ 1 + x + (1 | herd)"),
        ("y ~ 0 + herd + herd:x", "y ~ 1 + x + (1 + x | herd)"),
        ("y ~ herd + x + herd:x", "y ~ 1 + x + (1 + x | herd)"),
    ],
)
def test_a_fixed_factor_is_made_random(formula, random):
    assert bm.from_formula(formula).as_random("herd").formula == random


def test_priors_of_what_is_gone_are_dropped_and_the_others_kept():
    spec = bm.from_formula(
        "y ~ x + (1 | g)",
        priors={"sd_g": "HalfNormal(1)", "beta[Intercept]": "Normal(0, 1)", "beta[x]": "Normal(0, 2)"},
    )
    with pytest.warns(bm.StatisticsWarning, match=r"The priors of 'sd_g', 'beta\[Intercept\]'"):
        assert set(spec.as_fixed("g").priors) == {"beta[x]"}


def test_no_pooling_of_sleepstudy_has_a_line_for_each_subject():
    design = bm.prepare(
        bm.from_formula("Reaction ~ Days + (Days | Subject)").as_fixed("Subject"), classic("lme4", "sleepstudy")
    )
    assert len(design.mu.population.labels) == 36
    assert np.linalg.matrix_rank(design.mu.population.matrix) == 36


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SPEC.as_fixed("k"), "'k' is not a grouping factor. The model has 'g', 'h'"),
        (lambda: SPEC.as_random("k"), "'k' is not a term of the population part"),
        (lambda: SPEC.update("~ . - (1 | k)"), "the model has no such term"),
        (lambda: SPEC.update(". + x"), "needs one tilde"),
        (lambda: SPEC.update("~ . +"), "nothing follows a '\\+'"),
        (lambda: SPEC.update("~ . + + x"), "nothing follows a '\\+'"),
    ],
)
def test_impossible_changes_are_refused(call, message):
    with pytest.raises(bm.SpecError, match=message):
        call()


def test_three_ways_to_write_nested_factors_are_one_model():
    data = bm.simulate("classroom", seed=1).data
    data["room"] = data["school"] + "-" + data["class"]
    designs = [
        bm.prepare(f"mathscore ~ ses + {terms}", data)
        for terms in (
            "(1 | school/class)",
            "(1 | school) + (1 | school:class)",
            "(1 | school) + (1 | room)",
        )
    ]
    for design in designs[1:]:
        for one, other in zip(designs[0].mu.groups, design.mu.groups, strict=True):
            pairs = np.unique(np.column_stack([one.index, other.index]), axis=0)
            assert len(pairs) == len(one.levels) == len(other.levels)
        numbers = [[entry.prior for entry in d.priors.values()] for d in (designs[0], design)]
        assert numbers[0] == numbers[1]


def test_labels_that_start_anew_in_every_school_are_refused_as_crossed():
    data = bm.simulate("classroom", seed=1).data
    with pytest.raises(bm.DataError, match=r"\(1 \| school/class\)"):
        bm.prepare("mathscore ~ ses + (1 | school) + (1 | class)", data)


TABLE = {
    "y": np.sin(np.arange(48.0)),
    "x": np.cos(np.arange(48.0) * 1.3),
    "z": np.cos(np.arange(48.0) * 0.7),
    "f": np.array(list("abc"))[np.arange(48) % 3],
    "g": np.array(list("pqrstuvw"))[np.arange(48) // 6],
    "h": np.array(list("klmn"))[np.arange(48) % 4],
}
CHANGES = [
    # formula, change, priors that stay, priors that go
    ("y ~ x*f", "~ . - x:f", ["beta[x]", "beta[f[T.b]]"], ["beta[x:f[T.b]]", "beta[x:f[T.c]]"]),
    ("y ~ x*f", "~ . - x - x:f", ["beta[f[T.c]]"], ["beta[x]", "beta[x:f[T.b]]"]),
    ("y ~ x + z", "~ . - z", ["beta", "beta[x]", "sigma"], ["beta[z]"]),
    ("y ~ x", "~ 1", ["sigma", "beta[Intercept]"], ["beta", "beta[x]"]),
    ("y ~ f", "~ . - 1", ["sigma"], ["beta[Intercept]", "beta[f[T.b]]"]),
    ("y ~ x*f", "~ . - 1", ["beta[x]", "beta[x:f[T.b]]"], ["beta[Intercept]", "beta[f[T.b]]"]),
    ("y ~ x*f", "~ . - x", ["beta[f[T.b]]"], ["beta[x]", "beta[x:f[T.b]]"]),
    ("y ~ x*f", "~ . - f", ["beta[x]", "beta[x:f[T.b]]"], ["beta[f[T.b]]"]),
    ("y ~ x*f", "~ f/x", ["beta[f[T.b]]"], ["beta[x]", "beta[x:f[T.b]]"]),
    ("y ~ x + (x | g)", "~ . - (x | g) + (1 | g)", ["sd_g", "beta[x]"], ["sd_g[x]", "corr_g"]),
    ("y ~ x + (x | g)", "~ . - (x | g) + (x || g)", ["sd_g", "sd_g[x]"], ["corr_g"]),
    ("y ~ x + (x | g) + (1 | h)", "~ . - (x | g)", ["sd_h"], ["sd_g", "sd_g[Intercept]", "corr_g"]),
    ("y ~ x + (1 | h)", "~ . - (1 | h) + (x | g)", ["beta[x]"], ["sd_h", "sd_h[Intercept]"]),
    ("y ~ s(x, k=5) + z", "~ . - s(x, k=5)", ["beta[z]"], ["sd_s(x)"]),
    ("y ~ I(x^2) + x", "~ . - I(x^2)", ["beta[x]"], ["beta[I(x ** 2)]"]),
]


def with_priors(formula, keys):
    laws = {"corr_g": "LKJ(3)"} | dict.fromkeys([k for k in keys if k[:2] in ("sd", "si")], "HalfNormal(1)")
    return bm.from_formula(formula, priors={key: laws.get(key, "Normal(0, 1)") for key in keys})


@pytest.mark.filterwarnings("ignore:.*levels")
@pytest.mark.parametrize(("formula", "change", "stay", "go"), CHANGES)
def test_priors_of_removed_terms_go_with_a_note_and_the_new_spec_can_be_prepared(formula, change, stay, go):
    spec = with_priors(formula, [*stay, *go])
    with pytest.warns(bm.StatisticsWarning, match="were dropped: their terms were removed") as caught:
        changed = spec.update(change)
    assert set(changed.priors) == set(stay)
    assert all(f"'{key}'" in str(caught[0].message) for key in go)
    bm.prepare(changed, TABLE)


@pytest.mark.parametrize(
    ("formula", "keys", "derive", "stay", "result"),
    [
        ("y ~ x + (x | g)", ["sd_g[x]", "corr_g", "beta[x]", "sigma"], "as_fixed", ["sigma"], "y ~ 0 + g + g:x"),
        ("y ~ x*z + (x*z | g)", ["sd_g[x:z]", "sigma"], "as_fixed", ["sigma"], "y ~ 0 + g + g:x + g:z + g:x:z"),
        ("y ~ x*g", ["beta[g[T.q]]", "beta[x:g[T.q]]", "beta[x]"], "as_random", ["beta[x]"], "y ~ 1 + x + (1 + x | g)"),
        ("y ~ g*x*z", ["beta[z]"], "as_random", ["beta[z]"], "y ~ 1 + x + z + x:z + (1 + x + z + x:z | g)"),
        ("y ~ 1 + g + x", ["beta[g[T.r]]", "beta[x]"], "as_random", ["beta[x]"], "y ~ 1 + x + (1 | g)"),
    ],
)
@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_a_factor_changes_sides_also_inside_of_products_and_takes_its_priors_with_it(
    formula, keys, derive, stay, result
):
    changed = getattr(with_priors(formula, keys), derive)("g")
    assert changed.formula == result
    assert set(changed.priors) == set(stay)
    bm.prepare(changed, TABLE)


def test_what_is_said_of_labels_goes_with_their_factor():
    spec = bm.from_formula("y ~ 1 + (1 | g) + (1 | h)", crossed=["h"])
    assert spec.update("~ . - (1 | h)").crossed == ()
    assert spec.update("~ . + x").crossed == ("h",)


def names_of_coefficients(spec):
    design = bm.prepare(spec, TABLE | {"k": np.array(list("uv"))[np.arange(48) // 3 % 2]})
    groups = [f"{p.sd(group)}[{label}]" for p, group in design.group_blocks() for label in group.labels]
    return [f"beta[{label}]" for label in design.mu.population.labels] + groups


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize(
    ("formula", "change"),
    [
        ("y ~ x + f", "~ . - 1"),
        ("y ~ x + f + k", "~ . - f - 1"),
        ("y ~ poly(x, 2) + C(f, contr.sum)", "~ . - 1"),
        ("y ~ f:k", "~ . - 1"),
        ("y ~ x + f:k", "~ . - f:k"),
        ("y ~ x*f*k", "~ . - 1"),
        ("y ~ f/k", "~ . + k"),
        ("y ~ f*k", "~ k*f"),
        ("y ~ x + (x*f | g)", "~ . - (x*f | g) + (0 + x*f | g)"),
        ("y ~ f + s(x, k=5, by=f)", "~ . - s(x, k=5, by=f)"),
    ],
)
def test_priors_stay_where_they_name_a_coefficient_for_certain_whatever_is_known_of_the_columns(formula, change):
    spec = bm.from_formula(formula)
    before, after = names_of_coefficients(spec), set(names_of_coefficients(spec.update(change)))
    assert set(with_priors(formula, before).update(change).priors) == after.intersection(before)
    for name in before:
        assert set(with_priors(formula, [name]).update(change).priors) <= after


def test_what_a_column_is_decides_whether_the_coding_of_another_changes():
    for number in ({"beta[x]": "Normal(0, 1)"}, {}):
        priors = {"beta[f[T.b]]": "Normal(0, 1)"} | number
        with pytest.warns(bm.StatisticsWarning, match=r"'beta\[f\[T.b\]\]' were dropped: .* may be coded differently"):
            assert set(bm.from_formula("y ~ x + f", priors=priors).update("~ . - 1").priors) == {*number}
    factor = bm.from_formula("y ~ x + f", priors={"beta[f[T.b]]": "Normal(0, 1)"}, factors=["x"])
    assert set(factor.update("~ . - 1").priors) == {"beta[f[T.b]]"}


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize("formula", ["y ~ x + (1 | g/h)", "y ~ x + (x | g:h)"])
def test_a_nested_factor_is_fixed_at_the_combinations_that_occur(formula):
    data = pd.DataFrame(TABLE).assign(h=lambda rows: rows["g"] + rows["f"])
    spec = bm.from_formula(formula)
    population = bm.prepare(spec.as_fixed("g:h"), data).mu.population
    levels = pd.get_dummies(data["h"]).to_numpy(float)
    wanted = np.hstack([levels, levels * data[["x"]].to_numpy()] if "(x |" in formula else [levels, data[["x"]]])
    assert len(population.labels) == wanted.shape[1]
    assert (
        np.linalg.matrix_rank(np.hstack([population.matrix, wanted]))
        == np.linalg.matrix_rank(wanted)
        == wanted.shape[1]
    )
    assert spec.as_fixed("g:h").empty_cells == "drop"
    assert bm.from_formula("y ~ x + (1 | g)").as_fixed("g").empty_cells == "error"
