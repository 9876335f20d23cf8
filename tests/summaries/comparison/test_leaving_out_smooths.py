"""Leaving out rows, groups and ranges of a model with curves: closed forms at SDs that the priors fix."""

import warnings

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.cross_validation import leaving_out, log_densities
from bayesmixed.cross_validation.units import find_units, own_coefficients
from bayesmixed.summaries.checks.half_normals import _plug_in_residuals
from bayesmixed.terms.relations import Factor

ROWS = 48
SDS = {"sd_s(x):f": 1.0, "sd_g": 0.5, "sigma": 0.3}


def table():
    i, generator = np.arange(ROWS), np.random.default_rng(3)
    x = np.sort(generator.uniform(0.0, 10.0, ROWS))
    y = np.sin(x) + 0.5 * generator.normal(size=8)[i % 8] + 0.3 * generator.normal(size=ROWS)
    return pd.DataFrame({"y": y, "x": x, "f": np.array(["a", "b"])[i % 2], "g": np.array(list("pqrstuvw"))[i % 8]})


def prepared(formula, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, **options), data)


@pytest.fixture(scope="module")
def curves():
    """A fit whose SDs are known, so that all predictions are multivariate normal."""
    priors = {name: f"LogNormal({np.log(sd)}, 0.001)" for name, sd in SDS.items()}
    design = prepared("y ~ f + s(x, k=6, by=f) + (1 | g)", table(), priors=priors)
    return bm.sample(design, seed=1, chains=2, draws=2000, progress=False)


@pytest.fixture(scope="module")
def exact(curves):
    """Return the law of some rows given the others, as mean and covariance."""
    mu = curves.design.mu
    priors = [entry.prior for key, entry in curves.design.priors.items() if key.startswith("beta")]
    location, sd = np.array([prior.arguments for prior in priors]).T
    smooth, same_group = mu.curves[0], np.equal.outer(mu.groups[0].index, mu.groups[0].index)
    same_curve = np.equal.outer(smooth.index, smooth.index)
    covariance = (mu.centred_matrix * sd**2) @ mu.centred_matrix.T + same_curve * (smooth.matrix @ smooth.matrix.T)
    covariance += SDS["sd_g"] ** 2 * same_group + SDS["sigma"] ** 2 * np.eye(ROWS)
    residual = np.asarray(curves.design.response) - mu.centred_matrix @ location

    def law(out):
        weight = covariance[np.ix_(out, ~out)] @ np.linalg.inv(covariance[np.ix_(~out, ~out)])
        spread = covariance[np.ix_(out, out)] - weight @ covariance[np.ix_(~out, out)]
        return residual[out], weight @ residual[~out], spread

    return law


def exact_log(law, out):
    value, mean, covariance = law(out)
    return stats.multivariate_normal(mean, covariance).logpdf(value)


