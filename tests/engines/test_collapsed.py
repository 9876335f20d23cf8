"""The collapsed engine: what it refuses, and its posteriors."""

import re
import warnings

import numpy as np
import pytest
from conftest import classic, read_reference
from gaussian_models import prepared, table
from scipy import integrate, stats

import bayesmixed as bm
from bayesmixed.engines import choose, collapsed, proposal_weights
from bayesmixed.engines.collapsed import supports

EXACT = read_reference("exact_posteriors")["models"]


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("y ~ x + (1 | g)", {"family": "student"}, "family 'student' is neither Gaussian nor lognormal"),
        ("y ~ x + (1 | g)", {"link": "log"}, "link 'log' is not the identity"),
        ("y ~ x + (1 | g)", {"sigma": "~ x"}, "'sigma' has a predictor"),
        ("y ~ x", {"priors": {"beta[x]": "StudentT(3, 0, 1)"}}, "the prior StudentT(3, 0, 1) of 'beta[x]' is not normal"),
        ("y ~ x + (1 | g)", {"priors": {"sd_g": "Uniform(0, 5)"}}, "Uniform"),
        ("y ~ x", {"priors": {"sigma": 1.0}}, "every SD is fixed"),
    ],
)  # fmt: skip
def test_a_model_beyond_the_engine_is_refused_with_a_reason(formula, options, reason):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(bm.from_formula(formula, **options), table())
    assert reason in supports(design)
    assert choose(design)[0] != "collapsed"
    with pytest.raises(bm.SpecError, match="Engine 'collapsed' cannot sample this model"):
        choose(design, "collapsed")


def test_large_crossed_factors_are_left_to_the_kernel():
    i = np.arange(8000)
    data = {"y": np.sin(i), "a": i % 3511, "b": i % 3499}
    design = prepared("y ~ 1 + (1 | a) + (1 | b)", data)
    assert "coefficients remain" in supports(design)
    assert choose(design)[0] == "kernel"


@pytest.mark.slow
def test_a_fit_has_the_form_of_other_fits_and_is_reproducible():
    options = {"draws": 200, "tune": 300, "chains": 2, "seed": 3, "progress": False}
    design = prepared("y ~ x + (x | g) + (1 | h)", table())
    first, second = (bm.sample(design, **options) for _ in range(2))
    kernel = bm.sample(design, engine="kernel", **options)
    assert first.engine.name == "collapsed"
    assert first.posterior.equals(second.posterior)
    assert {n: (v.dims, v.shape) for n, v in first.posterior.data_vars.items()} == {
        n: (v.dims, v.shape) for n, v in kernel.posterior.data_vars.items()
    }
    assert set(first.draws["sample_stats"].data_vars) == set(kernel.draws["sample_stats"].data_vars)
    for name in first.posterior.coords:
        assert first.posterior.coords[name].equals(kernel.posterior.coords[name])


@pytest.mark.slow
def test_with_many_coefficients_independent_proposals_give_what_nuts_does_for_fewer_evaluations(monkeypatch):
    """An SD near 0 among them."""
    options = {"seed": 3, "progress": False, "engine": "collapsed"}
    i = np.arange(600)
    noise = np.random.default_rng(4)
    effects = noise.normal(size=60)[i * 7 % 60] + 0.7 * noise.normal(size=30)[i * 11 % 30]
    data = {"y": effects + noise.normal(size=600), "a": i * 7 % 60, "b": i * 11 % 30, "c": i % 8}
    design = prepared("y ~ 1 + (1 | a) + (1 | b) + (1 | c)", data)
    monkeypatch.setattr(collapsed, "MANY_REST", 30)
    found = bm.sample(design, **options)
    nuts = bm.sample(design, **options, target_accept=0.8)
    assert found.engine.decisions[1].startswith("independence sampling: 5,")
    assert "target acceptance" in nuts.engine.decisions[1]
    assert bm.diagnose(found).ok
    for name in ("sd_a", "sd_b", "sd_c", "sigma", "beta"):
        one, other = (fit.posterior[name].values.ravel() for fit in (found, nuts))
        assert abs(one.mean() - other.mean()) < 0.15 * other.std(), name
        assert one.std() == pytest.approx(other.std(), rel=0.1), name
        np.testing.assert_allclose(
            np.quantile(one, [0.05, 0.95]), np.quantile(other, [0.05, 0.95]), atol=0.25 * other.std()
        )
    again = bm.sample(design, **options, cores=1)
    assert again.posterior.equals(found.posterior)
    more = bm.extend(found, 200, progress=False)
    assert more.posterior.sizes["draw"] == 1200
    assert more.settings.target_accept == 0.0


