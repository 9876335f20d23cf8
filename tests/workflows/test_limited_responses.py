"""Censored and truncated responses from the formula to what follows from a fit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from pymc_agreement import made_up_fit, rows_for
from scipy import integrate, stats

import bayesmixed as bm
from bayesmixed.engines import ENGINES
from bayesmixed.errors import DataError, SpecError
from bayesmixed.families import FAMILIES
from bayesmixed.model.pymc_models import build

STATUS = ["none", "right", "left", "interval"]


def some_rows(family):
    """Return rows with all kinds of censoring, and bounds around all responses."""
    data = rows_for(FAMILIES[family])
    status = np.array(STATUS)[np.arange(len(data)) % 4]
    return data.assign(s=status, u=data["y"] * 1.5 + 3.0, top=np.ceil(data["y"].max() + 5.0))


def limited_fit(family, left="y | cens(s, u)", **options):
    data = some_rows(family)
    return made_up_fit(f"{left} ~ x + (1 | g)", family, data=data, **options)


def kidney():
    """Return the infections of McGilchrist & Aisbett (1991, Biometrics 47:461), `kidney` of R's package survival."""
    data = pd.read_csv(Path(__file__).parents[1] / "reference" / "kidney.csv", dtype={"id": str})
    return data.assign(a=data["age"] / 10, censored=1 - data["status"])


INFECTIONS = "time | cens(censored) ~ a + female + (1 | id)"


@pytest.mark.parametrize("family", ["weibull", "poisson"])
@pytest.mark.parametrize(
    "left", ["y | cens(s, u)", "y | trunc(lower=-99, upper=top)", "y | cens(s, u) + trunc(-99, top)"]
)
def test_the_pymc_model_has_the_likelihood_of_the_record(family, left):
    parameters = {p.name: 0.7 for p in FAMILIES[family].parameters[1:]}
    design = limited_fit(family, left, priors=parameters).design
    model = build(design)
    rows = model.compile_logp(vars=model.observed_RVs, sum=False, jacobian=False, mode="FAST_COMPILE")
    point = model.initial_point()
    for name in point:
        point[name] = np.full_like(point[name], 0.1)
    (found,) = rows(point)
    matrix = design.mu.centred_matrix if not design.mu.as_written else design.mu.population.matrix
    eta = matrix @ np.full(matrix.shape[1], 0.1) + 0.1
    values = design.in_rows({**parameters, "mu": design.mu.link.inverse(eta)})
    np.testing.assert_allclose(found, design.family.logp(np.asarray(design.response), values, 1.0), rtol=1e-8)


def test_the_log_likelihood_of_rows_is_that_of_scipy():
    fit = limited_fit("gaussian")
    found = bm.log_likelihood(fit).values[0, 3]
    mu = bm.predict(fit, kind="mu")["mu"].values[0, 3]
    there, data = stats.norm(mu, fit.posterior["sigma"].values[0, 3]), some_rows("gaussian")
    y, upper = data["y"], data["u"]
    expected = [there.logpdf(y), there.logsf(y), there.logcdf(y), np.log(there.cdf(upper) - there.cdf(y))]
    np.testing.assert_allclose(found, np.choose(np.arange(len(y)) % 4, expected), rtol=1e-8)


def test_residuals_are_uniform_within_the_limits():
    table = bm.residuals(limited_fit("gaussian"))
    right, left, known = table.iloc[1::4], table.iloc[2::4], table.iloc[0::4]
    assert np.allclose(right["upper"], 1.0)
    assert np.allclose(left["lower"], 0.0)
    assert np.allclose(known["upper"], known["lower"])
    assert table["pit"].between(table["lower"], table["upper"]).all()


def test_predictions_say_what_they_are_of():
    fit = limited_fit("weibull", "y | cens(s, u) + trunc(lower=0, upper=top)")
    assert bm.predict(fit).attrs["estimand"].startswith("expected y before it is censored or truncated")
    drawn = bm.predict(fit, kind="response", seed=1)
    assert "before it is censored, given that it is between 0 and top" in drawn.attrs["estimand"]
    assert drawn["response"].values.max() <= some_rows("weibull")["top"].max()
    rows = {"x": [1.0], "g": ["1"]}
    assert bm.predict(fit, rows)["mean"].shape[-1] == 1
    with pytest.raises(DataError, match=r"needs the columns of trunc.0, top."):
        bm.predict(fit, rows, kind="response")
    with_bound = bm.predict(fit, {**rows, "top": [0.01]}, kind="response", seed=1)["response"]
    assert with_bound.max() <= 0.01


