"""The quick mode: Laplace's approximation that starts the sampler."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.approximation import quick_mode

COUNTS = pd.DataFrame({"y": [1, 2, 3, 1, 0, 4] * 3, "x": np.arange(18.0)})


@pytest.mark.parametrize("formula", ["y ~ 1", "y ~ x", "y ~ 0 + x"])
def test_a_model_without_groups_has_the_curvature_of_its_log_posterior(formula):
    design = bm.prepare(bm.from_formula(formula, family="poisson"), COUNTS)
    mode, matrix = quick_mode(design), design.mu.centred_matrix
    scales = [design.priors[key].prior.arguments[1] for key in design.priors if key.startswith("beta")]
    mean = np.exp(matrix @ mode.beta)
    precision = matrix.T @ (mean[:, None] * matrix) + np.diag(1.0 / np.square(scales))
    np.testing.assert_allclose(mode.covariance, np.linalg.inv(precision), rtol=1e-3)