@pytest.mark.slow
def test_proposals_that_are_no_good_are_left_for_nuts_and_the_reason_is_said(monkeypatch):
    monkeypatch.setattr(collapsed, "MANY_REST", 0)
    monkeypatch.setattr(proposal_weights, "SMALLEST_ACCEPTANCE", 1.1)
    fit = bm.sample(prepared("y ~ x + (1 | g)", table()), draws=100, tune=100, chains=2, seed=1, progress=False)
    assert "n_steps" in fit.draws["sample_stats"]
    assert re.fullmatch(
        r"independence sampling was left: acceptance 0\.\d\d of the proposals is below 1\.1", fit.engine.decisions[-1]
    )


@pytest.mark.slow
@pytest.mark.parametrize(("family", "moved"), [("gaussian", 0.0), ("gaussian", 1.0), ("lognormal", 1.0)])
def test_the_evidence_of_independent_proposals_is_the_density_of_the_data(family, moved, monkeypatch):
    """Averaged over the only SD that is not known, coefficients and effects by algebra."""
    monkeypatch.setattr(collapsed, "MANY_REST", 0)
    z, group = 3.0 + np.array([0.1, 0.5, 1.4, 0.9, -0.8, -0.2]), np.array(list("aabbcc"))
    priors = {"beta[Intercept]": "Normal(2, 1.5)", "sd_g": "HalfNormal(1)", "sigma": 0.6}
    away = np.array([4.0, -3.0, 7.0, 0.0, 2.0, -9.0]) * moved
    spec = bm.from_formula("y ~ 1 + offset(o) + (1 | g)", family=family, priors=priors)
    y = z + away if family == "gaussian" else np.exp(z + away)
    fit = bm.fit(spec, {"y": y, "g": group, "o": away}, engine="collapsed", seed=2, progress=False)

    def density(sd):
        covariance = sd**2 * (group[:, None] == group) + 0.36 * np.eye(6) + 2.25
        return stats.multivariate_normal(np.full(6, 2.0), covariance).pdf(z) * stats.halfnorm.pdf(sd)

    exact = np.log(integrate.quad(density, 0.0, 8.0)[0]) - (0.0 if family == "gaussian" else np.sum(z + away))
    row = bm.evidence(fit).table.loc["model"]
    assert row["log_evidence"] == pytest.approx(exact, abs=4.0 * row["mcse"])
    assert row["mcse"] < 0.02


QUADRATURE = {
    "dyestuff": ("Yield ~ 1 + (1 | Batch)", ("lme4", "Dyestuff"), {"sd_group": "sd_Batch"}),
    "rail": ("travel ~ 1 + (1 | Rail)", ("nlme", "Rail"), {"sd_group": "sd_Rail"}),
    "sleepstudy_int": (
        "Reaction ~ Days + (1 | Subject)",
        ("lme4", "sleepstudy"),
        {"sd_Intercept": "sd_Subject[Intercept]"},
    ),
    "sleepstudy_corr": (
        "Reaction ~ Days + (Days | Subject)",
        ("lme4", "sleepstudy"),
        {"sd_Intercept": "sd_Subject[Intercept]", "sd_Days": "sd_Subject[Days]", "cor": "corr_Subject"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", QUADRATURE)
def test_posteriors_are_those_of_quadrature(name):
    import arviz as az

    formula, data, names = QUADRATURE[name]
    exact = EXACT[name]
    keys = {"Intercept": "beta[Intercept]", "Days": "beta[Days]", "sigma": "sigma", **names}
    priors = {keys[k]: "LKJ(2)" if k == "cor" else text.split(" on ")[0] for k, text in exact["priors"].items()}
    fit = bm.fit(formula, classic(*data), priors=priors, draws=4000, seed=5, progress=False)
    assert fit.engine.name == "collapsed"
    for key in exact["posterior"]:
        if key not in keys:
            continue
        variable, _, label = keys[key].partition("[")
        values = fit.posterior[variable]
        if key == "cor":
            values = values[..., 0, 1]
        elif values.ndim > 2:
            values = values.sel({values.dims[-1]: label.rstrip("]") or "Intercept"})
        draws, truth = values.values, exact["posterior"][key]
        # Four Monte Carlo standard errors; the spread of an sd under heavy tails is wider than that of a normal.
        size = float(az.ess(draws))
        assert size > 3000
        assert abs(draws.mean() - truth["mean"]) < 4 * truth["sd"] / np.sqrt(size), key
        assert abs(np.median(draws) - truth["q50"]) < 5 * truth["sd"] / np.sqrt(size), key
        assert abs(draws.std() / truth["sd"] - 1) < 10 / np.sqrt(size), key
        for level in ("q5", "q95"):
            probability = float(level[1:]) / 100
            size = float(az.ess(draws, method="quantile", prob=probability))
            below = np.mean(draws < truth[level])
            assert abs(below - probability) < 4 * np.sqrt(0.05 * 0.95 / size), (key, level)
