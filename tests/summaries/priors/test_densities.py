"""Log prior densities of draws, in the coordinates in which priors are stated."""

import numpy as np
import pytest
from conftest import classic
from crossed_fits import crossed_fit, known
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.summaries.priors.densities import log_prior_densities

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def slopes_fit(**options):
    spec = bm.from_formula("Reaction ~ Days + (Days | Subject)", **options)
    values = {"beta": [250.0, 10.0], "sd_Subject": [24.0, 6.0], "corr_Subject": [[1, 0.2], [0.2, 1]], "sigma": 26.0}
    return fit_at(bm.prepare(spec, classic("lme4", "sleepstudy")), values)


def test_default_priors_are_evaluated_at_the_covariate_means():
    fit = slopes_fit()
    found = {key: float(value[0, 0]) for key, value in log_prior_densities(fit).items()}
    priors = {key: entry.prior for key, entry in fit.design.priors.items()}
    centre = np.array([[1.0, 4.5], [0.0, 1.0]])
    covariance = centre @ [[576.0, 28.8], [28.8, 36.0]] @ centre.T
    sd = np.sqrt(np.diag(covariance))
    rho = covariance[0, 1] / sd.prod()
    location, scale = priors["beta[Intercept_centred]"].arguments
    assert found["beta[Intercept_centred]"] == pytest.approx(stats.norm(location, scale).logpdf(295.0))
    assert found["beta[Days]"] == pytest.approx(stats.norm(0, priors["beta[Days]"].arguments[1]).logpdf(10.0))
    for k, label in enumerate(("Intercept", "Days")):
        unit = priors[f"sd_Subject[{label}]"].arguments[1]
        assert found[f"sd_Subject[{label}]"] == pytest.approx(np.log(2) + stats.t(4, 0, unit).logpdf(sd[k]))
    eta = priors["corr_Subject"].arguments[0]
    assert found["corr_Subject"] == pytest.approx((eta - 1) * np.log(1 - rho**2))
    assert set(found) == set(priors)


def test_priors_of_the_user_are_evaluated_as_written():
    given = {"beta[Intercept]": "Normal(250, 50)", "sd_Subject[Days]": "HalfNormal(5)", "sigma": 26.0}
    found = {key: float(value[0, 0]) for key, value in log_prior_densities(slopes_fit(priors=given)).items()}
    assert found["beta[Intercept]"] == pytest.approx(stats.norm(250, 50).logpdf(250.0))
    assert found["sd_Subject[Days]"] == pytest.approx(stats.halfnorm(scale=5).logpdf(6.0))
    assert "sigma" not in found


@pytest.mark.parametrize("name", known)
def test_every_family_has_its_prior_densities_and_sensitivities(name):
    fit = crossed_fit(name)
    densities = log_prior_densities(fit)
    assert set(densities) == set(fit.design.priors)
    assert all(np.isfinite(value).all() for value in densities.values())
