"""The coordinates in which priors are stated lead back to the coefficients as written."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm

STREAM = np.random.default_rng(3)
TABLE = pd.DataFrame(
    {
        "y": STREAM.normal(size=72),
        "x": 0.5 + STREAM.normal(size=72),
        "f": np.resize(list("pqr"), 72),
        "g": np.repeat(list("abcdefgh"), 9),
    }
)
SLOPE, INTERCEPT = {"beta[x]": "Normal(0, 1)"}, {"beta[Intercept]": "Normal(0, 1)"}
STATED = {
    "y ~ x": (SLOPE, INTERCEPT),
    "y ~ x * f": (SLOPE, INTERCEPT),
    "y ~ 0 + f + x": (SLOPE,),
    "y ~ poly(x, 2)": (INTERCEPT,),
    "y ~ 0 + x": (SLOPE,),
    "y ~ f / x": (INTERCEPT,),
}
CASES = [(formula, priors) for formula, stated in STATED.items() for priors in ({}, *stated)]


@pytest.mark.parametrize(("formula", "priors"), CASES)
def test_predictors_are_the_same_in_stated_coordinates_and_as_written(formula, priors):
    written = bm.prepare(formula, TABLE).mu.population
    predictor = bm.prepare(formula, TABLE, priors=priors).mu
    stated = STREAM.normal(size=len(predictor.keys))
    as_written = predictor.transform @ stated
    np.testing.assert_allclose(predictor.centred_matrix @ stated, written.matrix @ as_written, atol=1e-9)
    np.testing.assert_allclose(predictor.inverse_transform @ as_written, stated, atol=1e-9)


def test_a_prior_of_the_user_is_on_the_coefficient_as_written():
    predictor = bm.prepare("y ~ x * f", TABLE, priors={"beta[x]": "Normal(0, 1)"}).mu
    place = predictor.keys.index("beta[x]")
    np.testing.assert_allclose(
        predictor.inverse_transform[place], np.array(predictor.population.labels) == "x", atol=1e-12
    )


def test_the_default_of_the_intercept_is_on_the_mean_over_rows():
    predictor = bm.prepare("y ~ x", TABLE).mu
    np.testing.assert_allclose(predictor.inverse_transform[0], [1.0, TABLE["x"].mean()], rtol=1e-12)


def test_a_prior_on_an_sd_puts_its_term_in_coordinates_as_written():
    default, stated = (
        bm.prepare("y ~ x + (x | g)", TABLE, priors=priors).mu.groups[0]
        for priors in ({}, {"sd_g[Intercept]": "HalfNormal(1)"})
    )
    np.testing.assert_allclose(stated.transform, np.eye(2))
    np.testing.assert_allclose(default.transform, [[1.0, -TABLE["x"].mean()], [0.0, 1.0]], atol=1e-12)
