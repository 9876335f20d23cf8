"""Functions of a parameter that can have a prior: each with its inverse, key and range."""

import numpy as np
import pytest

from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES
from bayesmixed.families.links import LINKS
from bayesmixed.families.parameter_functions import PRIOR_FUNCTIONS, function_of, given_key, keys_of, range_of

VALUES = {
    "identity": np.array([-3.0, 0.1, 7.0]),
    "log": np.array([0.2, 1.0, 7.0]),
    "log_minus_one": np.array([1.1, 4.0, 30.0]),
    "logit": np.array([0.02, 0.5, 0.9]),
    "logit_minus_one": np.array([1.02, 1.5, 1.9]),
}
PAIRS = [(function, link) for function in PRIOR_FUNCTIONS for link in function.factors]
each_pair = pytest.mark.parametrize(("function", "link"), PAIRS, ids=[f"{f.text} of {link}" for f, link in PAIRS])


@each_pair
def test_the_inverse_undoes_the_function_and_values_lie_in_its_range(function, link):
    found = function.forward(VALUES[link])
    np.testing.assert_allclose(function.inverse(found), VALUES[link], rtol=1e-12)
    assert np.all((found > function.support[0]) & (found < function.support[1]))


@each_pair
def test_the_function_depends_on_its_factor_times_the_parameter_on_its_link(function, link):
    if function.text == "{}":
        return
    x = function.factors[link] * LINKS[link].forward(VALUES[link])
    onto = {(-np.inf, np.inf): lambda v: v, (0.0, np.inf): np.exp, (0.0, 1.0): lambda v: 1.0 / (1.0 + np.exp(-v))}
    np.testing.assert_allclose(function.forward(VALUES[link]), onto[function.support](x), rtol=1e-12)


@pytest.mark.parametrize("function", PRIOR_FUNCTIONS, ids=lambda function: function.text)
def test_the_pytensor_inverse_is_the_numpy_inverse(function):
    import pytensor.tensor as pt

    v = np.array([0.2, 0.6])
    found = pt.as_tensor_variable(function.pytensor_inverse(pt.as_tensor_variable(v))).eval(mode="FAST_COMPILE")
    np.testing.assert_allclose(found, function.inverse(v), rtol=1e-12)


def test_keys_are_read_back_with_and_without_blanks():
    for function in PRIOR_FUNCTIONS:
        assert function_of(function.key("theta"), "theta") is function
    assert function_of("1 / sqrt( theta )", "theta").text == "1/sqrt({})"
    assert function_of("1/sqrt(phi)", "theta") is None
    assert keys_of("zi", "logit") == ("zi", "logit(zi)")


def test_two_priors_of_one_parameter_are_refused():
    theta = FAMILIES["negbin"].parameter("theta")
    assert given_key(theta, {"log(theta)": 1, "mu": 2}) == "log(theta)"
    assert given_key(theta, {"log(phi)": 1}) is None
    with pytest.raises(SpecError, match="'theta' has two priors"):
        given_key(theta, {"theta": 1, "1/theta": 2})


def test_the_range_of_a_key_is_that_of_the_function_or_of_the_parameter():
    assert range_of("nu", FAMILIES["student"].parameter("nu")) == (1.0, np.inf)
    assert range_of("1/(1+phi)", FAMILIES["beta"].parameter("phi")) == (0.0, 1.0)
    assert range_of("logit(zi)", FAMILIES["zero_inflated_poisson"].parameter("zi")) == (-np.inf, np.inf)
