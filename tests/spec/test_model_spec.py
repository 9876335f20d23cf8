"""Specs as values: TOML in and out, wrong fields, and what `as_spec` accepts."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError, StatisticsWarning
from bayesmixed.families import FAMILIES
from bayesmixed.spec.files import (
    as_spec,
    spec_from_toml,
    spec_to_toml,
)
from bayesmixed.spec.model_spec import ModelSpec, from_formula
from bayesmixed.terms import Fixed, Group

HERD = """
title = "Disease incidence in cattle herds"
response = "incidence"
trials = "size"
family = "binomial"

[[predictors.mu]]
kind = "fixed"
formula = "1"

[[predictors.mu]]
kind = "group"
by = "herd"

[priors]
sd_herd = "HalfNormal(1)"
"""


def test_tables_of_terms_and_a_formula_give_the_same_spec():
    formula = from_formula(
        "incidence | trials(size) ~ 1 + (1 | herd)",
        family="binomial",
        title="Disease incidence in cattle herds",
        priors={"sd_herd": "HalfNormal(1)"},
    )
    assert spec_from_toml(HERD) == formula


def test_a_formula_at_the_top_of_a_file_stands_for_response_trials_and_terms():
    text = 'formula = "incidence | trials(size) ~ (1 | herd)"\nfamily = "binomial"'
    assert spec_from_toml(text) == from_formula("incidence | trials(size) ~ (1 | herd)", family="binomial")


def test_nesting_in_a_table_is_expanded_as_in_a_formula():
    text = 'response = "y"\n[[predictors.mu]]\nkind = "group"\nby = "a/b"\nformula = "x"\ncovariance = "independent"'
    assert spec_from_toml(text) == from_formula("y ~ 1 + (x || a/b)")


def test_the_population_term_may_be_absent_or_last_and_stands_first():
    terms = [Group(by="g"), Fixed(formula="x")]
    assert ModelSpec(response="y", predictors={"mu": terms}) == from_formula("y ~ x + (1 | g)")
    assert ModelSpec(response="y", predictors={"mu": terms[:1]}) == from_formula("y ~ 1 + (1 | g)")


def test_a_predictor_of_another_parameter_is_written_in_three_ways():
    text = 'formula = "y ~ x"\n[[predictors.sigma]]\nkind = "fixed"\nformula = "z"'
    specs = [from_formula("y ~ x", sigma=written) for written in ("~ z", " ~z", "sigma ~ z")]
    assert all(spec == spec_from_toml(text) for spec in specs)


def test_an_own_family_object_works_in_python_and_cannot_be_written():
    from dataclasses import replace

    own = replace(FAMILIES["gaussian"], name="own")
    spec = from_formula("y ~ x", family=own)
    assert spec.family is own
    with pytest.raises(SpecError, match="user-defined Family object"):
        spec_to_toml(spec)


def test_a_spec_is_frozen():
    with pytest.raises(Exception, match="frozen"):
        from_formula("y ~ x").response = "z"


def test_the_text_of_a_spec_shows_formula_family_links_and_priors():
    spec = from_formula("y ~ x + (1 | g)", sigma="~ x", priors={"beta": "Normal(0, 1)"}, title="A title")
    assert str(spec).splitlines() == [
        "A title",
        "y ~ 1 + x + (1 | g)",
        "sigma ~ 1 + x",
        "family gaussian (link: mu identity, sigma log)",
        "prior beta ~ Normal(0, 1)",
    ]


def test_one_name_is_as_good_as_a_list_of_one():
    assert from_formula("y ~ period", factors="period").factors == ("period",)
    assert from_formula("y ~ (1 | cask)", crossed="cask").crossed == ("cask",)
    assert as_spec("y ~ (1 | cask)", crossed="cask").crossed == ("cask",)


def test_a_link_without_a_parameter_is_that_of_the_first():
    spec = from_formula("y ~ x", family="bernoulli", link="probit")
    assert spec == from_formula("y ~ x", family="bernoulli", links={"mu": "probit"})
    assert spec.link("mu").name == "probit"
    assert from_formula("y ~ x").link("sigma").name == "log"


def test_a_misspelt_key_of_a_nested_term_is_refused():
    term = {"kind": "group", "by": "a/b", "covariances": "independent"}
    with pytest.raises(SpecError, match="covariances"):
        ModelSpec(response="y", predictors={"mu": [term]})


def test_a_record_of_the_catalogue_is_the_name_of_its_family():
    spec = from_formula("y ~ x + (1 | g)", family=FAMILIES["gamma"])
    assert spec == from_formula("y ~ x + (1 | g)", family="gamma")
    assert spec.family == "gamma"


OPTIONS = {"family": "negbin", "link": "sqrt", "factors": ["k"], "priors": {"sd_g": "HalfNormal(2)"}, "theta": "~ x"}


TABLE = {"y": [1, 0, 3, 2, 5, 1, 0, 2], "x": [0.1, 0.4, 0.2, 0.9, 0.5, 0.3, 0.8, 0.6], "k": [1, 2, 3, 1, 2, 3, 1, 2]}


TABLE |= {"g": list("aabbccdd")}


TRUTH_OF_TABLE = {"beta": 1.0, "beta_theta": 0.5, "sd_g": 0.2}


TAKING = {
    "prepare": lambda spec, **options: bm.prepare(spec, TABLE, **options),
    "check_data": lambda spec, **options: bm.check_data(spec, TABLE, **options).design,
    "fit": lambda spec, **options: (
        bm.fit(spec, TABLE, chains=1, draws=10, tune=20, seed=1, progress=False, **options).design
    ),
}


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize("call", TAKING)
def test_what_belongs_to_a_formula_is_taken_wherever_a_formula_is(call):
    found = TAKING[call]("y ~ x + k + (1 | g)", **OPTIONS).spec
    assert found == bm.from_formula("y ~ x + k + (1 | g)", **OPTIONS)


def test_rules_of_priors_and_simulation_take_what_belongs_to_a_formula():
    assert "beta_theta[x]" in set(bm.prior_table("y ~ x + k + (1 | g)", **OPTIONS).parameters["parameter"])
    made = bm.simulate("y ~ x + k + (1 | g)", data=TABLE, truth=TRUTH_OF_TABLE, seed=1, **OPTIONS)
    assert made.truth["beta_theta"].size == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drws": 100}, "drws=100 is not an option"),
        ({"nothing": "~ x"}, "nothing"),
        ({"mu": "~ k"}, "its own formula of 'mu'|already states predictors.mu"),
        ({"sigma": "x"}, "not a one-sided formula"),
    ],
)
@pytest.mark.parametrize("spec", ["y ~ x", bm.from_formula("y ~ x")], ids=["formula", "spec"])
def test_options_that_do_not_exist_or_contradict_a_spec_are_refused(options, message, spec):
    with pytest.raises(bm.SpecError, match=message):
        bm.prepare(spec, TABLE, **options)


@pytest.mark.parametrize("option", ["family", "links", "priors"])
@pytest.mark.parametrize("given", [3, [1], {1}, ["mu", "log"], "no such"], ids=str)
@pytest.mark.parametrize("spec", ["y ~ x", from_formula("y ~ x")], ids=["formula", "spec"])
def test_an_option_of_another_type_is_refused_in_one_sentence_of_ours(spec, option, given):
    with pytest.raises(SpecError, match=r"must be|not known"):
        as_spec(spec, **{option: given})


@pytest.mark.parametrize("option", ["factors", "crossed"])
def test_a_number_is_no_list_of_columns(option):
    with pytest.raises(SpecError, match="must be a text or a list, each item a text, not 3"):
        as_spec(from_formula("y ~ x"), **{option: 3})


@pytest.mark.parametrize("text", ["x", "sigmax", "", "Normal(0, 1)", "y ~ x", "~ x ~ z", "sigma"])
def test_the_formula_of_a_further_parameter_has_a_tilde_and_no_other_response(text):
    with pytest.raises(SpecError, match='not a one-sided formula, such as sigma="~ x"'):
        bm.from_formula("y ~ x", sigma=text)


def test_the_formula_of_a_further_parameter_may_begin_with_its_name():
    assert bm.from_formula("y ~ x", sigma="sigma ~ sigmax") == bm.from_formula("y ~ x", sigma="~ sigmax")


@pytest.mark.parametrize("options", [{"empty_cells": ""}, {"empty_cells": False}, {"empty_cells": "x"}, {"link": ""}])
def test_an_empty_option_is_no_default(options):
    for spec in ("y ~ x", bm.from_formula("y ~ x")):
        with pytest.raises(SpecError, match=r"Accepted|not possible|must be a text, not False"):
            bm.prepare(spec, {"y": [1.0, 2.0], "x": [1.0, 3.0]}, **options)


def test_values_of_another_type_are_refused_in_words_of_ours():
    with pytest.raises(SpecError, match=r"'links\.mu': is a text, not a int"):
        bm.ModelSpec(formula="y ~ x", links={"mu": 5})
    with pytest.raises(SpecError, match="like must be a Design"):
        bm.prepare("y ~ x", {"y": [1.0]}, like=5)
    with pytest.raises(SpecError, match="stream must be True or False"):
        bm.prepare("y ~ x", {"y": [1.0]}, stream=5)


def test_relations_that_no_term_names_are_pointed_out_and_kept():
    known = {"A": (np.eye(2), ["a", "b"])}
    with pytest.warns(StatisticsWarning, match="known= holds 'A', and no term names a relation"):
        spec = from_formula("y ~ x + (1 | g)", known=known)
    assert set(spec.known) == {"A"}
    for formula in ("y ~ x + (1 | gr(g, cov=A))", "y ~ x + bym2(g, A)"):
        from_formula(formula, known={**known, "B": known["A"]})
    related = from_formula("y ~ x + (1 | gr(g, cov=A))", known=known)
    assert related.replace(predictors={"mu": "~ x"}).known == related.known
    from_formula("y ~ mi(x)", impute={"x": "~ 1 + (1 | gr(g, cov=A))"}, known=known)
