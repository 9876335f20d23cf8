"""Densities and distribution functions of single rows."""

import numpy as np
from fixed_draws import fit_at
from scipy import stats
from unit_tables import ROWS, design_of

from bayesmixed.cross_validation.left_out_units import condition
from bayesmixed.cross_validation.row_densities import distribution_at, row_logs, row_values


def test_some_rows_have_the_densities_and_distributions_of_the_family():
    design = design_of("count ~ x + (1 | g)", "poisson")
    effects = [[0.3], [-0.2], [0.1]]
    posterior = fit_at(design, {"beta": [0.4, 0.3], "sd_g": 0.5, "b_g": effects}).posterior.isel(chain=[0], draw=[0])
    rows, y = np.array([20, 3, 9]), ROWS["count"].to_numpy(dtype=float)
    units_out = condition(design, posterior, rows)
    mean = np.exp(0.4 + 0.3 * ROWS["x"][rows] + np.array([0.1, 0.3, -0.2])).to_numpy()
    np.testing.assert_allclose(row_logs(units_out)(units_out.etas)[0], stats.poisson.logpmf(y[rows], mean))
    np.testing.assert_allclose(row_values(units_out, units_out.etas)["mu"][0], mean)
    found = distribution_at(units_out, np.stack([y, y - 1.0]), np.arange(3))(units_out.etas)
    np.testing.assert_allclose(found[:, 0], stats.poisson.cdf([y[rows], y[rows] - 1.0], mean))
