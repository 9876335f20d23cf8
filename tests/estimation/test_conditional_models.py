"""The model of the effects at a value of all other parameters, beside draws decoded from the same coordinates."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.estimation.conditional_models import MarginalParameters
from bayesmixed.kernels.joint.decoding import decode

STREAM = np.random.default_rng(4)
TABLE = pd.DataFrame(
    {"x": STREAM.normal(size=48), "g": np.repeat(list("abcdef"), 8), "h": np.tile(list("pqrstuvw"), 6)}
)
TABLE["y"] = STREAM.poisson(2.0, 48)


@pytest.fixture(scope="module")
def parameters():
    return MarginalParameters(bm.prepare("y ~ x + (x | g) + (1 | h)", TABLE, family="negbin"))


def test_predictors_are_those_of_the_decoded_coefficients_and_effects(parameters):
    point = 0.5 * STREAM.normal(size=len(parameters.places))
    model = parameters.at(point)
    full = parameters.coordinates(point)
    pattern, values, penalty = model.system(joint=False)
    np.testing.assert_array_equal(penalty, 1.0)
    effects = STREAM.normal(size=pattern.size)
    first = 0
    for term in parameters.layout.predictors["mu"].terms:
        full[term.effects] = effects[first : (first := first + term.effects.stop - term.effects.start)]
    found = {name: drawn[0] for name, (_, drawn) in decode(parameters.layout, full[None]).items()}
    g, h = pd.Categorical(TABLE["g"]).codes, pd.Categorical(TABLE["h"]).codes
    eta = found["beta"][0] + found["beta"][1] * TABLE["x"].to_numpy()
    np.testing.assert_allclose(model.eta, eta, rtol=1e-9)
    slopes = found["b_g"].reshape(6, 2)
    eta = eta + slopes[g, 0] + slopes[g, 1] * TABLE["x"].to_numpy() + found["b_h"].ravel()[h]
    np.testing.assert_allclose(model.eta + np.sum(values * effects[pattern.indices], axis=1), eta, rtol=1e-8)


def test_parameters_have_the_names_and_values_of_draws(parameters):
    point = 0.3 * STREAM.normal(size=len(parameters.places))
    named = parameters.named(point)
    assert set(named) == {
        *(
            "beta[Intercept]",
            "beta[x]",
            "sd_g[Intercept]",
            "sd_g[x]",
            "corr_g[Intercept, x]",
            "sd_h[Intercept]",
            "theta",
        )
    }
    found = {
        name: values[0] for name, (_, values) in decode(parameters.layout, parameters.coordinates(point)[None]).items()
    }
    assert named["theta"] == pytest.approx(float(found["theta"]))
    assert named["corr_g[Intercept, x]"] == pytest.approx(found["corr_g"][0, 1])
    assert np.count_nonzero(parameters.of_coefficients) == 2
