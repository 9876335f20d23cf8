"""Comparison of models by what they predict for units that were left out."""

import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import classic
from fixed_draws import fit_at
from pymc_agreement import rows_for
from scipy import optimize, special, stats

import bayesmixed as bm
from bayesmixed.cross_validation.leaving_out import smooth_units
from bayesmixed.cross_validation.units import find_units
from bayesmixed.families import FAMILIES

CBPP = classic("lme4", "cbpp")


def at(formula, family, values, data=CBPP, jitter=0.05, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(bm.from_formula(formula, family=family, **options), data)
    return fit_at(design, values, jitter)


@pytest.fixture(scope="module")
def herds():
    response = "incidence | trials(size)"
    return {
        "partial": at(f"{response} ~ 1 + (1 | herd)", "binomial", {"beta": -2.0, "sd_herd": 0.8}),
        "complete": at(f"{response} ~ 1", "binomial", {"beta": -1.9}),
        "no": at(
            f"{response} ~ 0 + herd", "binomial", {"beta": -2.0}, factors=["herd"], priors={"beta": "Normal(-2, 2.5)"}
        ),
    }


def test_the_differences_and_their_errors_are_those_of_the_same_units(herds):
    found = bm.compare_models(herds, unit="group", by="herd")
    units = find_units(herds["partial"].design, "herd")
    pointwise = {name: smooth_units(fit, units).elpd_i.values for name, fit in herds.items()}
    best = found.table.index[0]
    for name, row in found.table.iterrows():
        difference = pointwise[name] - pointwise[best]
        assert row["elpd_diff"] == pytest.approx(difference.sum())
        assert row["dse"] == pytest.approx(np.sqrt(15 * np.var(difference)))
    assert best == "partial"
    assert "all observations of a new herd" in str(found)


def test_the_weights_maximise_the_log_score_of_the_mixture(herds):
    found = bm.compare_models(herds, unit="group", by="herd")
    names = list(found.table.index)
    logs = np.column_stack([found.elpd[name].elpd_i.values for name in names])
    logs -= logs.max(axis=1, keepdims=True)

    def score(free):
        weights = np.exp(np.append(free, 0.0))
        return -np.sum(np.log(np.exp(logs) @ (weights / weights.sum())))

    best = optimize.minimize(score, np.zeros(2), method="Nelder-Mead", options={"maxiter": 4000})
    own = -np.sum(np.log(np.exp(logs) @ found.table["weight"].to_numpy()))
    assert own == pytest.approx(best.fun, abs=1e-3)


def test_a_model_without_pooling_is_said_to_predict_a_new_group_from_its_prior(herds):
    found = bm.compare_models(herds, unit="group", by="herd")
    assert [note for note in found.notes if note.startswith("'no' knows nothing about a new herd")]
    assert not [note for note in found.notes if "'complete'" in note]
    rows = bm.compare_models(herds, unit="observation")
    assert not [note for note in rows.notes if "knows nothing" in note]
    assert "a new observation in the known groups" in str(rows)


def test_a_transformed_response_is_compared_on_the_scale_of_the_response():
    data = pd.DataFrame({"y": np.exp(np.sin(np.arange(30.0))), "g": np.arange(30) % 5})
    on_log = at("log(y) ~ 1", "gaussian", {"beta": 0.0, "sigma": 0.7}, data, 0.0)
    plain = at("y ~ 1", "gaussian", {"beta": 1.2, "sigma": 0.8}, data, 0.0)
    found = bm.compare_models({"log": on_log, "plain": plain}, unit="observation")
    from scipy import stats

    expected = stats.lognorm(0.7).logpdf(data["y"]).sum()
    assert found.table.loc["log", "elpd"] == pytest.approx(expected)
    assert found.table.loc["plain", "elpd"] == pytest.approx(stats.norm(1.2, 0.8).logpdf(data["y"]).sum())


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda d: at("y**2 ~ 1", "gaussian", {"sigma": 1.0}, d), "Densities can be taken back from sqrt, log"),
        (lambda d: at("sqrt(y) ~ 1", "gaussian", {"sigma": 1.0}, d), "slope is infinite"),
        (lambda d: at("z ~ 1", "gaussian", {"sigma": 1.0}, d), "do not have the same response"),
        (lambda d: at("y ~ 1", "gaussian", {"sigma": 1.0}, d.iloc[:7]), "not fitted to the same rows"),
        (lambda d: at("y ~ 1", "poisson", {"beta": 1.0}, d), "probabilities of counts"),
    ],
    ids=["unknown function", "border", "other column", "other rows", "counts"],
)
def test_models_of_different_things_are_not_compared(other, message):
    data = pd.DataFrame({"y": np.arange(9.0), "z": np.arange(9.0) ** 2})
    reference = at("y ~ 1", "gaussian", {"sigma": 3.0}, data)
    with pytest.raises(bm.BayesMixedError, match=message):
        bm.compare_models({"one": reference, "two": other(data)}, unit="observation")


