"""The law of one group's effects given all else, against quadrature and linear algebra."""

import numpy as np
import pytest
from conftest import CHECKS

from bayesmixed.design.row_likelihoods import RowLikelihood
from bayesmixed.families import FAMILIES
from bayesmixed.families.links import LINKS
from bayesmixed.integration.group_posteriors import (
    conditional_variance,
    scalar_shrinkage,
    shrinkage_factors,
    shrinkage_matrix,
)


def test_shrinkage_of_correlated_slopes_s1():
    given, expected = CHECKS["S1"]["inputs"], CHECKS["S1"]["expected"]
    sd, corr = np.array(given["sd"]), np.array([[1, given["corr"]], [given["corr"], 1]])
    covariance = sd[:, None] * corr * sd
    z = np.column_stack([np.ones(10), np.arange(10)])
    information = z.T @ z / given["sigma"] ** 2
    matrix = shrinkage_matrix(covariance, information)
    np.testing.assert_allclose(matrix, expected["Lambda"], atol=1e-8)
    assert np.trace(matrix) == pytest.approx(expected["trace_Lambda"], abs=1e-8)
    np.testing.assert_allclose(np.sort(np.linalg.eigvals(matrix)), expected["eigenvalues"], atol=1e-8)
    factors = shrinkage_factors(covariance, information)
    np.testing.assert_allclose(factors, expected["per_coefficient_1_minus_Var_over_prior"], atol=1e-8)


def test_factors_of_gaussian_groups_g1():
    expected = CHECKS["G1"]["expected"]
    information = np.array([3, 2, 4])[:, None, None] / 0.8**2
    np.testing.assert_allclose(
        shrinkage_factors(np.array([[1.44]]), information)[:, 0], expected["shrinkage_factor"], atol=1e-9
    )
    sd = np.sqrt(conditional_variance(np.array([[1.44]]), information))[:, 0, 0]
    np.testing.assert_allclose(sd, expected["conditional_sd_b"], atol=1e-9)


@pytest.mark.parametrize(
    ("name", "information", "values", "trials"),
    [
        ("poisson_mu3", ("poisson", "log"), {"mu": 3.0}, 1),
        ("binomial_n10_p02", ("binomial", "logit"), {"mu": 0.2}, 10),
        ("nb2_mu3_theta2", ("negbin", "log"), {"mu": 3.0, "theta": 2.0}, 1),
        ("gamma_log_shape3", ("gamma", "log"), {"mu": 0.7, "shape": 3.0}, 1),
        ("beta_logit_mu03_phi8", ("beta", "logit"), {"mu": 0.3, "phi": 8.0}, 1),
        ("beta_logit_mu005_phi2", ("beta", "logit"), {"mu": 0.05, "phi": 2.0}, 1),
        ("student_t_nu4_sigma1", ("student", "identity"), {"mu": 0.0, "sigma": 1.0, "nu": 4.0}, 1),
    ],
)
def test_information_about_the_predictor_h1(name, information, values, trials):
    family, link = FAMILIES[information[0]], LINKS[information[1]]
    values = {key: np.array(value) for key, value in values.items()}
    slope = link.derivative(link.forward(values["mu"]))
    assert float(family.information(values, trials) * slope**2) == pytest.approx(
        CHECKS["H1"]["expected"][name], abs=1e-6
    )


def test_factor_of_five_poisson_rows_h1():
    factor = shrinkage_factors(np.array([[0.25]]), np.array([[5 * 3.0]]))[0]
    assert factor == pytest.approx(CHECKS["H1"]["expected"]["lambda_poisson_5rows_mu3_sd05"], abs=1e-9)


@pytest.mark.parametrize(
    ("case", "successes", "rows", "intercept", "sd"),
    [("case1", 1, 1, 0.0, 1.0), ("case2", 3, 3, 0.0, 2.0), ("case3", 0, 4, -1.0, 3.0)],
)
def test_exact_factor_of_a_bernoulli_cluster_l1(case, successes, rows, intercept, sd):
    y = np.array([1.0] * successes + [0.0] * (rows - successes))
    likelihood = RowLikelihood(FAMILIES["bernoulli"], {"mu": LINKS["logit"]}, y, 1.0, {})
    others, index = np.full((2, rows), intercept), np.zeros(rows, dtype=int)
    factor = scalar_shrinkage(likelihood, others, np.ones(rows), index, np.array([sd, sd]))
    # The tolerance is that of 31 nodes against adaptive quadrature.
    np.testing.assert_allclose(factor[:, 0], CHECKS["L1"]["expected"][case]["lambda_exact"], atol=2e-5)


def test_quadrature_gives_the_closed_form_of_a_gaussian_response():
    generator = np.random.default_rng(3)
    index, z = np.array([0, 0, 1, 1, 1, 2]), generator.uniform(0.5, 2, 6)
    y, others = generator.normal(size=6), generator.normal(size=(3, 6))
    likelihood = RowLikelihood(FAMILIES["gaussian"], {"mu": LINKS["identity"]}, y, 1.0, {"sigma": np.full((3, 1), 0.7)})
    factor = scalar_shrinkage(likelihood, others, z, index, np.array([0.5, 1.0, 4.0]))
    weight = np.bincount(index, z**2) / 0.49
    tau2 = np.array([0.25, 1.0, 16.0])[:, None]
    np.testing.assert_allclose(factor, tau2 * weight / (1 + tau2 * weight), rtol=1e-10)


def test_a_zero_sd_means_complete_shrinkage():
    assert shrinkage_factors(np.zeros((1, 1)), np.array([[5.0]])) == 0
