"""Specs as files: read, written, shipped, and what stands for one."""

import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.spec.files import (
    as_spec,
    list_specs,
    load_spec,
    save_spec,
    shipped_specs_folder,
    spec_from_toml,
    spec_to_toml,
)
from bayesmixed.spec.model_spec import from_formula

WRONG_FILES = [
    ('response = "y"', "'predictors': is missing"),
    ('formula = "y ~ x"\nfamly = "poisson"', "'famly': unknown field. Did you mean 'family'?"),
    ('formula = "y ~ x"\nprior = 1', "'prior': unknown field. Did you mean 'priors'?"),
    ('formula = "y ~ x"\nresponse = "z"', "'formula' already states response"),
    ('formula = "y ~ x"\n[[predictors.mu]]\nkind = "fixed"', "'formula' already states predictors.mu"),
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
    ("formula = y ~ x", "is not a spec in TOML"),
    ('formula = "y ~ x + (1 | g"', "is not closed"),
    ('formula = "y ~ x"\ntrials = 3', "'formula' already states trials"),
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
        priors={
            "beta": "Normal(0, 2)",
            "beta[Intercept]": 0.25,
            "sd_a:b[x]": "HalfStudentT(4, 0.1)",
            "sd_b": "PC(1, 0.05)",
        },
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
    with pytest.raises(SpecError, match=r"'herdd' is not a formula .* a file or a shipped spec. Did you mean 'herd'"):
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
