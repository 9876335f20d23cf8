"""The mode under priors against dense maximisation, and what the maximum likelihood is without them."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

import bayesmixed as bm
from bayesmixed.estimation.conditional_models import MarginalParameters
from bayesmixed.estimation.log_priors import LogPrior
from bayesmixed.estimation.term_columns import numerical_slopes

RNG = np.random.default_rng(8)
GROUP = np.repeat(np.arange(6), 5)
DATA = pd.DataFrame({"g": [f"g{k}" for k in GROUP], "x": RNG.normal(size=30)})
DATA["y"] = 1.0 + 0.5 * DATA["x"] + RNG.normal(size=6)[GROUP] + 0.7 * RNG.normal(size=30)
DATA["b"] = (DATA["y"] > 1.0).astype(int)
PRIORS = {"beta[Intercept]": "Normal(0, 2)", "beta[x]": "Normal(0, 0.3)", "sd_g": "HalfNormal(0.5)"}


def found_with(formula, priors, method="laplace", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(formula, DATA, priors=priors, **options)
        return bm.approximate(design, method=method, priors=True), bm.approximate(design, method=method)


def log_prior(beta, sd):
    return stats.norm(0, [2, 0.3]).logpdf(beta).sum() + stats.halfnorm(0, 0.5).logpdf(sd)


@pytest.mark.parametrize("method", ["laplace", "agq"])
def test_a_normal_model_has_the_mode_of_its_dense_density(method):
    found, _ = found_with("y ~ x + (1 | g)", PRIORS | {"sigma": "Exponential(1)"}, method)

    def minus(at):
        beta, sd, sigma = at[:2], np.exp(at[2]), np.exp(at[3])
        covariance = sigma**2 * np.eye(30) + sd**2 * (GROUP[:, None] == GROUP)
        likelihood = stats.multivariate_normal(beta[0] + beta[1] * DATA["x"], covariance).logpdf(DATA["y"])
        return -likelihood - log_prior(beta, sd) - stats.expon.logpdf(sigma)

    best = optimize.minimize(minus, [1.0, 0.3, -0.7, -0.3], tol=1e-12).x
    assert list(found.estimates.values()) == pytest.approx([*best[:2], *np.exp(best[2:])], rel=1e-4)
    assert found.log_likelihood == pytest.approx(
        -minus(best) - log_prior(best[:2], np.exp(best[2])) - stats.expon.logpdf(np.exp(best[3])), abs=1e-4
    )
    assert found.aic is None
    assert "mode under the priors" in " ".join(str(found).split())


def test_a_model_of_events_has_the_mode_of_its_quadrature():
    found, without = found_with("b ~ x + (1 | g)", PRIORS, "agq", family="bernoulli")
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)

    def minus(at):
        beta, sd = at[:2], np.exp(at[2])
        eta = (beta[0] + beta[1] * DATA["x"].to_numpy())[:, None] + sd * nodes
        rows = special.log_expit(np.where(DATA["b"].to_numpy()[:, None] == 1, eta, -eta))
        groups = np.array([rows[k == GROUP].sum(axis=0) for k in range(6)])
        integrals = special.logsumexp(groups, b=weights / np.sqrt(2 * np.pi), axis=1)
        return -integrals.sum() - log_prior(beta, sd)

    best = optimize.minimize(minus, [0.0, 0.3, -0.7], tol=1e-12).x
    assert list(found.estimates.values()) == pytest.approx([*best[:2], np.exp(best[2])], rel=1e-3)
    assert found.log_likelihood < without.log_likelihood
    assert abs(found.estimates["beta[x]"]) < abs(without.estimates["beta[x]"])


def test_flat_priors_give_the_maximum_likelihood():
    wide = {"beta[Intercept]": "Normal(0, 1e5)", "beta[x]": "Normal(0, 1e5)", "sd_g": "HalfNormal(1e5)"}
    found, without = found_with("y ~ x + (x | g)", wide | {"sigma": "HalfNormal(1e5)", "corr_g": "LKJ(1)"})
    for name, value in without.estimates.items():
        assert found.estimates[name] == pytest.approx(value, rel=1e-3)
    assert found.log_likelihood == pytest.approx(without.log_likelihood, abs=1e-6)


def test_a_prior_keeps_separated_coefficients_finite():
    data = DATA.assign(b=(DATA["x"] > 0).astype(int))
    found = bm.approximate("b ~ x + (1 | g)", data, family="bernoulli", priors=True)
    assert found.notes == ()
    assert 0.0 < found.estimates["beta[x]"] < 50.0
    assert found.standard_errors["beta[x]"] > 0.0


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("y ~ x + (x | g)", {"priors": {"corr_g": "LKJ(3)"}}),
        ("r ~ x + (1 | g)", {"family": "cumulative"}),
        ("n ~ x + (1 | g)", {"family": "negbin", "priors": {"1/sqrt(theta)": "Exponential(1)"}}),
    ],
)
def test_log_priors_are_the_compiled_ones_less_jacobians(formula, options):
    """Up to a constant: the compiled density of coordinates has the Jacobians of all variables."""
    from bayesmixed.kernels.joint.compiled import evaluate
    from bayesmixed.kernels.joint.packed_designs import pack

    data = DATA.assign(r=np.digitize(DATA["y"], [0.5, 1.5]) + 1, n=RNG.poisson(3, 30))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        parameters = MarginalParameters(bm.prepare(formula, data, **options))
    prior, layout, apart = LogPrior(parameters.layout), parameters.layout, []
    reads = {id(slots): (slots, slots.read) for slots in layout.slots if len(slots.own)}
    for name in layout.design.numbers:
        function, slots = layout.design.scalar_prior(name)[0], layout.scalars[name]
        reads[id(slots)] = slots, lambda points, on=function.forward, read=slots.read: on(read(points))
    for seed in (1, 2, 3):
        point = np.random.default_rng(seed).uniform(-0.5, 0.5, len(parameters.places))
        model, full = parameters.at(point), parameters.coordinates(point)
        rows = model.derivatives(model.eta)[:, 0].sum()
        whole = evaluate(pack(layout), full)[0] - rows
        slopes = [numerical_slopes(read, full, slots.own) for slots, read in reads.values()]
        apart.append(whole - prior(full[None])[0] - sum(np.linalg.slogdet(slope)[1] for slope in slopes))
    assert apart == pytest.approx([apart[0]] * 3, abs=1e-7)


@pytest.mark.parametrize("asked", [{"restricted": True}, {"method": "joint"}, {"method": "pql"}])
def test_what_has_no_priors_is_refused(asked):
    with pytest.raises(bm.SpecError, match="priors"):
        bm.approximate("y ~ x + (1 | g)", DATA, priors=True, **asked)