def test_replicates_are_censored_where_all_rows_have_the_same_limit():
    data = rows_for(FAMILIES["weibull"])
    limit = float(np.quantile(data["y"], 0.7))
    capped = data.assign(y=np.minimum(data["y"], limit), s=data["y"] > limit)
    fit = made_up_fit("y | cens(s) ~ x + (1 | g)", "weibull", data=capped)
    made = bm.posterior_predictive(fit, seed=1)
    assert made["y"].values.max() > limit
    assert "before it is censored" in made.attrs["estimand"]
    checks = bm.posterior_checks(fit, seed=1).table.set_index("statistic")
    assert checks.loc["maximum", "observed"] == checks.loc["maximum", "upper"] == limit
    expected = bm.prior_predictive("y | cens(s) ~ x + (1 | g)", capped, family="weibull", draws=50, seed=1)
    assert expected.replicates.max() == limit


def test_replicates_with_other_limits_are_refused_with_what_to_do():
    fit = limited_fit("weibull", "y | cens(s, u)")
    for call in (bm.posterior_checks, bm.plot_posterior_checks):
        with pytest.raises(SpecError, match=r"6 right-censored.*bm.check_residuals"):
            call(fit)
    with pytest.raises(SpecError, match="would be censored"):
        bm.half_normal(fit, level="g")
    assert bm.check_residuals(fit)["p"].between(0.0, 1.0).all()
    priors = bm.prior_predictive(
        "y | cens(s, u) ~ x + (1 | g)", some_rows("weibull"), family="weibull", draws=50, seed=1
    )
    assert "not censored" in priors.notes[-1]
    with pytest.raises(SpecError, match="need responses that are known"):
        bm.plot_posterior_checks(limited_fit("poisson"), kind="mean_variance")


@pytest.mark.parametrize(("family", "able"), [("gaussian", ("kernel", "pymc")), ("exgaussian", ("pymc",))])
def test_compiled_engines_say_what_they_cannot(family, able):
    reasons = {name: engine.supports(limited_fit(family).design) for name, engine in ENGINES.items()}
    assert tuple(name for name, reason in reasons.items() if reason is None) == able
    assert all("censored" in reason for reason in reasons.values() if reason)


def test_a_stored_fit_is_read_back_with_its_limits(tmp_path):
    fit = limited_fit("gaussian", "y | cens(s, u) + trunc(-99, top)")
    bm.save_fit(fit, tmp_path / "fit.nc")
    again = bm.load_fit(tmp_path / "fit.nc")
    np.testing.assert_array_equal(again.design.observed.limits, fit.design.observed.limits)
    np.testing.assert_array_equal(bm.log_likelihood(again), bm.log_likelihood(fit))


def test_probabilities_of_censored_rows_are_not_compared_with_densities():
    data = some_rows("lognormal").assign(s=["right", *["none"] * 23], r="none")
    data["y"] = data["y"] + 1.0
    made = {}
    for name, (formula, family) in {
        "lognormal": ("y | cens(s) ~ x", "lognormal"),
        "normal logarithm": ("log(y) | cens(s) ~ x", "gaussian"),
        "whole": ("y ~ x", "lognormal"),
        "others": ("y | cens(r) ~ x", "lognormal"),
    }.items():
        rows = data.assign(r=["none", "right", *["none"] * 22])
        made[name] = fit_at(bm.prepare(formula, rows, family=family), {"sigma": 0.7}, jitter=1e-3)
    same = bm.compare_models({name: made[name] for name in ("lognormal", "normal logarithm")}, unit="observation")
    assert abs(same.table["elpd_diff"]).max() < 0.1, "one model in two ways, a censored row included"
    for other in ("whole", "others"):
        with pytest.raises(SpecError, match="do not have the same censored rows"):
            bm.compare_models({"lognormal": made["lognormal"], other: made[other]}, unit="observation")


def test_partial_residuals_of_unknown_responses_are_refused():
    with pytest.raises(SpecError, match="censored or truncated"):
        bm.plot_conditional_effects(limited_fit("gaussian"), "x", data="partial")


def test_weights_multiply_censored_rows():
    data = some_rows("gaussian")
    weighted = bm.prepare('y | weights(w, "frequency") + cens(s, u) ~ x', data)
    written = bm.prepare("y | cens(s, u) ~ x", data.loc[data.index.repeat(data["w"].astype(int))])
    assert weighted.priors == written.priors
    ends = [list(bm.approximate(one, method="laplace").estimates.values()) for one in (weighted, written)]
    np.testing.assert_allclose(*ends, rtol=1e-5)


