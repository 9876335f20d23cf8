"""Whether statements about parameters have a posterior mean."""

import pytest
from fixed_draws import fit_at
from posterior_mean_fits import design_of, fit_of, no_means

import bayesmixed as bm


@pytest.mark.parametrize(
    ("text", "exists"),
    [
        ("theta", False),
        ("log(theta) > 1", True),
        ("1 / theta", True),
        ("sd_g", True),
        ("sd_g ** 2", True),
        ("sd_g ** 4", False),
        ("exp(sd_g)", False),
        ("1 / sd_g", False),
        ("exp(beta[x])", True),
        ("beta[x] / beta[Intercept]", False),
        ("exp(b_g[1])", False),
        ("b_g[1] - b_g[2] > 0", True),
        ("sd_g**2 / (sd_g**2 + 3.29)", True),
        ("expit(beta[Intercept] + b_g[1])", True),
        ("0 < theta < 9", False),
    ],
)
def test_statements_have_a_mean_where_what_they_are_made_of_has_one(text, exists):
    found = bm.hypothesis(fit_of("c", "negbin", theta=3.0), text)
    assert ("mean" in found.table) == exists
    assert ("Medians" in str(found)) != exists


def test_residual_scales_and_many_groups_keep_quotients_and_heavy_priors_finite():
    priors = {"sd_g": "HalfCauchy(1)"}
    fit = fit_at(design_of("y", "gaussian", priors), {"beta": [0.5, 0.1], "sd_g": 0.6, "sigma": 1.0}, 0.01)
    assert "mean" in bm.hypothesis(fit, ["sd_g / sigma", "sd_g**2 / (sd_g**2 + sigma**2)"]).table
    rates = fit_at(design_of("c", "poisson", priors), {"beta": [0.5, 0.1], "sd_g": 0.6}, 0.01)
    assert no_means(bm.hypothesis(rates, "sd_g").table)
