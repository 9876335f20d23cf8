"""Every kind of term of the catalogue keeps the contract of terms."""

import re
from functools import cache

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.spec.parsing import parse_terms
from bayesmixed.summaries.priors.rules import list_rules
from bayesmixed.terms import TERMS
from bayesmixed.terms.contract import ADDITION, CURVES, LEVELS, POPULATION, STEPS, TermContract

EXAMPLES = {
    "fixed": ["1 + x", "0 + f:x"],
    "group": [
        "(1 | g)",
        "(1 + x |p| g)",
        "(1 + x || g)",
        "(1 | g:h)",
        "homcs(0 + f | g)",
        "cs(1 + x | g)",
        "ar1(0 + f | g)",
        "mat(0 + x + w | g, nu=2.5)",
    ],
    "multi_membership": ["mm(g, h)", "(1 + x | mm(g, h, weights=[w, v]))"],
    "factor_smooth": ['s(x, g, k=5, bs="fs")'],
    "gaussian_process": [
        "gp(x, k=6)",
        "gp(x, k=6, by=w)",
        'gp(x, w, k=[4, 5], c=2.5, cov="matern52")',
        'gp(x, cov="periodic", period=3)',
    ],
    "monotone": ["mo(n)", "mo(n, shares=[2, 1])"],
    "observation": ["obs()"],
    "offset": ["offset(log(w))"],
    "related": ["(1 | gr(g, cov=A))", "(1 + x || gr(g, prec=A))", "(x | gr(g, graph=W, name=near))"],
    "student_group": ['(1 | gr(g, dist="student"))', '(0 + x | gr(g:h, dist="student"))'],
    "surface": ["s(x, w, k=6)"],
    "tensor": ["te(x, w, k=4)", "te(x, w, k=4, by=v)", 'te(x, w, k=[4, 5], bs=["cc", "cr"])'],
    "typed_group": ["(1 | gr(g, by=t))", "(1 + x || gr(g, by=t))", "(1 + x | gr(g, by=t))"],
    "smooth": ["s(x, k=5)", "s(x, k=5, by=f)", 's(x, k=5, by=w, bs="cc")'],
}
"""Summands of a formula, by kind: a new kind needs an entry."""
KNOWN = {
    "A": (np.eye(6) + 0.2, list("abcdef")),
    "W": [("a", "b"), ("b", "c"), ("d", "c"), ("d", "e"), ("f", "a")],
}
"""Relations that terms name."""
pytestmark = pytest.mark.filterwarnings("ignore:gp.* varies around zero", "ignore:.*depends on its prior")
each_term = pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in TERMS for text in EXAMPLES[kind]])


def rows(count=60, seed=3):
    rng = np.random.default_rng(seed)
    letters = np.array(list("abcdef"))
    made = {name: letters[rng.integers(0, size, count)] for name, size in {"g": 6, "h": 4, "f": 3}.items()}
    made["n"] = np.arange(count) % 3
    made["t"] = np.where(np.isin(made["g"], ["a", "c", "e"]), "t", "u")
    return pd.DataFrame(made | {"x": rng.normal(size=count)} | {name: rng.uniform(1, 2, count) for name in "wvy"})


def read(kind, text):
    terms = parse_terms(text)
    return terms[0] if TERMS[kind].part == POPULATION else terms[1]


@cache
def design_with(kind, text):
    term = read(kind, text)
    population = bm.Fixed(formula="1 + x + f" if term.part == LEVELS else "1 + f")
    terms = [term] if term.part == POPULATION else [population, term]
    return bm.prepare(bm.ModelSpec(response="y", family="poisson", predictors={"mu": terms}, known=KNOWN), counts())


def counts():
    return rows().assign(y=np.random.default_rng(1).poisson(2.0, 60))


def test_every_kind_has_an_example_and_is_listed_under_its_name():
    assert set(EXAMPLES) == set(TERMS)
    for name, kind in TERMS.items():
        assert issubclass(kind, TermContract)
        assert kind.model_fields["kind"].default == name
        assert kind.part in (POPULATION, LEVELS, CURVES, STEPS, ADDITION)


@each_term
def test_a_term_is_read_back_from_what_it_prints(kind, text):
    term = read(kind, text)
    assert type(term) is TERMS[kind]
    assert read(kind, str(term)) == term
    assert TERMS[kind](**term.model_dump()) == term


@each_term
def test_a_summand_is_read_by_its_kind_before_others(kind, text):
    claimed = next((name for name, one in TERMS.items() if one.read(str(read(kind, text)))), None)
    assert claimed == (None if TERMS[kind].part == POPULATION else kind)


