"""Effects that leave with units, and what is known of the rows without them."""

import numpy as np
import pytest
from fixed_draws import fit_at
from scipy import stats
from unit_tables import ROWS, design_of

import bayesmixed as bm
from bayesmixed.cross_validation.left_out_units import situate
from bayesmixed.cross_validation.marginal_densities import unit_logs
from bayesmixed.cross_validation.units import find_units
from bayesmixed.summaries.pooling.level_priors import state_level_priors


def test_a_level_that_only_one_unit_has_leaves_with_it():
    data = ROWS.assign(k=np.where(np.arange(24) == 3, "only", ROWS["k"]), g=np.repeat(["ga", "gq", "gz"], 8))
    design = design_of("y ~ 1 + (1 | g) + (1 | k)", "gaussian", data)
    values = {"beta": 0.0, "sigma": 0.4, "sd_g": 0.7, "sd_k": 0.9, "b_k": [[9.0], [0.2], [-0.1]]}
    posterior = fit_at(design, values).posterior.isel(chain=[0], draw=[0])
    found = unit_logs(situate(design, posterior, find_units(design, "g")))[0, 0]
    own = data.iloc[:8]
    mean = own["k"].map({"only": 0.0, "p": 0.2, "q": -0.1}).to_numpy()
    covariance = 0.49 + 0.16 * np.eye(8) + 0.81 * np.outer(own["k"] == "only", own["k"] == "only")
    assert found == pytest.approx(stats.multivariate_normal(mean, covariance).logpdf(own["y"]), abs=1e-9)


def test_coefficients_of_a_model_without_pooling_leave_with_their_group():
    spec = state_level_priors(bm.from_formula("y ~ k + (1 | g)").as_fixed("g"), ("g",), ROWS)
    design = bm.prepare(spec, ROWS)
    prior = design.priors["beta[g[a]_centred]"].prior.arguments
    posterior = fit_at(design, {"beta": [5.0, 6.0, 7.0, -0.5], "sigma": 0.4}).posterior.isel(chain=[0], draw=[0])
    found = unit_logs(situate(design, posterior, find_units(design, "g")))[0, 0]
    is_q = ROWS["k"] == "q"
    covariance, mean = prior[1] ** 2 + 0.16 * np.eye(8), prior[0] - 0.5 * (is_q[:8] - is_q.mean())
    expected = stats.multivariate_normal(mean, covariance).logpdf(ROWS["y"][:8])
    assert found == pytest.approx(expected, abs=1e-8)


def test_levels_whose_default_prior_pools_them_do_not_leave_with_their_group():
    design = design_of("y ~ 0 + g", "gaussian")
    posterior = fit_at(design, {"beta": [0.3, 0.1, -0.2], "sigma": 0.4}).posterior.isel(chain=[0], draw=[0])
    found = unit_logs(situate(design, posterior, find_units(design, "g")))[0, 0]
    assert found == pytest.approx(stats.norm(0.3, 0.4).logpdf(ROWS["y"][:8]).sum())
