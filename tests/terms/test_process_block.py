"""Processes that a number multiplies: coefficients that vary with a covariate."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError, StatisticsWarning

STREAM = np.random.default_rng(2)
DATA = pd.DataFrame({"x": STREAM.uniform(0, 10, 80), "z": STREAM.uniform(0, 8, 80), "w": STREAM.normal(2.0, 3.0, 80)})
DATA["y"] = DATA["w"] * np.sin(DATA["x"] / 2) + STREAM.normal(size=80)
RMS = np.sqrt(np.mean(DATA["w"] ** 2))


def prior_covariance(formula, data=DATA, sd=1.3, scale=2.5):
    """Return what the basis and its spectrum say of the covariances of the term in all rows."""
    design = bm.prepare(formula, data)
    (block,) = design.mu.curves
    ((key, _, _),) = design.mu.structure_parameters(block)
    sds = sd * design.mu.relative_sds(block, {key: np.array(scale)})
    return (block.matrix * sds[:, 0] ** 2) @ block.matrix.T


def test_the_covariance_is_that_of_the_process_times_the_numbers_of_both_rows():
    distances = np.abs(np.subtract.outer(DATA["x"].to_numpy(), DATA["x"].to_numpy()))
    number = DATA["w"].to_numpy() / RMS
    expected = 1.69 * np.exp(-0.5 * (distances / 2.5) ** 2) * np.outer(number, number)
    np.testing.assert_allclose(prior_covariance("y ~ w + gp(x, k=25, c=2, by=w)"), expected, atol=0.01)


def test_units_and_signs_of_the_numbers_do_not_matter_and_ones_are_no_numbers():
    plain = prior_covariance("y ~ w + gp(x, z, k=6, by=w)")
    np.testing.assert_allclose(prior_covariance("y ~ w + gp(x, z, k=6, by=w)", DATA.assign(w=-1e-9 * DATA["w"])), plain)
    ones = prior_covariance("y ~ gp(x, k=9, by=w)", DATA.assign(w=7.0))
    np.testing.assert_allclose(ones, prior_covariance("y ~ gp(x, k=9)"))


def test_predictions_and_curves_are_those_of_the_coefficient_at_one():
    formula = "y ~ w + gp(x, k=9, by=w)"
    design = bm.prepare(formula, DATA)
    (block,) = design.mu.curves
    weights = np.linspace(-1, 1, len(block.levels))
    name = block.name
    fit = fit_at(
        design, {"beta": [0.5, 2.0], "sigma": 1.0, f"b_{name}": weights, f"sd_{name}": 1.0, f"range_{name}": 2.0}
    )
    rows = pd.DataFrame({"x": [1.0, 1.0, 4.0], "w": [0.0, -4.0, 4.0]})
    found = bm.predict(fit, rows)["mean"].values[0, 0]
    curve = block.box.columns(rows[["x"]].to_numpy()) @ weights / RMS
    np.testing.assert_allclose(found, 0.5 + 2.0 * rows["w"] + rows["w"] * curve)
    shown = bm.smooth_curves(fit, "gp(x):w")
    at = shown.iloc[(shown["x"] - 4.0).abs().argmin()]
    expected = block.box.columns(np.array([[at["x"]]])) @ weights / RMS
    assert at["mean"] == pytest.approx(expected[0], rel=1e-6)
    covariance = np.full((1, 1), 1.69)
    some = block.take(np.array([3, 5]))
    np.testing.assert_allclose(some.variance(covariance), 1.69 * (DATA["w"].iloc[[3, 5]] / RMS) ** 2)
    np.testing.assert_allclose(block.variance(covariance, [3, 5]), some.variance(covariance))
    assert block.mean_products(np.full(80, 1 / 80))[0, 0] == pytest.approx(1.0)


def test_what_multiplies_a_process_is_a_number_of_the_data_that_is_not_always_zero():
    with pytest.raises(DataError, match="Factor 'w' has one level"):
        bm.prepare("y ~ gp(x, by=w)", DATA.assign(w="a"))
    with pytest.raises(DataError, match="0 in every row"):
        bm.prepare("y ~ gp(x, by=w)", DATA.assign(w=0.0))
    with pytest.raises(SpecError, match=r"'v' in .* is not in the data"):
        bm.prepare("y ~ gp(x, by=v)", DATA)
    with pytest.warns(StatisticsWarning, match="has no 'w'"):
        bm.prepare("y ~ gp(x, k=9, by=w)", DATA)
