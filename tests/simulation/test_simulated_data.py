"""Simulated data have the layout of the plan and the moments of the model."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic

import bayesmixed as bm
from bayesmixed.families.parameter_functions import keys_of


def spec(formula, truth, family="gaussian", **layout):
    return bm.from_formula(formula, family=family, simulation={**layout, "truth": truth})


def test_the_truth_has_the_names_of_the_posterior_and_makes_the_data():
    model = spec(
        "y ~ x + (x | g)",
        {"beta[Intercept]": 3.0, "beta[x]": 2.0, "sd_g": 1.5, "corr_g": -0.6, "sigma": 1e-6},
        groups={"g": {"count": 400, "rows": 3}},
        columns={"x": {"sequence": [0, 1], "per": "g"}},
    )
    made = bm.simulate(model, seed=1)
    assert set(made.truth.data_vars) == {"beta", "sd_g", "corr_g", "b_g", "sigma"}
    b = made.truth["b_g"].values
    lines = (3 + b[:, 0])[:, None] + (2 + b[:, 1])[:, None] * np.arange(3)
    order = [list(made.truth["g"].values).index(g) for g in made.data["g"].iloc[::3]]
    np.testing.assert_allclose(made.data["y"].to_numpy().reshape(400, 3), lines[order], atol=1e-4)
    assert np.corrcoef(b.T)[0, 1] == pytest.approx(-0.6, abs=0.1)
    np.testing.assert_allclose(b.std(axis=0), 1.5, rtol=0.12)


def test_moments_of_counts_are_those_of_the_family():
    truth = {"beta[Intercept]": 1.0, "sd_obs": 0.5}
    y = bm.simulate(spec("y ~ 1 + obs()", truth, "poisson", rows=200_000), seed=2).data["y"]
    mean = np.exp(1.125)
    assert y.mean() == pytest.approx(mean, rel=0.01)
    assert y.var() == pytest.approx(mean + mean**2 * (np.exp(0.25) - 1), rel=0.03)


def test_a_transformed_response_is_taken_back_to_its_column():
    truth = {"beta[Intercept]": 3.0, "sigma": 0.1}
    assert bm.simulate(spec("sqrt(y) ~ 1", truth, rows=5000), seed=1).data["y"].mean() == pytest.approx(9.01, abs=0.05)
    yes = bm.simulate(spec('(answer == "yes") ~ 1', {"beta": 0.0}, "bernoulli", rows=50), seed=1).data["answer"]
    assert set(yes) == {"yes", "not yes"}


def test_given_rows_keep_their_covariates():
    data = classic("lme4", "sleepstudy")
    truth = {"beta[Intercept]": 250, "beta[Days]": 10, "sd_Subject": 5, "corr_Subject": 0, "sigma": 20}
    made = bm.simulate("Reaction ~ Days + (Days | Subject)", truth=truth, data=data, seed=1)
    assert (made.data[["Days", "Subject"]] == data[["Days", "Subject"]]).all(axis=None)
    assert not np.allclose(made.data["Reaction"], data["Reaction"])
    assert len(made.truth["Subject"]) == 18


@pytest.mark.parametrize("name", ["Yield [kg/ha]", "a-b", "score (0-63)", "1st", "total.fruits", "class"])
def test_a_response_with_an_odd_name_is_put_into_its_column(name):
    data = pd.DataFrame({name: np.full(30, -1.0), "x": np.arange(30.0)})
    made = bm.simulate(f"`{name}` ~ x", data=data, truth={"beta": 0, "sigma": 1, "beta[Intercept]": 9}, seed=1).data
    assert list(made.columns) == [name, "x"]
    assert 8 < made[name].mean() < 10


@pytest.mark.parametrize("name", ["odd name", "1st", "total.fruits"])
def test_a_response_with_an_odd_name_need_not_be_there(name):
    made = bm.simulate(f"`{name}` ~ 1", data=pd.DataFrame({"x": np.zeros(5)}), truth={"beta[Intercept]": 9, "sigma": 1})
    assert list(made.data.columns) == ["x", name]


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ("y ~ 1", {}, "has no .simulation. section"),
        (
            spec("y ~ x", {"sigma": 1}, rows=5, columns={"x": {"normal": [0, 1]}}),
            {},
            "No true value for 'beta.Intercept.'",
        ),
        (spec("y ~ 1", {"beta": 1, "sigma": 1}, rows=5), {"truth": {"sigmas": 2}}, "Did you mean 'sigma'"),
        (spec("np.arcsin(y) ~ 1", {"beta": 1, "sigma": 1}, rows=5), {}, "without a known inverse"),
    ],
)
def test_simulation_says_what_is_missing(model, arguments, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.simulate(model, **arguments)


def test_missing_values_are_as_many_as_asked_for():
    model = spec("y ~ 1", {"beta": 1, "sigma": 1}, rows=30, missing={"y": 4})
    assert bm.simulate(model, seed=1).data["y"].isna().sum() == 4


def test_the_same_seed_gives_the_same_data():
    first, second, other = (bm.simulate("alcohol", seed=seed).data for seed in (1, 1, 2))
    assert first.equals(second)
    assert not first.equals(other)


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize("name", bm.list_specs())
def test_every_shipped_spec_makes_data_that_suit_it(name):
    made = bm.simulate(name, seed=1)
    design = bm.prepare(name, made.data, missing="drop")
    named = ("beta", "sd_", "corr_", "threshold")
    truth = {k for k in made.truth.data_vars if k.startswith(named) or k in design.scalars}
    stated = {key: name for name in design.numbers for key in keys_of(name, design.family.parameter(name).link)}
    assert {stated.get(key, key.split("[")[0]) for key in design.priors} == truth
    assert bm.load_spec(name).title
    assert bm.load_spec(name).question


def test_simulated_data_show_themselves_in_one_line_and_as_a_table():
    made = bm.simulate("herd", seed=1)
    assert repr(made).startswith(f"<Simulated: {len(made.data)} rows; truth of ")
    assert made._repr_html_().count("<tr") == 11


def test_priors_of_no_parameter_are_refused_also_without_a_response():
    data = pd.DataFrame({"x": np.arange(12.0), "g": list("abcdef") * 2})
    truth = {"beta[Intercept]": 1, "beta[x]": 0.5, "sd_g": 0.5, "theta": 2.0}
    for priors in ({"sd_g": "HalfNormal(1)", "1/sqrt(theta)": "HalfNormal(1)"}, {"beta[Intercept]": "Normal(0, 1)"}):
        bm.simulate("y ~ x + (1 | g)", data=data, truth=truth, family="negbin", priors=priors)
    with pytest.raises(bm.SpecError, match="Did you mean 'sd_g'"):
        bm.simulate("y ~ x + (1 | g)", data=data, truth=truth, family="negbin", priors={"sd_h": "HalfNormal(1)"})
