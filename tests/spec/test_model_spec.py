"""Specs as values: TOML in and out, wrong fields, and what `as_spec` accepts."""

import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES
from bayesmixed.spec.files import (
    as_spec,
    list_specs,
    load_spec,
    save_spec,
    shipped_specs_folder,
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


WRONG_FILES = [
    ('response = "y"', "'predictors': is missing"),
    ('formula = "y ~ x"\nfamly = "poisson"', "'famly': unknown field. Did you mean 'family'?"),
    ('formula = "y ~ x"\nprior = 1', "'prior': unknown field. Did you mean 'priors'?"),
    ('formula = "y ~ x"\nresponse = "z"', "'formula' already says response"),
    ('formula = "y ~ x"\n[[predictors.mu]]\nkind = "fixed"', "'formula' already says predictors.mu"),
    ('formula = "y ~ x"\nfamily = "posson"', "Family 'posson' is not known. Did you mean 'poisson'?"),
    ('formula = "y ~ x"\nfamily = "negbinomial"', "is not known"),
    ('formula = "y ~ x"\n[links]\nmu = "logt"', "Link 'logt' is not possible for 'mu' of family 'gaussian'"),
    ('formula = "y ~ x"\n[links]\nmuu = "log"', "Family 'gaussian' has no parameter 'muu'. Did you mean 'mu'?"),
    ('formula = "y ~ x"\n[priors]\nsigma = "HalfNorm(1)"', "Prior for 'sigma': distribution 'HalfNorm' is not known"),
    ('formula = "y ~ x"\n[[predictors.tau]]\nkind = "fixed"', "Family 'gaussian' has no parameter 'tau'"),
    ('formula = "y ~ x"\nfamily = "binomial"', "Family 'binomial' needs the number of trials: y | trials(n) ~ ..."),
    ('formula = "y | trials(n) ~ x"', "Family 'gaussian' has no trials. Did you mean family 'binomial'?"),
    ('response = ""\n[[predictors.mu]]\nkind = "fixed"', "The model has no response"),
    ('formula = "scale(y) ~ x"', "Response 'scale(y)': scale() learns from the data. Compute it as a column first"),
    ('formula = "y ~ offset(center(log(x)))"', "offset(center(log(x))): center() learns from the data. Compute it"),
    ('formula = "y ~ s(scale(x))"', "s(scale(x)): scale() learns from the data. Compute it as a column first"),
    ('response = "y"\n[[predictors.sigma]]\nkind = "fixed"', "The model has no predictor for 'mu'"),
    ('response = "y"\n[[predictors.mu]]\nkind = "fixd"', "'fixd' found using 'kind'"),
    ('response = "y"\n[[predictors.mu]]\nkind = "group"', "'predictors.mu.1.group.by': is missing"),
    ('response = "y"\n[[predictors.mu]]\nkind = "group"\nby = "g"\nsd = "HalfNormal(1)"', "unknown field"),
    (
        'response = "y"\n[[predictors.mu]]\nkind = "group"\nby = "g"\ncovariance = "unstructred"',
        "Covariance 'unstructred' is not known. Did you mean 'unstructured'?",
    ),
    ('response = "y"\n[[predictors.mu]]\nkind = "fixed"\n[[predictors.mu]]\nkind = "fixed"', "one population term"),
    ("formula = y ~ x", "is no TOML"),
    ('formula = "y ~ x + (1 | g"', "is not closed"),
    ('formula = "y ~ x"\ntrials = 3', "'formula' already says trials"),
    ('formula = "y ~ x"\nfactors = 3', "'factors'"),
]


@pytest.mark.parametrize(("text", "fragment"), WRONG_FILES, ids=[row[1] for row in WRONG_FILES])
def test_a_wrong_file_is_an_error_that_names_the_file_and_the_field(text, fragment):
    with pytest.raises(SpecError) as error:
        spec_from_toml(text, "my.toml")
    assert "'my.toml'" in str(error.value)
    assert fragment in str(error.value)


def test_every_field_is_written_and_read_back():
    spec = from_formula(
        'y | trials(n) ~ C(period) + x + (x || a:b) + obs() + offset(log("e" == e))',
        family="binomial",
        link="cloglog",
        priors={"beta": "Normal(0, 2)", "beta[Intercept]": 0.25, "sd_a:b[x]": "HalfStudentT(4, 0.1)"},
        factors=["period"],
        crossed=["b"],
        empty_cells="drop",
        title='A "quoted" title',
        question="Does it\nwork?",
    )
    text = spec_to_toml(spec)
    assert spec_from_toml(text) == spec
    for written in ("formula", "family", "links", "priors", "factors", "crossed", "empty_cells", "title", "question"):
        assert written in text
    assert from_formula(**spec.as_formula()) == spec


def test_defaults_are_not_written():
    assert spec_to_toml(from_formula("y ~ x")) == 'formula = "y ~ 1 + x"\nfamily = "gaussian"\n'


def test_further_predictors_are_written_and_read_back():
    spec = from_formula("y ~ x + (x | g)", family="student", sigma="~ x + (1 | g)", nu="~ 1")
    assert spec_from_toml(spec_to_toml(spec)) == spec


def test_an_own_family_object_works_in_python_and_cannot_be_written():
    from dataclasses import replace

    own = replace(FAMILIES["gaussian"], name="own")
    spec = from_formula("y ~ x", family=own)
    assert spec.family is own
    with pytest.raises(SpecError, match="own Family object"):
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


def test_a_formula_string_works_wherever_a_spec_does():
    assert as_spec("y ~ x") == from_formula("y ~ x")
    assert as_spec("y ~ x", family="poisson").family == "poisson"


def test_as_spec_adds_priors_links_and_crossed_to_those_that_are_there():
    spec = from_formula("y ~ x", family="poisson", priors={"beta": "Normal(0, 1)", "beta[x]": 1}, crossed=["g"])
    changed = as_spec(spec, priors={"beta[x]": "Normal(0, 3)"}, crossed=("h", "g"))
    assert {key: str(prior) for key, prior in changed.priors.items()} == {
        "beta": "Normal(0, 1)",
        "beta[x]": "Normal(0, 3)",
    }
    assert changed.crossed == ("g", "h")
    assert str(spec.priors["beta[x]"]) == "1"
    assert as_spec(spec) is spec


def test_a_family_that_contradicts_the_spec_is_an_error():
    spec = from_formula("y ~ x", family="poisson")
    assert as_spec(spec, family="poisson") is spec
    with pytest.raises(SpecError, match="The spec has family 'poisson', but family 'student' was given"):
        as_spec(spec, family="student")


def test_a_file_is_written_and_loaded(tmp_path):
    spec = from_formula("größe ~ x + (1 | herd)", priors={"sd_herd": "HalfNormal(1)"})
    save_spec(spec, tmp_path / "my.toml")
    assert load_spec(tmp_path / "my.toml") == spec
    assert load_spec(str(tmp_path / "my.toml")) == spec
    assert as_spec(tmp_path / "my.toml") == spec


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "bom.toml").write_text('formula = "y ~ x"', encoding="utf-8-sig")
    assert load_spec(tmp_path / "bom.toml") == from_formula("y ~ x")