def test_infections_have_the_maximum_of_r():
    """R 4.2: optim(BFGS) of the sum over patients of log integrate(prod f(time | v) dnorm(v), -8, 8), for id + time."""
    found = bm.approximate(INFECTIONS, kidney(), family="weibull", method="agq", points=25)
    assert found.log_likelihood == pytest.approx(-333.030184, abs=1e-4)
    np.testing.assert_allclose(
        list(found.estimates.values()), [3.863880, -0.050607, 1.382920, 0.653745, 1.177564], rtol=2e-4, atol=2e-5
    )


def test_models_without_groups_have_the_maximum_of_survreg():
    """R 4.2, survival: survreg(Surv(time, status) ~ a + female, kidney), and the tobit model of help(tobin)."""
    found = bm.approximate("time | cens(censored) ~ a + female", kidney(), family="weibull", method="laplace")
    assert found.log_likelihood == pytest.approx(-336.5542, abs=1e-4)
    estimates = np.array(list(found.estimates.values()))
    np.testing.assert_allclose(estimates[1:], [-0.04034199, 0.96548364, 1.0 / np.exp(0.09832331)], rtol=1e-3)
    durable = [0, 0.7, 0, 0, 0, 0, 0, 3.7, 0, 3, 10.4, 0, 0, 0, 1.5, 0, 0, 3.5, 6.1, 0]
    age = [
        57.7,
        50.9,
        48.5,
        41.7,
        47.7,
        59.8,
        44.3,
        45.1,
        51.7,
        50,
        46.8,
        58,
        58.9,
        40,
        34.1,
        39.9,
        33.4,
        48.1,
        46.6,
        53.1,
    ]
    quant = [236, 283, 207, 220, 238, 216, 284, 221, 275, 269, 207, 249, 246, 277, 231, 219, 240, 266, 214, 251]
    tobin = pd.DataFrame({"durable": durable, "age": age, "quant": quant})
    found = bm.approximate(
        "durable | cens(s) ~ age + quant", tobin.assign(s=-(tobin["durable"] == 0).astype(int)), method="laplace"
    )
    assert found.log_likelihood == pytest.approx(-28.940133, abs=1e-5)
    np.testing.assert_allclose(
        list(found.estimates.values()), [15.144866361, -0.129059284, -0.045541663, 5.5725398], rtol=1e-3
    )


@pytest.mark.slow
def test_a_small_posterior_is_that_of_quadrature():
    """Mean of normal responses seen only above 0, two of them censored, sigma known."""
    y, status = [0.3, 0.9, 1.6, 0.2, 2.0, 1.5, 0.6], ["none", "none", "right", "none", "right", "none", "none"]
    fit = bm.fit(
        "y | cens(s) + trunc(lower=0) ~ 1",
        pd.DataFrame({"y": y, "s": status}),
        priors={"beta[Intercept]": "Normal(0, 2)", "sigma": 1.0},
        seed=1,
        chains=2,
        progress=False,
    )

    def density(mu):
        logs = [
            stats.norm.logpdf(v, mu) if s == "none" else stats.norm.logsf(v, mu) for v, s in zip(y, status, strict=True)
        ]
        return np.exp(sum(logs) - len(y) * stats.norm.logsf(0.0, mu) + stats.norm.logpdf(mu, 0.0, 2.0) + 10.0)

    whole, first, second = (integrate.quad(lambda mu, k=k: mu**k * density(mu), -10, 6)[0] for k in range(3))
    draws = fit.posterior["beta"].values.ravel()
    sd = np.sqrt(second / whole - (first / whole) ** 2)
    assert draws.mean() == pytest.approx(first / whole, abs=0.15 * sd)
    assert draws.std() == pytest.approx(sd, rel=0.1)


@pytest.mark.calibration
def test_the_posterior_of_infections_lies_around_the_maximum():
    """Maximum as above; coxph(... + frailty.gaussian(id)) has female -1.41 (0.45), that is -shape times the one here."""
    fit = bm.fit(INFECTIONS, kidney(), family="weibull", seed=1, progress=False)
    found = fit.posterior
    hazard = -(found["beta"].sel(beta_effect="female") * found["shape"])
    assert float(found["beta"].sel(beta_effect="female").mean()) == pytest.approx(1.383, abs=0.2)
    assert float(hazard.mean()) == pytest.approx(-1.41, abs=0.3)
    assert float(hazard.std()) == pytest.approx(0.45, rel=0.3)
