"""The population part: columns as written, and the coordinates in which its priors are stated."""

import numpy as np
import pytest
from designs import design_of, small

FORMULAS = ["y ~ x", "y ~ 0 + g", "y ~ x*g", "y ~ x + I(x^2)"]


def block_of(formula, **priors):
    return design_of(formula, small(), priors=priors).mu.population


@pytest.mark.parametrize("formula", FORMULAS)
def test_coordinates_times_their_columns_are_coefficients_times_theirs(formula):
    block = block_of(formula)
    u = np.random.default_rng(1).normal(size=block.transform.shape[1])
    np.testing.assert_allclose(block.matrix @ (block.transform @ u), block.coordinate_matrix @ u, atol=1e-9)
    np.testing.assert_array_equal(block.coordinate_rows(slice(2, 4)), block.coordinate_matrix[2:4])


def test_a_prior_of_the_user_on_the_intercept_makes_it_a_coordinate_as_written():
    block = design_of("y ~ x", small(), priors={"beta[Intercept]": "Normal(0, 1)"}).mu.population
    u = np.array([2.0, 0.3])
    intercept = list(block.coordinates.labels).index("Intercept")
    assert (block.transform @ u)[0] == pytest.approx(u[intercept])


def test_rows_taken_are_those_of_every_matrix():
    block = block_of("y ~ x + g")
    taken = block.take(np.array([5, 0]))
    for name in ("matrix", "columns", "open_part"):
        np.testing.assert_array_equal(getattr(taken, name), getattr(block, name)[[5, 0]])
    assert not np.any(block.is_open)


def test_default_priors_of_coordinates_have_the_location_and_their_units():
    block = block_of("y ~ x + g")
    priors = dict(zip(block.coordinates.labels, block.coordinate_priors(7.0, 2.0), strict=True))
    for label, (prior, _) in priors.items():
        unit = dict(zip(block.coordinates.labels, block.coordinates.units, strict=True))[label]
        assert prior.arguments[1] == pytest.approx(2.0 * unit)
        assert prior.arguments[0] == (7.0 if label == "Intercept_centred" else 0.0)
    assert priors["Intercept_centred"][1] == "intercept at the covariate means"
    assert priors["x"][1] == "slope or difference"
