"""Specs derived from specs."""

import numpy as np
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
        (lambda: SPEC.as_fixed("k"), "'k' groups no term. The model has 'g', 'h'"),
        (lambda: SPEC.as_random("k"), "'k' is not a term of the population part"),
        (lambda: SPEC.update("~ . - (1 | k)"), "the model has no such term"),
        (lambda: SPEC.update(". + x"), "needs one tilde"),
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
