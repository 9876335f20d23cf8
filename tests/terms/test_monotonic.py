"""Ordered predictors: formulas, columns, the model against one written by hand, and answers in terms of levels."""

import numpy as np
import pandas as pd
import pytest
from model_densities import log_density
from ordered_rows import LEVELS, STEPS, fitted, table
from scipy import stats

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError
from bayesmixed.spec.parsing import parse_terms


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("mo(x)", None),
        ("mo(`a b`)", None),
        ('mo(x, shares=[2, 1, 1], levels=["a", "b", "c", "d"])', None),
        ("mo( x , shares = 2 )", "mo(x, shares=2)"),
    ],
)
def test_formulas_are_read_and_written(text, written):
    (_, term) = parse_terms(text)
    assert str(term) == (written or text)
    assert parse_terms(str(term))[1] == term


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mo(x):z", "is a term of its own"),
        ("mo(x)*z", "is a term of its own"),
        ("(mo(x) | g)", "is a term of its own"),
        ("mo(x, z)", "has one column"),
        ("mo(log(x))", "is not a column name|one column"),
        ("mo(x, k=3)", "option 'k' is not known"),
        ("mo(x, shares=a)", "shares are numbers"),
        ("mo(x, shares=0)", "above 0"),
        ('mo(x, levels=["a", "a"])', "each once"),
    ],
)
def test_other_calls_are_refused(text, said):
    with pytest.raises(SpecError, match=said):
        parse_terms(text)


@pytest.mark.parametrize("formula", ["mo(x)", "mo(code)", 'mo(text, levels=["none", "low", "mid", "high"])'])
def test_steps_are_those_to_the_next_level(formula):
    design = bm.prepare(f"y ~ {formula}", table())
    code = table()["code"].to_numpy() - 3
    assert np.array_equal(design.mu.population.matrix[:, 1:], (code[:, None] >= [1, 2, 3]).astype(float))
    again = bm.prepare(design.spec, table().iloc[[2]], like=design)
    assert np.array_equal(again.mu.population.matrix[0], [1, 1, 1, 0])


@pytest.mark.parametrize(
    ("formula", "change", "said"),
    [
        ("mo(text)", {}, "have no order"),
        ("mo(z)", {}, "whole ones"),
        ("mo(x)", {"x": "low"}, "no order|one level"),
        ('mo(text, levels=["none", "low", "mid"])', {}, "holds 'high', not among"),
        ("mo(code, shares=[1, 2])", {}, "2 shares for 3 steps"),
        ("mo(x) + x", {}, "collinear|coefficients"),
        ("mo(x) + mo(x)", {}, "occurs twice"),
    ],
)
def test_predictors_without_an_order_are_refused(formula, change, said):
    with pytest.raises((DataError, SpecError), match=said):
        bm.prepare(f"y ~ {formula}", table().assign(**change))


def test_new_values_are_refused():
    design = bm.prepare("y ~ mo(code)", table())
    with pytest.raises(DataError, match="holds '9', not among the levels of the fit, '3', '4', '5', '6'"):
        bm.prepare(design.spec, table().assign(code=9), like=design)


def test_levels_that_no_row_has_have_no_step():
    data = table()
    design = bm.prepare("y ~ mo(x)", data[data["x"] != "low"])
    assert design.mu.population.labels == ("Intercept", "mo(x)[mid]", "mo(x)[high]")


def test_the_pymc_model_is_the_one_written_by_hand():
    priors = {
        "beta": "Normal(0, 1)",
        "beta[Intercept]": "Normal(0, 2)",
        "sigma": 1.3,
        "beta[mo(x)]": "StudentT(4, 1, 2)",
    }
    data = table()
    design = bm.prepare("y ~ z + mo(x, shares=[2, 1, 3])", data, priors=priors)
    model, code = bm.build(design), data["code"].to_numpy() - 3
    rng, differences = np.random.default_rng(1), []
    names = {name: f"beta_{name}_mo(x)" for name in ("average", "shares")}
    for _ in range(3):
        beta, average, shares = rng.normal(size=2), rng.normal(), rng.dirichlet([1, 1, 1])
        free = {"beta_0": beta[0], "beta_1": beta[1], names["average"]: average, names["shares"]: shares}
        value = log_density(model, free)
        steps = np.concatenate([[0.0], np.cumsum(3 * average * shares)])
        eta = beta[0] + beta[1] * data["z"] + steps[code]
        expected = stats.norm(eta, 1.3).logpdf(data["y"]).sum() + stats.norm([0, 0], [2, 1]).logpdf(beta).sum()
        expected += stats.t(4, 1, 2).logpdf(average) + stats.dirichlet([2, 1, 3]).logpdf(shares)
        differences.append(value - expected)
    assert np.allclose(differences, 0.0, atol=1e-8)