def test_an_absent_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(SpecError, match=r"There is no spec file .*nothing.toml'"):
        load_spec(tmp_path / "nothing.toml")


def test_an_unknown_shipped_name_says_what_was_tried():
    with pytest.raises(SpecError, match=r"'herdd' is no formula .* no file and no shipped spec. Did you mean 'herd'"):
        load_spec("herdd")


def test_data_in_the_place_of_the_spec_are_told_their_place():
    with pytest.raises(SpecError, match=r"not a DataFrame. The spec comes first, then the data: bm.fit\(spec, data\)"):
        as_spec(pd.DataFrame({"y": [1.0]}))


def test_shipped_specs_are_listed_in_alphabetical_order():
    names = list_specs()
    assert names == sorted(names)
    assert {"herd", "herd4", "herd_period", "herds_flat"} <= set(names)
    assert sum(name.startswith("sleepstudy") for name in names) >= 4


@pytest.mark.parametrize("name", list_specs())
def test_a_shipped_spec_loads_has_a_title_and_survives_both_ways(name):
    spec = load_spec(name)
    assert spec.title
    assert spec == bm.load_spec(shipped_specs_folder() / f"{name}.toml")
    assert spec_from_toml(spec_to_toml(spec)) == spec
    assert from_formula(**spec.as_formula()) == spec


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
        ({"drws": 100}, "drws=100 is no option"),
        ({"nothing": "~ x"}, "nothing"),
        ({"sigma": "~ x"}, "go with a formula"),
    ],
)
def test_options_that_do_not_exist_or_do_not_go_with_a_spec_are_refused(options, message):
    spec = bm.from_formula("y ~ x") if "sigma" in options else "y ~ x"
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
    with pytest.raises(SpecError, match='no one-sided formula, such as sigma="~ x"'):
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
