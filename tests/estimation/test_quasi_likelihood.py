"""The mode of penalised quasi-likelihood, from which the sampler starts."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic, read_reference

import bayesmixed as bm
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode

(CHECK,) = (check for check in read_reference("sharp_checks")["checks"] if check["id"] == "J1")
COUNTS = pd.DataFrame({"y": [1, 2, 3, 1, 0, 4] * 3, "x": np.arange(18.0)})


@pytest.mark.parametrize("formula", ["y ~ 1", "y ~ x", "y ~ 0 + x"])
def test_a_model_without_groups_has_the_curvature_of_its_log_posterior(formula):
    design = bm.prepare(bm.from_formula(formula, family="poisson"), COUNTS)
    mode, matrix = quasi_likelihood_mode(design), design.mu.centred_matrix
    scales = [design.priors[key].prior.arguments[1] for key in design.priors if key.startswith("beta")]
    mean = np.exp(matrix @ mode.beta)
    precision = matrix.T @ (mean[:, None] * matrix) + np.diag(1.0 / np.square(scales))
    np.testing.assert_allclose(mode.covariance, np.linalg.inv(precision), rtol=1e-3)


def many_counts(groups, others=1):
    """Return 5 counts in each of many groups, crossed with another factor, with an SD of 0.7 between groups."""
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(groups), 5)
    y = rng.poisson(np.exp(1.0 + 0.7 * rng.normal(size=groups)[group]))
    return pd.DataFrame({"y": y, "g": group, "h": np.arange(group.size) * 7919 % others})


def test_a_factor_of_thousands_of_levels_has_a_mode_near_the_truth():
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | g)", family="poisson"), many_counts(6000))
    mode = quasi_likelihood_mode(design)
    assert mode.sds["g"][0] == pytest.approx(0.7, abs=0.03)
    assert mode.beta[0] == pytest.approx(1.0, abs=0.1)
    # What the rows of a level say of its effect is the sum of their means.
    means = np.exp(mode.beta[0] + mode.effects["g"][:, 0])
    assert mode.precisions["g"][:, 0, 0] == pytest.approx(5 * means, rel=1e-3)


def test_two_factors_of_thousands_of_levels_have_none():
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | g) + (1 | h)", family="poisson"), many_counts(3000, 2500))
    assert quasi_likelihood_mode(design) is None


def test_the_sd_of_herds_is_near_that_which_maximises_the_marginal_density_of_laplace():
    priors = {"beta[Intercept]": "Normal(0, 2.5)", "sd_herd": "HalfStudentT(4, 1)"}
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial", priors=priors)
    mode = quasi_likelihood_mode(bm.prepare(spec, classic("lme4", "cbpp").astype({"herd": str})))
    assert mode.sds["herd"][0] == pytest.approx(CHECK["expected"]["sd_at_laplace_marginal_mode_no_prior"], rel=0.15)
