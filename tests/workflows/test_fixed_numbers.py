"""A number in the place of a prior fixes a parameter, also the correlations of a group term."""

import warnings

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.design.prior_draws import draw_priors
from bayesmixed.summaries.overview import count_estimated

ROWS = 48
DATA = pd.DataFrame(
    {
        "y": np.cos(np.arange(ROWS) * 1.7),
        "x": np.sin(np.arange(ROWS)),
        "z": np.cos(np.arange(ROWS) * 0.6),
        "g": np.array(list("abcdef"))[np.arange(ROWS) % 6],
    }
)


def prepared(formula, value, **fields):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, priors={"corr_g": value}, **fields), DATA)


def test_effects_have_the_law_with_this_correlation():
    model = bm.build(prepared("y ~ x + (x | g)", -0.4))
    assert not [variable.name for variable in model.free_RVs if "corr" in variable.name]
    point = model.initial_point()
    effects = next(name for name in point if "b_g" in name)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    generator = np.random.default_rng(1)
    sds = {name: np.exp(value) for name, value in point.items() if name.startswith("sd_g")}
    sd = np.concatenate([np.atleast_1d(value) for value in sds.values()])
    law = stats.multivariate_normal(np.zeros(2), np.outer(sd, sd) * [[1.0, -0.4], [-0.4, 1.0]])
    other = bm.build(prepared("y ~ x + (x | g)", 0.0)).compile_logp(jacobian=False, mode="FAST_COMPILE")
    independent = stats.multivariate_normal(np.zeros(2), np.diag(sd**2))
    for _ in range(3):
        moved = {**point, effects: generator.standard_normal(point[effects].shape)}
        difference = law.logpdf(moved[effects]).sum() - independent.logpdf(moved[effects]).sum()
        assert float(logp(moved)) - float(other(moved)) == pytest.approx(difference, rel=1e-9)


def test_the_number_is_no_parameter_and_is_in_the_draws_of_the_prior():
    design = prepared("y ~ x + (x | g)", 0.3)
    assert count_estimated(design) == 2 + 2 + 1
    np.testing.assert_array_equal(draw_priors(design, 5).correlations["corr_g"], [[[1.0, 0.3], [0.3, 1.0]]] * 5)
    assert str(design.priors["corr_g"].prior) == "0.3"
    table = bm.prior_table(design.spec, DATA)
    assert "0.3" in str(table)


def test_several_columns_have_one_value_where_that_is_a_correlation_matrix():
    priors = draw_priors(prepared("y ~ x + z + (x + z | g)", -0.4), 2)
    np.testing.assert_array_equal(np.unique(priors.correlations["corr_g"]), [-0.4, 1.0])
    with pytest.raises(
        bm.SpecError, match=r"fixed at -0.6, outside its range \(-0.5, 1\): all correlations of 3 columns"
    ):
        prepared("y ~ x + z + (x + z | g)", -0.6)


@pytest.mark.parametrize("value", [1.0, -1.0, 3.0])
def test_numbers_that_are_no_correlation_are_refused(value):
    with pytest.raises(bm.SpecError, match=r"outside its range \(-1, 1\)"):
        prepared("y ~ x + (x | g)", value)


def test_compiled_engines_say_that_they_cannot():
    design = prepared("y ~ x + (x | g)", 0.3)
    with pytest.raises(bm.SpecError, match="the correlation of 'g' is fixed by a number"):
        bm.sample(design, engine="kernel")


@pytest.mark.parametrize(
    ("family", "key", "value", "instead"),
    [
        ("zero_one_inflated_beta", "coi", 0, "take family zero_inflated_beta."),
        ("zero_one_inflated_beta", "coi", 1, "take family zero_inflated_beta with 1 - y as the response"),
        ("zero_one_inflated_beta", "zoi", 0, "take family beta"),
        ("zero_inflated_beta", "zi", 0, "take family beta"),
        ("hurdle_gamma", "hu", 0, "take family gamma"),
        ("zero_inflated_poisson", "zi", 0, "take family poisson"),
    ],
)
def test_a_share_of_nothing_names_the_family_without_it(family, key, value, instead):
    y = np.arange(ROWS) % 4 / (4.0 if family.endswith("beta") else 1.0)
    with pytest.raises(bm.SpecError, match=rf"'{key}' is fixed at {value}, outside its range \(0, 1\)\. .*{instead}"):
        bm.prepare(bm.from_formula("y ~ x", family=family, priors={key: value}), DATA.assign(y=y))


NO_COEFFICIENTS = bm.from_formula("y ~ 0 + (1 | g)", priors={"sd_g": 0.5, "sigma": 1.0})
pytestmark = pytest.mark.filterwarnings("ignore:The effect of 'Intercept' varies")


def test_models_without_coefficients_have_priors():
    draws = bm.prior_predictive(NO_COEFFICIENTS, DATA, draws=2000, seed=1).draws["prior_predictive"]["y"].values
    assert draws.std() == pytest.approx(np.sqrt(0.5**2 + 1.0), rel=0.05)
    assert "0.2" in str(bm.prior_table(NO_COEFFICIENTS, DATA))
    assert "sigma" in str(bm.prior_table(bm.from_formula("y ~ 0 + offset(x)", priors={"sigma": 1.0}), DATA))


def test_models_without_parameters_have_responses_but_no_fit():
    data = DATA.assign(count=np.arange(ROWS) % 4)
    spec = bm.from_formula("count ~ 0 + offset(x)", family="poisson")
    draws = bm.prior_predictive(spec, data, draws=2000, seed=1).draws["prior_predictive"]["count"].values
    np.testing.assert_allclose(draws.mean(axis=(0, 1)), np.exp(data["x"]), atol=0.15)
    with pytest.raises(bm.SpecError, match="has no parameters, so there is nothing to sample"):
        bm.fit(spec, data)


def test_what_asks_for_estimated_parameters_says_that_there_are_none():
    known = fit_at(bm.prepare(NO_COEFFICIENTS, DATA), {"sd_g": [0.5], "sigma": 1.0})
    for call in (
        lambda: bm.influence(known, "g"),
        lambda: bm.plot_prior_posterior(known),
        lambda: bm.prior_sensitivity(known),
    ):
        with pytest.raises(bm.SpecError, match=r"[Ee]very (parameter|one) is fixed"):
            call()
