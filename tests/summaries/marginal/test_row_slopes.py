"""Slopes, against derivatives written out."""

import numpy as np
import pandas as pd
import pytest
from empty_cell_tables import prepared
from fixed_draws import fit_at
from scipy import special

import bayesmixed as bm
from bayesmixed.display.tables import middle_of

GENERATOR = np.random.default_rng(8)
ROWS = pd.DataFrame({"x": GENERATOR.uniform(2.0, 9.0, 60), "z": GENERATOR.normal(size=60), "f": list("pq") * 30})
ROWS = ROWS.assign(y=GENERATOR.integers(0, 2, 60), c=GENERATOR.poisson(3.0, 60), m=GENERATOR.normal(size=60))


def middles(estimates):
    return estimates.table[middle_of(estimates.table)].to_numpy()


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e-6, 0.0), (1e6, 0.0), (1.0, 2000.0)])
def test_a_slope_is_the_mean_derivative_in_any_unit(scale, shift):
    table = ROWS.assign(x=scale * ROWS["x"] + shift)
    fit = fit_at(bm.prepare("y ~ x", table, family="bernoulli"), {"beta": [-1.0 - 0.4 * shift / scale, 0.4 / scale]})
    p = special.expit(-1.0 + 0.4 * ROWS["x"].to_numpy())
    np.testing.assert_allclose(scale * middles(bm.slopes(fit)), 0.4 * np.mean(p * (1 - p)), rtol=1e-6)


@pytest.mark.parametrize(
    ("formula", "beta", "derivative"),
    [
        ("m ~ x + I(x^2)", [1.0, 2.0, -0.3], lambda x: 2.0 - 0.6 * x),
        ("m ~ log(x)", [1.0, 2.0], lambda x: 2.0 / x),
        ("m ~ sqrt(x - 2)", [1.0, 2.0], lambda x: 1.0 / np.sqrt(x - 2.0)),
        ("m ~ x*f", [1.0, 2.0, 0.0, 3.0], None),
    ],
)
def test_slopes_at_values_are_derivatives_there(formula, beta, derivative):
    fit = fit_at(prepared(formula, ROWS), {"beta": beta, "sigma": 1.0})
    if derivative is None:
        np.testing.assert_allclose(middles(bm.slopes(fit, by="f")), [2.0, 5.0], rtol=1e-7)
        return
    places = [2.5, 4.0, 8.0]
    found = bm.slopes(fit, at={"x": places}, by="x")
    assert found.table["x"].tolist() == places
    np.testing.assert_allclose(middles(found), [derivative(x) for x in places], rtol=1e-6)


@pytest.mark.parametrize("curve", ["s(x, k=5)", "bs(x, df=4)", "cr(x, df=4)", "poly(x, 3)", "log(x)", "sqrt(x - 2)"])
def test_no_row_is_moved_beyond_the_data(curve):
    table = ROWS.assign(x=np.where(np.arange(60) == 7, 2.0, ROWS["x"]))
    design = bm.prepare(f"m ~ {curve}", table)
    values = {"beta": np.linspace(0.5, 1.0, len(design.mu.population.labels)), "sigma": 1.0}
    values |= {design.mu.b(block): 0.3 * np.ones(block.shape) for block in design.mu.normal_blocks}
    fit = fit_at(design, values | {design.mu.sd(block): 1.0 for block in design.mu.normal_blocks})
    assert np.all(np.isfinite(bm.slopes(fit, average=False).table["mean"]))


@pytest.mark.parametrize(
    ("form", "expected"), [("slope", None), ("semi_elasticity", 0.4), ("elasticity", 0.4 * ROWS["x"].mean())]
)
def test_relative_slopes_under_a_log_link_are_coefficients(form, expected):
    fit = fit_at(bm.prepare("c ~ x", ROWS, family="poisson"), {"beta": [-1.0, 0.4]})
    if expected is None:
        expected = 0.4 * np.exp(-1.0 + 0.4 * ROWS["x"]).mean()
    np.testing.assert_allclose(middles(bm.slopes(fit, form=form)), expected, rtol=1e-6)


def test_all_numbers_of_the_formulas_have_slopes_and_factors_have_none():
    fit = fit_at(bm.prepare("m ~ x + z + f", ROWS), {"beta": [0.0, 1.0, 2.0, 3.0], "sigma": 1.0}, jitter=0.1)
    found = bm.slopes(fit)
    assert found.table["variable"].tolist() == ["x", "z"]
    np.testing.assert_allclose(found.draws.values, fit.posterior["beta"].values[..., 1:3], rtol=1e-6)
    with pytest.raises(bm.SpecError, match=r"is a factor and has no slope; bm.comparisons"):
        bm.slopes(fit, "f")
    with pytest.raises(bm.SpecError, match="Did you mean 'semi_elasticity'"):
        bm.slopes(fit, form="semi-elasticity")