@each_term
def test_a_term_reads_the_columns_that_it_names_and_refuses_others(kind, text):
    term, names = read(kind, text), list(rows().columns)
    needed = term.columns(names)
    assert needed <= set(names)
    named = {*term.label_columns, *term.split_columns}
    assert named <= needed
    for name in needed:
        with pytest.raises(SpecError):
            term.columns([other for other in names if other != name])


@each_term
def test_a_spec_with_a_term_survives_a_file(kind, text, tmp_path):
    spec = design_with(kind, text).spec
    bm.save_spec(spec, tmp_path / "spec.toml")
    assert bm.load_spec(tmp_path / "spec.toml").replace(known=spec.known) == spec


@each_term
def test_a_term_of_a_kind_without_parts_of_a_formula_has_none(kind, text):
    term = read(kind, text)
    assert bool(term.name) == (term.part in (LEVELS, CURVES, STEPS))
    assert len(term.formulas) == (term.part in (POPULATION, LEVELS))


@each_term
def test_new_rows_have_the_columns_of_the_rows_of_the_fit(kind, text):
    design = design_with(kind, text)
    again = bm.prepare(design.spec, counts().iloc[::-1], like=design)
    assert np.allclose(again.mu.population.matrix, design.mu.population.matrix[::-1])
    assert np.allclose(again.mu.offset, design.mu.offset[::-1])
    rng = np.random.default_rng(2)
    for old, new in zip(design.mu.normal_blocks, again.mu.normal_blocks, strict=True):
        effects = rng.normal(size=(len(new.levels), new.width))
        if design.spec.predictors["mu"][-1].single:
            continue
        known = effects[: len(old.levels)]
        assert np.allclose(new.contribution(effects), old.contribution(known)[::-1])


@each_term
def test_the_contribution_of_effects_is_that_of_its_sparse_columns(kind, text):
    design = design_with(kind, text)
    for block in design.mu.normal_blocks:
        effects = np.random.default_rng(4).normal(size=(3, len(block.levels), block.width))
        columns = block.sparse_columns().toarray()
        assert np.allclose(block.contribution(effects), effects.reshape(3, -1) @ columns.T, atol=1e-12)


@each_term
def test_the_pymc_model_has_the_variables_that_a_term_names(kind, text):
    design = design_with(kind, text)
    model = bm.build(design)
    for block in design.mu.normal_blocks:
        names = {design.mu.sd(block), design.mu.b(block)}
        assert names <= {variable.name for variable in (*model.free_RVs, *model.deterministics)}
        assert all(key in design.priors for key in design.mu.sd_keys(block))


@each_term
def test_the_equations_of_a_term_are_those_of_its_block(kind, text):
    design = design_with(kind, text)
    with_data, without = design.outline().predictors[0], design.spec.outline().predictors[0]
    assert [g.name for g in with_data.groups] == [g.name for g in without.groups]
    assert [s.name for s in with_data.curves] == [s.name for s in without.curves]
    assert with_data.offsets == without.offsets


def without_number(keys):
    """Keys without the number of one of several coordinates of a term, which only data tell."""
    return {re.sub(r" #(k|\d+)(?=\]$)", "", key) for key in keys}


@each_term
def test_text_equations_and_data_name_the_same_parameters_with_default_priors(kind, text):
    design = design_with(kind, text)
    spec = design.spec.replace(factors=tuple(name for name in design.table.levels if name == "f"))
    stated = without_number(list_rules(spec)["parameter"])
    assert stated == without_number(spec.outline().priors)
    # Whether by= names a factor or a number, and so how many lines and SDs there are, only data tell.
    realised = without_number(ParameterKey.read(key).average for key in design.priors)
    assert stated == realised or "by=" in text
    laws = {
        key: text.partition("(")[0] for key, text in list_rules(spec)[["parameter", "prior"]].itertuples(index=False)
    }
    assert {key: str(design.priors[key].prior).partition("(")[0] for key in laws if key in design.priors} == {
        key: law for key, law in laws.items() if key in design.priors
    }
    assert {k.partition("[")[0] for k in stated} == {k.partition("[")[0] for k in realised}


@pytest.mark.parametrize("formula", ["1 + s(x, k=5)", "x + s(w, k=5)", "0 + s(x, k=5)", '1 + s(x, k=5, bs="cc")'])
def test_beside_a_curve_alone_the_intercept_has_its_prior_as_written(formula):
    design = bm.prepare(bm.from_formula(f"y ~ {formula}", family="poisson"), counts())
    assert set(design.spec.outline().priors) == set(design.priors) == set(list_rules(design.spec)["parameter"])
