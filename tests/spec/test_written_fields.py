"""Fields of a spec as people write them."""

import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.spec.files import spec_from_toml, spec_to_toml


def test_formulas_of_parameters_are_text_in_a_file():
    text = 'formula = "y ~ x"\nfamily = "zero_inflated_poisson"\n[predictors]\nzi = "~ z + (1 | g)"'
    spec = spec_from_toml(text)
    assert spec == bm.from_formula("y ~ x", family="zero_inflated_poisson", zi="~ z + (1 | g)")
    assert 'zi = "~ 1 + z + (1 | g)"' in spec_to_toml(spec)


def test_a_formula_of_a_parameter_and_a_list_of_its_terms_are_the_same():
    listed = bm.ModelSpec(formula="y ~ x", predictors={"sigma": [bm.Fixed(formula="1 + z"), bm.Group(by="g")]})
    assert listed == bm.ModelSpec(formula="y ~ x", predictors={"sigma": "~ z + (1 | g)"})
    assert listed == bm.ModelSpec(response="y", predictors={"mu": "~ x", "sigma": "sigma ~ z + (1 | g)"})


def test_one_link_is_that_of_the_first_parameter_in_files_too():
    text = 'formula = "y ~ x"\nfamily = "bernoulli"\nlink = "probit"'
    assert spec_from_toml(text) == bm.from_formula("y ~ x", family="bernoulli", link="probit")
    assert spec_from_toml(f"{text}\nlinks = {{mu = 'probit'}}").links == {"mu": "probit"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"predictors": {"sigma": "x"}}, 'not a one-sided formula, such as sigma="~ x"'),
        ({"predictors": "~ x"}, "a table of parameters"),
        ({"predictors": {"mu": "~ x"}}, "'formula' already states predictors.mu"),
        ({"link": "log", "links": {"mu": "identity"}}, "contradict each other"),
        ({"link": 3}, "link=3 is not a link"),
        ({"predictors": {"zi": "~ x"}}, "no parameter 'zi'"),
    ],
)
def test_what_contradicts_is_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        bm.ModelSpec(formula="y ~ x", **fields)
