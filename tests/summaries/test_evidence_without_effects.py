"""Marginal likelihoods of models without effects against exact ones, from draws near the mode that are made up."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import changed, fit_at
from scipy import integrate, special, stats

import bayesmixed as bm
from bayesmixed.summaries.evidence_without_effects import has_no_effects, integrate_parameters

X = np.random.default_rng(1).normal(size=30) + 0.3
Y = 1.0 + X + np.random.default_rng(2).normal(size=30)


def fitted(spec, data, values, **spreads):
    """Return a fit whose draws are normal about values; only their mean and covariance matter."""
    generator = np.random.default_rng(3)
    noise = {
        name: lambda draws, sd=sd: draws + np.asarray(sd) * generator.standard_normal(draws.shape)
        for name, sd in spreads.items()
    }
    return changed(fit_at(bm.prepare(spec, data), values), **noise)


def agree(fit, expected):
    value, error = integrate_parameters(fit)
    assert error < 0.06
    assert value == pytest.approx(expected, abs=4 * error)


def test_a_normal_mean_with_priors_as_written_and_one_coefficient_that_is_fixed():
    priors = {"beta[Intercept]": "Normal(0, 3)", "beta[x]": "Normal(0, 2)", "sigma": 1.5}
    values, data = {"beta": [1.0, 1.0], "sigma": 1.5}, {"y": Y, "x": X}
    fit = fitted(bm.from_formula("y ~ x", priors=priors), data, values, beta=0.3)
    law = stats.multivariate_normal(np.zeros(30), 9.0 + 4.0 * np.outer(X, X) + 2.25 * np.eye(30))
    agree(fit, law.logpdf(Y))
    fixed = fitted(bm.from_formula("y ~ x", priors=priors | {"beta[x]": 1.1}), data, values, beta=[0.3, 0.0])
    fixed = changed(fixed, beta=lambda beta: beta + np.array([0.0, 0.1]))
    agree(fixed, stats.multivariate_normal(1.1 * X, 9.0 + 2.25 * np.eye(30)).logpdf(Y))


def test_default_priors_at_the_centre_and_a_free_sigma():
    fit = fitted("y ~ x", {"y": Y, "x": X}, {"beta": [1.0, 1.0], "sigma": 1.0}, beta=0.3, sigma=0.14)
    design = fit.design
    laws = [prior.arguments for prior in design.coefficient_priors(design.mu)]
    columns, middle = design.mu.centred_matrix, np.array([law[0] for law in laws])
    covariance = columns @ np.diag([law[1] ** 2 for law in laws]) @ columns.T
    prior = design.priors["sigma"].prior.frozen()

    def density(sigma):
        law = stats.multivariate_normal(columns @ middle, covariance + sigma**2 * np.eye(30))
        return np.exp(law.logpdf(Y) + 40.0) * prior.pdf(sigma)

    agree(fit, np.log(integrate.quad(density, 0.3, 4.0)[0]) - 40.0)


@pytest.mark.parametrize("prior", ["InducedDirichlet(2)", "Normal(0, 4)"])
def test_thresholds_of_ordered_categories(prior):
    counts = np.array([9, 22, 14])
    data = pd.DataFrame({"c": pd.Categorical(np.repeat(list("abc"), counts), list("abc"), ordered=True)})
    spec = bm.from_formula("c ~ 1", family="cumulative", priors={"threshold": prior})
    fit = fitted(spec, data, {"threshold": special.logit([0.2, 0.7])}, threshold=0.35)
    if prior.startswith("Induced"):
        concentration = np.full(3, 2.0)
        expected = special.gammaln(6.0) - special.gammaln(6.0 + counts.sum())
        expected += np.sum(special.gammaln(concentration + counts) - special.gammaln(concentration))
    else:
        cuts = np.linspace(-4.0, 4.0, 801)
        low, high = np.meshgrid(cuts, cuts, indexing="ij")
        shares = np.array([special.expit(low), special.expit(high) - special.expit(low), special.expit(-high)])
        logs = np.tensordot(counts, np.log(np.where(shares > 0.0, shares, 1e-300)), 1)
        logs += stats.norm(0, 4).logpdf(low) + stats.norm(0, 4).logpdf(high) + np.log(2.0)
        expected = special.logsumexp(logs[low < high]) + 2.0 * np.log(cuts[1] - cuts[0])
    agree(fit, expected)


def test_a_dispersion_whose_prior_is_one_of_a_function_of_it():
    y = np.random.default_rng(4).negative_binomial(3, 0.4, 40)
    fit = fitted(
        bm.from_formula("y ~ 1", family="negbin"),
        {"y": y},
        {"beta": np.log(y.mean()), "theta": 4.5},
        beta=0.12,
        theta=1.5,
    )
    design = fit.design
    function, prior = design.scalar_prior("theta")
    eta, v = np.meshgrid(np.linspace(0.0, 3.0, 301), np.linspace(1e-3, 4.0, 801), indexing="ij")
    values = {"mu": np.exp(eta), "theta": function.inverse(v)}
    logs = sum(design.family.logp(float(one), values, 1.0) for one in y)
    logs += design.coefficient_priors(design.mu)[0].frozen().logpdf(eta) + prior.frozen().logpdf(v)
    agree(fit, special.logsumexp(logs) + np.log(0.01 * (4.0 - 1e-3) / 800))


def test_rows_with_frequencies_count_as_often_as_they_say():
    priors = {"beta[Intercept]": "Normal(0, 3)", "sigma": 1.5}
    spec = bm.from_formula('y | weights(w, "frequency") ~ 1', priors=priors)
    fit = fitted(spec, {"y": [1.0, 2.0, 4.0], "w": [1, 3, 2]}, {"beta": 2.3, "sigma": 1.5}, beta=0.7)
    y = np.repeat([1.0, 2.0, 4.0], [1, 3, 2])
    agree(fit, stats.multivariate_normal(np.zeros(6), 9.0 + 2.25 * np.eye(6)).logpdf(y))


def test_models_with_effects_or_smooths_are_others():
    data = {"y": Y, "x": X, "g": np.repeat(list("abcdef"), 5)}
    assert [has_no_effects(bm.prepare(f, data)) for f in ("y ~ x", "y ~ (1 | g)", "y ~ s(x, k=4)")] == [
        True,
        False,
        False,
    ]


def test_bayes_factors_compare_a_model_without_groups_with_one_that_has_them():
    data = {"y": Y, "x": X}
    fits = {
        name: fitted(f, data, {"beta": b, "sigma": s}, beta=0.2, sigma=0.2)
        for name, f, b, s in (("a", "y ~ x", 1.0, 1.0), ("b", "y ~ 1", 3.0, 1.5))
    }
    table = bm.evidence(fits).table
    value, error = integrate_parameters(fits["a"])
    assert table.loc["a"].tolist()[:2] == [value, error]
    assert table["log_bayes_factor"].tolist()[0] == 0.0
