"""Effective degrees of freedom and curves of smooths: against mgcv, closed forms and brute force."""

import warnings

import numpy as np
import pytest
from conftest import classic, read_reference
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.draws.linear_predictors import population_predictor


def prepared(formula, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, **options), data)


def table(rows=60):
    i, generator = np.arange(rows), np.random.default_rng(3)
    return {
        "y": generator.normal(size=rows),
        "count": generator.poisson(4, rows),
        "x": generator.uniform(0, 5, rows),
        "z": generator.normal(size=rows) + 1.0,
        "f": np.array(list("ab"))[i % 2],
        "g": np.array(list("pqrst"))[i % 5],
    }


def test_effective_degrees_of_freedom_are_those_of_mgcv_at_its_smoothness():
    reference = read_reference("smooths")["mcycle_tp"]
    design = prepared("accel ~ s(times, k=20)", classic("MASS", "mcycle"))
    smooth = design.mu.curves[0]
    squares, target = np.sum(smooth.matrix**2, axis=0), reference["edf"]["s(times)"]
    # The columns are orthogonal: each uses z'z / (z'z + lambda) degrees of freedom, and the line one.
    grid = np.exp(np.linspace(-12, 6, 2_000_001))
    edf = 1.0 + sum(square / (square + grid) for square in squares)
    ratio = grid[np.argmin(np.abs(edf - target))]
    fit = fit_at(design, {"sigma": 3.0, "sd_s(times)": 3.0 / np.sqrt(ratio)})
    found = bm.smooth_effects(fit).set_index("effect")["mean"]
    assert found["edf"] == pytest.approx(target, abs=1e-3)


def test_effective_degrees_of_freedom_are_traces_of_the_smoother_matrix():
    design = prepared("count ~ f + s(x, by=f, k=6) + s(z, k=5, bs='cc') + (z | g)", table(), family="poisson")
    generator = np.random.default_rng(1)
    sds = {"sd_s(x):f": [0.7, 0.2], "sd_s(z)": 0.4, "sd_g": [0.5, 0.3], "corr_g": [[1.0, 0.4], [0.4, 1.0]]}
    beta = 0.2 * generator.normal(size=len(design.mu.population.labels))
    fit = fit_at(design, {"beta": beta, **sds})
    curves, cyclic = design.mu.curves
    group = design.mu.groups[0]
    blocks = [design.mu.population.matrix, curves.matrix * (curves.index == 0)[:, None]]
    blocks += [curves.matrix * (curves.index == 1)[:, None], cyclic.matrix]
    blocks += [group.matrix * (group.index == level)[:, None] for level in range(5)]
    within = np.array([[0.25, 0.06], [0.06, 0.09]])
    penalties = [
        0 * np.eye(len(beta)),
        np.eye(4) / 0.49,
        np.eye(4) / 0.04,
        np.eye(3) / 0.16,
        *[np.linalg.inv(within)] * 5,
    ]
    c = np.hstack(blocks)
    p = np.zeros((c.shape[1], c.shape[1]))
    at = 0
    for penalty in penalties:
        p[at : at + len(penalty), at : at + len(penalty)] = penalty
        at += len(penalty)
    weight = np.exp(design.mu.population.matrix @ beta)
    square = c.T @ (weight[:, None] * c)
    diagonal = np.diag(np.linalg.solve(square + p, square))
    lines = [design.mu.population.labels.index(f"s(x)[linear]:f[{level}]") for level in "ab"]
    start = len(beta)
    expected = [
        diagonal[lines[0]] + diagonal[start : start + 4].sum(),
        diagonal[lines[1]] + diagonal[start + 4 : start + 8].sum(),
        diagonal[start + 8 : start + 11].sum(),
    ]
    table_of = bm.smooth_effects(fit)
    found = table_of[table_of["effect"] == "edf"]["mean"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_smooth_of_another_parameter_has_no_edf_and_says_so():
    found = bm.smooth_effects(fit_at(prepared("y ~ x", table(), sigma="~ s(x, k=5)"), {"sd_s(x)_sigma": 0.3}))
    assert list(found["effect"]) == ["sd"]
    assert "no edf for s(x)_sigma" in found.attrs["note"]


def test_curves_add_up_to_zero_over_the_rows_and_are_parts_of_the_predictor():
    design = prepared("y ~ f + s(x, k=6) + s(z, by=f, k=5)", table())
    generator = np.random.default_rng(4)
    beta, one, two = generator.normal(size=5), generator.normal(size=4), generator.normal(size=(3, 2))
    fit = fit_at(design, {"beta": beta, "b_s(x)": one, "b_s(z):f": two, "sigma": 1.0})
    found = bm.smooth_curves(fit, "s(z):f", points=7)
    assert list(found.columns) == ["term", "level", "x", "mean", "sd", "lower", "upper", "mcse"]
    block = design.mu.curves[1]
    for curve, level in enumerate("ab"):
        slope = beta[design.mu.population.labels.index(f"s(z)[linear]:f[{level}]")]
        rows = found[found["level"] == level]
        z = rows["x"].to_numpy()
        own = slope * (z - np.mean(table()["z"])) + block.spline.penalised(z) @ two[:, curve]
        np.testing.assert_allclose(rows["mean"], own, atol=1e-9)
        np.testing.assert_allclose([z[0], z[-1]], block.ranges[curve])
    from bayesmixed.summaries.parameters.smooths import evaluate_curve

    curve = evaluate_curve(design.mu, design.mu.curves[0], fit.posterior, 0, table()["x"])[0, 0]
    assert np.sum(curve) == pytest.approx(0.0, abs=1e-8)
    others = sum(
        evaluate_curve(design.mu, block, fit.posterior, level, table()["z"])[0, 0] * (block.index == level)
        for level in (0, 1)
    )
    rest = design.mu.population.matrix[:, :2] @ beta[:2]
    np.testing.assert_allclose(population_predictor(design.mu, fit.posterior)[0, 0], rest + curve + others, atol=1e-9)


def test_a_smooth_that_is_not_there_is_an_error():
    fit = fit_at(prepared("y ~ s(x, k=5)", table()), {"sigma": 1.0})
    with pytest.raises(bm.SpecError, match=r"s\(x\)"):
        bm.smooth_curves(fit, "s(z)")
    with pytest.raises(bm.SpecError, match="no smooth"):
        bm.smooth_effects(fit_at(prepared("y ~ x", table()), {"sigma": 1.0}))


def test_the_summary_shows_smooths_beside_and_not_among_the_groups():
    fit = fit_at(prepared("y ~ s(x, k=5) + (1 | g)", table()), {"sd_s(x)": 0.5, "sd_g": 0.4, "sigma": 1.0}, jitter=1e-3)
    tables = bm.summary(fit).tables
    smooth = next(value for name, value in tables.items() if "smooths" in name)
    assert list(smooth["effect"]) == ["edf", "sd"]
    sds = next(value for name, value in tables.items() if "standard deviations" in name)
    assert list(sds["term"]) == ["g", "Residual"]
