"""Coordinates of draws are those from which the draws are decoded."""

import numpy as np
from coordinate_models import each_model, laid_out

from bayesmixed.cross_validation.encoding import encode
from bayesmixed.kernels.joint.decoding import as_posterior


@each_model
def test_draws_go_to_coordinates_and_back(formula, family, further):
    layout = laid_out(formula, family, further)
    points = np.random.default_rng(1).normal(0, 0.5, (2, 3, layout.dimension))
    draws = as_posterior(layout, points.copy())
    np.testing.assert_allclose(encode(layout, draws), points, atol=1e-8)
