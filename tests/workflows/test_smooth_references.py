"""Smooths agree with mgcv: the same curve, standard error and effective degrees of freedom at the same smoothness."""

import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import classic, read_reference
from scipy.optimize import root

import bayesmixed as bm
from bayesmixed.draws.linear_predictors import population_predictor

REFERENCE = read_reference("smooths")


def prepared(formula, data, like=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        spec = bm.from_formula(formula, **options) if like is None else like.spec
        return bm.prepare(spec, data, like=like)


def columns(design, groups=True):
    blocks = [*design.mu.curves, *(design.mu.groups if groups else ())]
    return np.hstack([design.mu.population.matrix, *(block.sparse_columns().toarray() for block in blocks)])


def owners(design):
    """Return for each coefficient the penalised curve or factor to which it belongs, and whether it is penalised."""
    lines = {label: (s.name, curve) for s in design.mu.curves for curve, label in enumerate(s.line_labels)}
    own = [lines.get(label) for label in design.mu.population.labels]
    free = len(own)
    for smooth in design.mu.curves:
        own += [(smooth.name, curve) for _ in smooth.levels for curve in range(smooth.curves)]
    own += [(group.name, 0) for group in design.mu.groups for _ in group.levels]
    names = list(dict.fromkeys(name for name in own if name is not None))
    return np.array([-1 if name is None else names.index(name) for name in own]), np.arange(len(own)) >= free


def penalised_fit(design, edf, gamma=False):
    """Return coefficients, (C'C + P)^-1 and edf of the fit whose curves have the given effective degrees of freedom.

    Gaussian, or gamma with log link: both have weights of one.
    """
    c, (own, penalised) = columns(design), owners(design)
    square, y = c.T @ c, np.asarray(design.response)

    def penalty(logs):
        return np.where(penalised, np.exp(logs)[own], 0.0)

    def edfs(logs):
        diagonal = np.einsum("ij,ji->i", np.linalg.inv(square + np.diag(penalty(logs))), square)
        return np.bincount(own[own >= 0], diagonal[own >= 0])

    found = root(lambda logs: edfs(logs) - edf, np.zeros(len(edf)), tol=1e-12).x
    inverse, coefficients = np.linalg.inv(square + np.diag(penalty(found))), np.zeros(len(own))
    coefficients[0] = np.log(y.mean()) if gamma else 0.0
    for _ in range(100 if gamma else 1):
        eta = c @ coefficients
        residual = y * np.exp(-eta) - 1.0 if gamma else y - eta
        coefficients = coefficients + inverse @ (c.T @ residual - penalty(found) * coefficients)
    return coefficients, inverse, edfs(found)


@pytest.mark.parametrize("basis", ["tp", "cr", "ps"])
def test_a_curve_and_its_error_are_those_of_mgcv(basis):
    reference = REFERENCE[f"mcycle_{basis}"]
    design = prepared(f"accel ~ s(times, k=20, bs='{basis}')", classic("MASS", "mcycle"))
    coefficients, inverse, edf = penalised_fit(design, list(reference["edf"].values()))
    assert edf == pytest.approx(list(reference["edf"].values()), abs=1e-3)
    at = columns(prepared("", {"times": np.array(reference["grid"], dtype=float)}, like=design))
    unit = np.ptp(reference["link"])
    np.testing.assert_allclose(at @ coefficients, reference["link"], atol=1e-6 * unit)
    residual = design.response - columns(design) @ coefficients
    scale = residual @ residual / (design.rows - 1 - edf[0])
    assert scale == pytest.approx(reference["scale"], rel=1e-6)
    np.testing.assert_allclose(np.sqrt(scale * np.sum(at @ inverse * at, axis=1)), reference["se"], rtol=1e-6)


def test_two_curves_of_a_gamma_response_are_those_of_mgcv():
    reference = REFERENCE["airquality_gamma"]
    design = prepared("Ozone ~ s(Temp, k=10) + s(Wind, k=10)", classic("datasets", "airquality").dropna())
    coefficients, _, _ = penalised_fit(design, list(reference["edf"].values()), gamma=True)
    grid = {"Temp": np.array(reference["grid"], dtype=float), "Wind": np.full(len(reference["grid"]), 10.0)}
    np.testing.assert_allclose(columns(prepared("", grid, like=design)) @ coefficients, reference["link"], atol=1e-6)


def test_curves_by_factor_beside_random_effects_are_those_of_mgcv():
    data = classic("datasets", "ChickWeight")
    first = REFERENCE["chickweight_by_diet1"]
    design = prepared("log(weight) ~ Diet + s(Time, by=Diet, k=8) + (1 | Chick)", data, factors=["Diet"])
    coefficients, _, _ = penalised_fit(design, list(first["edf"].values()))
    for diet in "1234":
        reference = REFERENCE[f"chickweight_by_diet{diet}"]
        at = pd.DataFrame({"Time": reference["grid"], "Diet": int(diet), "Chick": 1})
        known = columns(prepared("", at, like=design), groups=False)
        np.testing.assert_allclose(known @ coefficients[: known.shape[1]], reference["link"], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["collapsed", "kernel"])
def test_the_posterior_of_a_curve_lies_where_mgcv_puts_it(engine):
    reference = REFERENCE["mcycle_tp"]
    fit = bm.fit("accel ~ s(times, k=20)", classic("MASS", "mcycle"), engine=engine, seed=3, progress=False)
    at = prepared("", {"times": np.array(reference["grid"], dtype=float)}, like=fit.design)
    curve = population_predictor(at.mu, fit.posterior)
    off = (curve.mean(axis=(0, 1)) - reference["link"]) / curve.std(axis=(0, 1))
    assert np.abs(off).max() < 0.3