@pytest.mark.parametrize("question", [{"unit": "group"}, {"unit": "herd"}, {"unit": "observation", "by": "herd"}])
def test_the_question_must_be_said_in_full(herds, question):
    with pytest.raises(bm.SpecError, match=r"unit='group'.* by='<factor>'|unit='group', by='herd'"):
        bm.compare_models(herds, **question)


def test_a_page_notes_that_models_have_other_bounds():
    data = rows_for(FAMILIES["gamma"])
    data["y"] += 2.0
    with_bound = at("y | trunc(1) ~ x", "gaussian", {"sigma": 3.0}, data)
    found = bm.compare_models({"a": at("y ~ x", "gaussian", {"sigma": 3.0}, data), "b": with_bound}, unit="observation")
    assert "not all models have the same truncation" in str(found)


def elpds(fits):
    """Return the elpd of each of some fits without groups, and the sum of their log-densities at the means of the draws."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.compare_models(fits, unit="observation").table["elpd"]


def test_families_of_proportions_with_0_and_1_are_compared_on_one_scale():
    """Both have masses at 0 and 1 and a density between; Kubinec's formulas (2023, Polit Anal 31:519) for ordered beta."""
    generator = np.random.default_rng(3)
    x = generator.normal(size=60)
    y = np.clip(0.5 + 0.3 * x + 0.4 * generator.normal(size=60), 0.0, 1.0)
    assert min(np.sum(y == 0), np.sum(y == 1)) > 3
    beta = {"beta": [0.1, 1.3]}
    ordered = {**beta, "phi": 4.0, "cutzero": -2.0, "gap": 3.5}
    inflated = {**beta, "phi": 4.0, "zoi": 0.25, "coi": 0.5}
    data = pd.DataFrame({"y": y, "x": x})
    found = elpds(
        {
            "ordered": at("y ~ x", "ordered_beta", ordered, data, jitter=1e-3),
            "inflated": at("y ~ x", "zero_one_inflated_beta", inflated, data, jitter=1e-3),
        }
    )
    eta = 0.1 + 1.3 * x
    mu, inside = special.expit(eta), (y > 0) & (y < 1)
    between = stats.beta(4.0 * mu, 4.0 * (1 - mu)).logpdf(np.where(inside, y, 0.5))
    low, high = special.expit(eta + 2.0), special.expit(eta - 1.5)
    logs = np.where(inside, np.log(low - high) + between, np.log(np.where(y == 0, 1 - low, high)))
    assert found["ordered"] == pytest.approx(logs.sum(), abs=0.05)
    logs = np.where(inside, np.log(0.75) + between, np.log(0.125))
    assert found["inflated"] == pytest.approx(logs.sum(), abs=0.05)
    assert found.index[0] == "ordered"


def test_families_of_reaction_times_are_compared_on_one_scale():
    times = bm.datasets.load("sleepstudy")
    y = times["Reaction"].to_numpy()
    values = {
        "shifted_lognormal": {"beta": 4.7, "sigma": 0.5, "ndt": 180.0},
        "exgaussian": {"beta": 298.0, "sigma": 40.0, "tau": 40.0},
        "skew_normal": {"beta": 298.0, "sigma": 56.0, "alpha": 3.0},
    }
    fits = {name: at("Reaction ~ 1", name, own, times, jitter=1e-4) for name, own in values.items()}
    fits["log"] = at("log(Reaction) ~ 1", "gaussian", {"beta": 5.68, "sigma": 0.19}, times, jitter=1e-4)
    delta = 3.0 / np.sqrt(10.0)
    scale = 56.0 / np.sqrt(1.0 - 2.0 * delta**2 / np.pi)
    expected = {
        "shifted_lognormal": stats.lognorm(0.5, 180.0, np.exp(4.7)),
        "exgaussian": stats.exponnorm(1.0, 258.0, 40.0),
        "skew_normal": stats.skewnorm(3.0, 298.0 - scale * delta * np.sqrt(2.0 / np.pi), scale),
        "log": stats.lognorm(0.19, 0.0, np.exp(5.68)),
    }
    found = elpds(fits)
    for name, distribution in expected.items():
        assert found[name] == pytest.approx(distribution.logpdf(y).sum(), abs=0.05), name
