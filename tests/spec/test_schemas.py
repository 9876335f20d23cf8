"""The JSON schema accepts what loads as a spec, and refuses what does not."""

import tomllib

import jsonschema
import pytest

import bayesmixed as bm
from bayesmixed.spec.files import shipped_specs_folder, spec_from_toml
from bayesmixed.spec.schemas import make_schema

VALIDATOR = jsonschema.Draft202012Validator(make_schema())
TERMS = """
response = "y"
factors = "f"
[[predictors.mu]]
kind = "fixed"
formula = "x + f"
[[predictors.mu]]
kind = "group"
by = "a/b"
covariance = "independent"
[[predictors.mu]]
kind = "offset"
expression = "log(e)"
[[predictors.sigma]]
kind = "fixed"
[priors]
"beta[x]" = "Normal(0, 1)"
sd_a = 2
"""


def valid(text):
    return VALIDATOR.is_valid(tomllib.loads(text))


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(make_schema())


@pytest.mark.parametrize("path", sorted(shipped_specs_folder().glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_spec_is_valid(path):
    VALIDATOR.validate(tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "text",
    [
        TERMS,
        'formula = "y ~ x"\n[[predictors.sigma]]\nkind = "fixed"\nformula = "x"',
        'formula = "y | trials(10) ~ x"\nfamily = "binomial"\nlinks = {mu = "probit"}\ncrossed = ["a", "b"]',
        'formula = "y ~ f*k"\nempty_cells = "drop"',
        'formula = "y ~ x"\nresidual = "us(visit | subject)"',
        'formula = "y ~ x"\n[predictors]\nsigma = "~ x + (1 | g)"',
        'formula = "y | trials(10) ~ x"\nfamily = "binomial"\nlink = "probit"',
        'response = "y"\ntrials = 10\nfamily = "binomial"\npredictors.mu = [{kind = "observation"}]',
    ],
)
def test_what_loads_is_valid(text):
    assert spec_from_toml(text)
    assert valid(text)


@pytest.mark.parametrize(
    "text",
    [
        'formula = "y ~ x"\nfamilly = "poisson"',
        'formula = "y ~ x"\nfamily = "possion"',
        'formula = "y ~ x"\nresponse = "y"',
        'formula = "y ~ x"\npredictors.mu = [{kind = "fixed"}]',
        'formula = "y ~ x"\nlinks = {mu = "logg"}',
        'formula = "y ~ x"\nlink = "logg"',
        'formula = "y ~ x"\n[predictors]\nsigma = "x"',
        'formula = "y ~ x"\npriors = {sigma = true}',
        'formula = "y ~ x"\npriors = {sigma = [1, 2]}',
        'formula = "y ~ f*k"\nempty_cells = "ignore"',
        'formula = "y ~ x"\nresidual = "us"',
        'response = "y"',
        'title = "nothing"',
        TERMS.replace("a/b", "a").replace("covariance", "covariances"),
        TERMS.replace('"independent"', '"independant"'),
        TERMS.replace('kind = "offset"', 'kind = "ofset"'),
        TERMS.replace('kind = "offset"\n', ""),
        TERMS.replace("predictors.sigma", "predictors.sigmma"),
    ],
)
def test_what_does_not_load_is_not_valid(text):
    with pytest.raises(bm.SpecError):
        spec_from_toml(text)
    assert not valid(text)


def test_fields_have_descriptions():
    schema = make_schema()
    assert all(field.get("description") for field in schema["properties"].values())
    assert "formula" in schema["properties"]
    assert schema["properties"]["crossed"]["description"].startswith("Grouping factors whose labels")
    assert schema["$defs"]["Group"]["properties"]["by"]["description"].startswith("A column")