def test_the_average_step_has_the_prior_of_a_slope_on_the_numbers_of_the_levels():
    data = table()
    steps, slope = bm.prepare("y ~ mo(code)", data), bm.prepare("y ~ code", data)
    prior = steps.priors["beta[mo(code)[4]]"].prior
    assert str(slope.priors["beta[code]"].prior) in str(prior)
    moved = bm.prepare("y ~ mo(code)", data.assign(code=data["code"] + 100))
    assert str(moved.priors["beta[mo(code)[104]]"].prior) == str(prior)


@pytest.mark.parametrize(
    ("priors", "said"),
    [
        ({"beta[mo(x)[low]]": "Normal(0, 1)"}, "State that of the average"),
        ({"beta[mo(x)]": 0.5}, "cannot be fixed"),
        ({"coefficients": "Horseshoe(relevant=1)"}, "joint prior of all coefficients"),
        ({"beta[mo(w)]": "Normal(0, 1)"}, "no such parameter"),
    ],
)
def test_priors_that_steps_cannot_have_are_refused(priors, said):
    with pytest.raises(SpecError, match=said):
        bm.prepare("y ~ z + mo(x)", table(), priors=priors)


def test_contrasts_are_sums_of_steps():
    fit = fitted()
    means = bm.marginal_means(fit, "x").table["mean"].to_numpy()
    assert np.allclose(means - means[0], [0.0, *np.cumsum(STEPS)])
    found = bm.comparisons(fit, "x").table["mean"].to_numpy()
    assert np.allclose(found, np.cumsum(STEPS))
    numbers = fitted("y ~ z + mo(code) + (1 | g)")
    assert np.allclose(
        bm.marginal_means(numbers, "code").table["mean"].to_numpy()[-1] - means[0], STEPS.sum(), atol=0.5
    )
    with pytest.raises(SpecError, match="has no slope"):
        bm.slopes(numbers, "code")


def test_maximum_likelihood_and_compiled_engines_say_why_they_cannot():
    design = bm.prepare("y ~ z + mo(x)", table())
    with pytest.raises(SpecError, match=r"steps of mo\(x\) have one sign"):
        bm.approximate(design)
    with pytest.raises(SpecError, match="steps of"):
        bm.sample(design, engine="kernel", progress=False)


def test_a_saved_fit_has_its_steps(tmp_path):
    fit = fitted(jitter=0.01)
    again = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    assert again.design.mu.population.labels[2:] == tuple(f"mo(x)[{level}]" for level in LEVELS[1:])
    assert str(again.design.priors["beta[mo(x)[low]]"].prior) == str(fit.design.priors["beta[mo(x)[low]]"].prior)
    assert bm.monotonic_effects(again).equals(bm.monotonic_effects(fit))


def test_brms_calls_are_translated():
    call = 'brm(y ~ z + mo(x), data = d, prior = set_prior("normal(0, 2)", coef = "mox"))'
    spec = bm.from_r(call)
    assert spec.formula == "y ~ 1 + z + mo(x)"
    assert str(spec.priors["beta[mo(x)]"]) == "Normal(0, 2)"
    with pytest.raises(SpecError, match="shares of the steps in the formula"):
        bm.from_r("brm(y ~ mo(x), data = d, prior = prior(dirichlet(2, 1), class = simo, coef = mox1))")


@pytest.mark.slow
def test_a_fit_recovers_steps():
    generator = np.random.default_rng(3)
    code = generator.integers(0, 4, 300)
    data = pd.DataFrame({"x": code, "y": np.array([0.0, 1.0, 1.1, 3.0])[code] + 0.5 * generator.normal(size=300)})
    fit = bm.fit("y ~ mo(x)", data, seed=1, chains=2, draws=300, progress=False)
    found = bm.population_effects(fit).set_index("effect")["mean"]
    assert np.allclose(found.iloc[1:], [1.0, 0.1, 1.9], atol=0.2)
    assert float(fit.posterior["beta"][..., 1:].min()) >= 0.0
