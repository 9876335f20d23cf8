"""Correlated residuals against nlme: the log-likelihood at its estimates, and a fit under wide priors."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import classic, read_reference
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.cross_validation.log_densities import total_log_likelihood

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
REFERENCE = read_reference("repeated_measures")
MODELS = {
    "cs": "homcs(1 | Subject)",
    "us": "us(age | Subject)",
    "us_reml": "us(age | Subject)",
    "hetar1": "hetar1(age | Subject)",
    "ar1_order": "ar1(1 | Mare)",
    "ou": "ou(Time | Mare)",
    "intercept_ar1": "ar1(age | Subject)",
}


def children() -> pd.DataFrame:
    """Return distances in children at four ages; R's levels of Sex, Male first, as numbers."""
    data = classic("nlme", "Orthodont")
    return data.assign(girl=(data["Sex"] == "Female") * 1.0, boy=(data["Sex"] == "Male") * 1.0)


def mares() -> pd.DataFrame:
    """Return numbers of follicles of mares over their cycle."""
    data = classic("nlme", "Ovary").round({"Time": 4})
    turn = 2.0 * np.pi * data["Time"]
    return data.assign(s=np.sin(turn), c=np.cos(turn))


def design_of(name: str) -> bm.Design:
    """Return the design of a model of the reference, columns in R's order."""
    if name in ("ar1_order", "ou"):
        return bm.prepare("follicles ~ s + c", mares(), residual=MODELS[name])
    random = " + (1 | Subject)" if name == "intercept_ar1" else ""
    return bm.prepare(f"distance ~ boy * age{random}", children(), residual=MODELS[name])


def at_estimates(name: str, design: bm.Design) -> bm.Fit:
    """Return a fit all of whose draws are the estimates of nlme."""
    known = REFERENCE[name]
    values: dict[str, Any] = {"beta": known["beta"], "sigma": known["sigma"], "sd_Subject": known.get("sd")}
    if known["ratios"]:
        values["beta_sigma"] = np.log(known["sigma"] * np.array([1.0, *known["ratios"]]))
    if name.startswith("us"):
        corr = np.eye(4)
        corr[np.triu_indices(4, 1)] = known["correlation"]
        values["corr_residual"] = corr + corr.T - np.eye(4)
    else:
        values |= dict.fromkeys(("ar1_residual", "rho_residual", "range_residual"), known["correlation"][0])
    return fit_at(design, values)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "us_reml"])
def test_log_likelihood_at_the_estimates_is_that_of_nlme(name: str) -> None:
    design = design_of(name)
    fit = at_estimates(name, design)
    if name == "intercept_ar1":
        found = bm.log_likelihood(fit, integrate="Subject", draws=2).sum("Subject")
    else:
        found = total_log_likelihood(fit)
    assert float(found[0, 0]) == pytest.approx(REFERENCE[name]["loglik"], abs=1e-6)


@pytest.mark.parametrize("name", ["us", "ar1_order"])
def test_residuals_at_the_estimates_are_the_normalized_ones_of_nlme(name: str) -> None:
    found = bm.residuals(at_estimates(name, design_of(name)))["residual"]
    known = REFERENCE[name]["normalized"]  # resid(m, type = "normalized")[1:6]
    np.testing.assert_allclose(found[: len(known)], known, atol=1e-6)


@pytest.mark.parametrize("name", ["us", "hetar1", "ou", "cs"])
def test_the_pymc_model_has_the_same_density(name: str) -> None:
    design = design_of(name)
    model, values = bm.build(design), at_estimates(name, design).to_datatree(pymc=True)["posterior"]
    point = {variable.name: values[variable.name].values[0, 0] for variable in model.free_RVs}
    inner = {model.rvs_to_values[v].name: point[v.name] for v in model.free_RVs}
    for variable in model.free_RVs:
        transform = model.rvs_to_transforms[variable]
        if transform is not None:
            value = model.rvs_to_values[variable]
            inner[value.name] = transform.forward(point[variable.name], *variable.owner.inputs).eval()
    density = model.compile_logp(vars=model.observed_RVs, mode="FAST_COMPILE")
    assert float(density(inner)) == pytest.approx(REFERENCE[name]["loglik"], abs=1e-6)


@pytest.mark.slow
def test_a_fit_of_an_mmrm_agrees_with_reml() -> None:
    fit = bm.fit(
        "distance ~ boy * factor(age)",
        children(),
        residual="us(age | Subject)",
        priors={"beta": "Normal(0, 100)", "beta[Intercept]": "Normal(0, 100)"},
        chains=2,
        draws=1000,
        seed=1,
        progress=False,
    )
    known = REFERENCE["us_reml"]
    means = bm.population_effects(fit).loc[lambda rows: rows["term"] == "mu"]
    assert np.max(np.abs(means["mean"] - known["beta"]) / means["sd"]) < 0.3
    # REML's standard errors take the covariance as known.
    np.testing.assert_allclose(means["sd"] / known["se"], 1.12, atol=0.13)
    spread = bm.variance_components(fit).set_index("quantity")
    sds = known["sigma"] * np.array([1.0, *known["ratios"]])
    for quantity, numbers in (("sd", sds), ("correlation", known["correlation"])):
        rows = spread.loc[quantity]
        assert np.all((rows["lower"] < numbers) & (numbers < rows["upper"]))