@pytest.mark.parametrize(("unit", "most", "error"), [("observation", 0.5, 0.06), ("g", 0.7, 0.2)])
def test_rows_and_groups_are_predicted_from_the_curve_of_the_others(curves, exact, unit, most, error):
    units = find_units(curves.design, unit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        found = bm.loo(curves, unit=unit)
    expected = np.array([exact_log(exact, units.index == i) for i in range(len(units.labels))])
    sure = (found.pareto_k < most).values
    assert sure.sum() >= 0.5 * len(sure)
    np.testing.assert_allclose(found.elpd_i.values[sure], expected[sure], atol=error)


def test_sampling_without_groups_predicts_them_from_the_curve_of_the_others(curves, exact):
    units = find_units(curves.design, "g")
    out = np.array([True, False, True, False, False, False, False, False])
    held = out[units.index]
    found, k, _ = leaving_out.predict_held_out(curves, units, np.arange(8) == 2)
    assert found[0] == pytest.approx(exact_log(exact, units.index == 2), abs=0.1)
    assert np.all(k < 0.7)
    both = leaving_out.predict_held_out(
        curves, Factor("two", held.astype(np.intp), ("no", "yes")), np.array([False, True])
    )[0]
    assert both[0] == pytest.approx(exact_log(exact, held), abs=1.0)


def test_rows_beyond_the_x_of_all_others_are_predicted_by_the_continued_curve(curves, exact):
    beyond = np.arange(ROWS) >= ROWS - 2
    units = Factor("end", beyond.astype(np.intp), ("no", "yes"))
    found = leaving_out.predict_held_out(curves, units, np.array([False, True]))[0]
    assert found[0] == pytest.approx(exact_log(exact, beyond), abs=0.1)


def test_a_curve_that_only_one_level_informs_is_named_and_its_prediction_is_not_trusted(curves):
    own = own_coefficients(curves.design, find_units(curves.design, "f"))
    assert own == ["beta[f[T.b]]", "beta[s(x)[linear]:f[a]]", "beta[s(x)[linear]:f[b]]", "b_s(x):f[a]", "b_s(x):f[b]"]
    with pytest.warns(bm.StatisticsWarning, match="large in few draws"):
        bm.loo(curves, unit="f", refits=True)


def test_residuals_and_influence_are_those_of_the_curve_of_the_others(curves, exact):
    found = bm.residuals(curves, draws=None)
    alone = [exact(np.arange(ROWS) == i) for i in range(ROWS)]
    expected = np.array([(y - mean) / np.sqrt(variance[0, 0]) for y, mean, variance in alone]).ravel()
    sure = found["pareto_k"] < 0.5
    np.testing.assert_allclose(found["residual"][sure], expected[sure], atol=0.1)
    assert set(bm.influence(curves, "g")["level"]) == set("pqrstuvw")


def test_the_refit_envelope_knows_the_curve():
    generator = np.random.default_rng(5)
    data = pd.DataFrame({"x": generator.uniform(0.0, 10.0, 300), "g": np.repeat(list("abcdefghij"), 30)})
    error = generator.normal(size=300)
    data["y"] = 3.0 * np.sin(data["x"]) + 2.0 * generator.normal(size=10).repeat(30) + 0.5 * error
    design = prepared("y ~ s(x) + (1 | g)", data)
    found = _plug_in_residuals(fit_at(design, {"sigma": 1.0}), np.asarray(data["y"]), generator)
    assert np.corrcoef(found, error)[0, 1] > 0.95
    assert np.std(found) == pytest.approx(1.0, abs=0.1)


def test_effects_that_cannot_be_integrated_out_are_drawn(curves, exact, monkeypatch):
    monkeypatch.setattr(log_densities, "can_integrate", lambda units_out: False)
    units = find_units(curves.design, "g")
    found, k, _ = leaving_out.predict_held_out(curves, units, np.arange(8) == 2)
    assert found[0] == pytest.approx(exact_log(exact, units.index == 2), abs=0.3)
    assert k[0] > 0.3


def test_groups_with_many_effects_have_a_cross_validation_but_no_weights(monkeypatch):
    data = table().assign(
        count=np.arange(ROWS) % 5, u=np.cos(np.arange(ROWS)), v=np.sin(np.arange(ROWS)), w=table()["y"]
    )
    fit = fit_at(
        prepared("count ~ u + v + w + (u + v + w | g)", data, family="poisson"), {"sd_g": 0.1, "corr_g": np.eye(4)}
    )
    with pytest.raises(bm.SpecError, match="kfold"):
        bm.loo(fit, unit="g")
    monkeypatch.setattr(leaving_out, "sample_without", lambda fit, held: fit.posterior)
    found = bm.kfold(fit, by="g", k=2)
    logs = stats.poisson.logpmf(data["count"], 1.0)
    np.testing.assert_allclose(found.elpd_i, data.assign(log=logs).groupby("g")["log"].sum(), atol=1e-9)
    assert np.isnan(found.p)
