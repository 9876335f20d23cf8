"""Mean-variance curves."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.families import FAMILIES
from bayesmixed.summaries.checks.mean_variance import mean_variance

ROWS = 3000
OBS = "poisson + obs()"


@pytest.fixture(scope="module")
def counts():
    generator = np.random.default_rng(1)
    x = generator.normal(size=ROWS)
    y = generator.poisson(np.exp(1.0 + x - 0.5 * 0.7**2 + 0.7 * generator.standard_normal(ROWS)))
    design = bm.prepare(bm.from_formula("y ~ x", family="poisson"), pd.DataFrame({"y": y, "x": x}))
    return fit_at(design, {"beta": [1.0, 1.0]})


def curve(table, start):
    chosen = table[table["model"].str.startswith(start)]
    assert chosen["model"].nunique() == 1
    return chosen


def test_the_model_has_the_variance_of_its_family(counts):
    own = curve(mean_variance(counts, draws=100, seed=1), "this model")
    np.testing.assert_allclose(own["variance"], own["expected"], rtol=0.05)


def test_effects_of_rows_that_made_the_data_are_found_and_their_curve_is_the_log_normal_one(counts):
    effects = curve(mean_variance(counts, draws=100, seed=1), OBS)
    sd = float(effects["model"].iloc[0].split("= ")[1].rstrip(")"))
    assert sd == pytest.approx(0.7, abs=0.06)
    x = np.asarray(counts.design.mu.population.matrix[:, 1])
    mean = np.exp(1.0 + x)
    variance = mean + mean**2 * np.expm1(sd**2)
    assert np.sum(effects["variance"] * effects["rows"]) == pytest.approx(variance.sum(), rel=0.08)


def test_the_data_lie_on_the_curve_of_what_made_them_and_above_the_model(counts):
    table = mean_variance(counts, draws=100, seed=1)
    data, effects, own = (curve(table, name) for name in ("data", OBS, "this model"))
    off = (data["variance"].to_numpy() - effects["variance"].to_numpy()) / data["error"].to_numpy()
    assert np.median(np.abs(off)) < 1.5
    assert np.mean(data["variance"].to_numpy() > own["variance"].to_numpy()) > 0.9


def test_only_families_that_are_there_have_a_curve(counts):
    models = {name.partition(" ")[0] for name in mean_variance(counts, draws=20, seed=1)["model"]}
    for name in ("negbin", "negbin1"):
        assert (name in models) == (name in FAMILIES)
    assert "beta_binomial" not in models


def test_proportions_have_their_variance_per_trial():
    generator = np.random.default_rng(2)
    data = pd.DataFrame({"y": generator.binomial(10, 0.3, 400), "n": 10, "x": generator.normal(size=400)})
    design = bm.prepare(bm.from_formula("y | trials(n) ~ x", family="binomial"), data)
    fit = fit_at(design, {"beta": [np.log(3 / 7), 0.0]})
    table = mean_variance(fit, draws=100, seed=1)
    np.testing.assert_allclose(curve(table, "this model")["variance"], 0.3 * 0.7, rtol=0.05)
    assert curve(table, "data")["variance"].mean() == pytest.approx(0.21, rel=0.2)


def test_continuous_and_binary_responses_have_no_such_curves():
    for family, y in (("gaussian", np.arange(20.0)), ("bernoulli", np.arange(20) % 2)):
        fit = fit_at(bm.prepare(bm.from_formula("y ~ 1", family=family), {"y": y}), {"sigma": 1.0})
        with pytest.raises(bm.SpecError, match="for counts"):
            mean_variance(fit)
