"""Predictors: names of their variables, and coefficients as written and at the centre."""

import numpy as np
import pytest
from designs import design_of, small

DESIGN = design_of("y ~ x + g + (x | h)", small(h=list("pqpqpq")), sigma="~ x + (1 | h)")


@pytest.mark.parametrize("name", ["mu", "sigma"])
def test_coefficients_go_to_the_centre_and_back(name):
    predictor = DESIGN.predictors[name]
    np.testing.assert_allclose(
        predictor.inverse_transform @ predictor.transform, np.eye(len(predictor.keys)), atol=1e-10
    )
    coefficients = np.random.default_rng(1).normal(size=len(predictor.population.labels))
    at_centre = predictor.inverse_transform @ coefficients
    np.testing.assert_allclose(
        predictor.centred_matrix @ at_centre, predictor.population.matrix @ coefficients, atol=1e-9
    )


def test_variables_of_a_further_parameter_carry_its_name():
    mu, sigma = DESIGN.predictors["mu"], DESIGN.predictors["sigma"]
    names = [[p.beta, *(f(p.block("h")) for f in (p.sd, p.b, p.corr))] for p in (mu, sigma)]
    assert names[0] == ["beta", "sd_h", "b_h", "corr_h"]
    assert not set(names[0]) & set(names[1])
    assert all("sigma" in name for name in names[1])
    assert mu.block("another") is None


def test_rows_taken_are_those_of_every_part():
    rows = np.array([4, 1])
    taken = DESIGN.mu.take(rows)
    np.testing.assert_array_equal(taken.centred_matrix, DESIGN.mu.centred_matrix[rows])
    np.testing.assert_array_equal(taken.offset, DESIGN.mu.offset[rows])
    np.testing.assert_array_equal(taken.block("h").index, DESIGN.mu.block("h").index[rows])
