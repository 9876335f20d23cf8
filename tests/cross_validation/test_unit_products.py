"""Cross-products of the rows of units against sums over their rows."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import changed, fit_at
from unit_tables import ROWS, design_of

from bayesmixed.cross_validation.left_out_units import find_leaving
from bayesmixed.cross_validation.normal_units import normal_rows
from bayesmixed.cross_validation.unit_products import find_products
from bayesmixed.cross_validation.units import find_units

FAR = ROWS.assign(y=ROWS["y"] + 1e5, x=ROWS["x"] * 1e-3 + 40.0, pos=np.exp(ROWS["y"]), n=np.arange(24) % 3 + 1)
CASES = {
    "intercepts": ("y ~ x + (1 | g)", "gaussian"),
    "slopes": ("y ~ k + x + (x | g)", "gaussian"),
    "offsets": ("y ~ k + offset(x) + (1 | g)", "gaussian"),
    "logarithms": ("pos ~ x + (1 | g)", "lognormal"),
    "frequencies": ('y | weights(n, "frequency") ~ x + (1 | g)', "gaussian"),
}


@pytest.mark.parametrize("case", CASES)
def test_cross_products_say_what_sums_over_rows_say(case):
    design = design_of(*CASES[case], FAR)
    width = design.mu.groups[0].width
    values = {
        "sigma": 0.4,
        "sd_g": 0.7,
        "corr_g": 0.6 * np.eye(width) + 0.4,
        "beta": np.zeros(len(design.mu.population.labels)),
    }
    values["beta"][0] = 0.0 if case == "logarithms" else 1e5
    posterior = fit_at(design, values, jitter=0.02, draws=3).posterior
    leaving = find_leaving(design, find_units(design, "g", whole=True))
    expected = normal_rows(leaving.at(posterior)).sums
    known = find_products(leaving, posterior)
    found = known.sums(np.arange(3))
    for name in ("products", "shared", "log", "densities"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-6, atol=1e-7)
    if case != "frequencies":
        order = np.argsort(leaving.units.index, kind="stable")
        z, root, log_root = known.given_others(order, leaving.units.index[order])
        exact = normal_rows(leaving.at(posterior)).given_others(expected)
        np.testing.assert_allclose(z, exact[0][:, order], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(root, exact[1][:, order])
        np.testing.assert_allclose(np.exp(log_root), root)
    assert pd.Series(known.counts).sum() == design.observed.row_counts.sum()


@pytest.mark.parametrize(
    ("formula", "unit"),
    [("y ~ x + (1 | g) + (1 | k)", "g"), ("y ~ s(x) + (1 | g)", "g"), ("y ~ x + (1 | g/h)", "g"), ("y ~ x", "x")],
)
def test_other_effects_within_units_need_the_rows(formula, unit):
    design = design_of(formula, "gaussian")
    posterior = fit_at(design, {"sigma": 0.4, "sd_g": 0.5, "sd_k": 0.4, "sd_g:h": 0.3}).posterior
    assert find_products(find_leaving(design, find_units(design, unit)), posterior) is None


def test_columns_far_from_zero_lose_no_digits():
    deviation = np.random.default_rng(2).normal(size=len(ROWS))
    design = design_of("y ~ when + (1 | g)", "gaussian", ROWS.assign(when=1.7e9 + 10.0 * deviation))
    fit = fit_at(design, {"beta": [0.0, 0.0], "sigma": 0.8, "sd_g": 0.5}, draws=3)
    slopes = np.linspace(-0.1, 0.1, 6).reshape(2, 3)
    posterior = changed(fit, beta=lambda x: x.copy(data=np.stack([1.0 - 1.7e9 * slopes, slopes], axis=-1))).posterior
    leaving = find_leaving(design, find_units(design, "g", whole=True))
    found = find_products(leaving, posterior).sums(np.arange(3)).densities
    np.testing.assert_allclose(found, normal_rows(leaving.at(posterior)).sums.densities, atol=1e-5)
