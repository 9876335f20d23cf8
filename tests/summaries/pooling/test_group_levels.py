"""The level of each group where columns are at their means."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.summaries.pooling.group_levels import levels_at_means

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
SLEEP = bm.datasets.load("sleepstudy")


def at_means(fit, name):
    return levels_at_means(fit, name, bm.shrinkage(fit))


def test_levels_of_lines_are_their_values_at_the_mean():
    values = {"beta": [251.0, 10.0], "sd_Subject": [24.0, 6.0], "corr_Subject": [[1, 0.1], [0.1, 1]], "sigma": 25.0}
    effects = np.column_stack([np.linspace(-30, 30, 18), np.linspace(8, -8, 18) ** 3 / 60])
    fit = fit_at(bm.prepare("Reaction ~ Days + (Days | Subject)", SLEEP), values | {"b_Subject": effects})
    table, where = at_means(fit, "Subject")
    assert where == "Days is 4.5"
    np.testing.assert_allclose(table["mean"], 251.0 + 45.0 + effects @ [1.0, 4.5])
    # A line fitted to a subject's own rows, and one fitted to all of them, passes through the means of both axes.
    np.testing.assert_allclose(table["no_pooling"], SLEEP.groupby("Subject", sort=True)["Reaction"].mean(), rtol=1e-6)
    np.testing.assert_allclose(table["complete_pooling"], SLEEP["Reaction"].mean(), rtol=1e-3)
    covariance = np.array([[24.0**2, 0.1 * 24 * 6], [0.1 * 24 * 6, 36.0]])
    z, lines = np.array([1.0, 4.5]), np.column_stack([np.ones(10), np.arange(10)])
    after = np.linalg.inv(np.linalg.inv(covariance) + lines.T @ lines / 25.0**2)
    np.testing.assert_allclose(table["factor"], 1.0 - (z @ after @ z) / (z @ covariance @ z))


def test_curves_and_first_levels_enter_and_offsets_do_not():
    row = np.arange(60)
    data = pd.DataFrame(
        {"x": row % 10 / 3.0, "f": np.tile(list("ab"), 30), "t": 5.0, "g": np.repeat(list("ABCDEF"), 10)}
    )
    data["y"] = (row * 7) % 5
    data["z"] = np.cos(row)
    spec = bm.from_formula("y ~ f + s(x, k=4) + offset(log(t)) + (1 | g)", family="zero_inflated_poisson", zi="~ z")
    fit = fit_at(bm.prepare(spec, data), {"sd_g": 0.5, "sd_s(x)": 0.5}, jitter=0.1)
    table, where = at_means(fit, "g")
    assert where == "f is a, x is 1.5"
    rows = pd.DataFrame({"x": [1.5] * 6, "f": "a", "t": 1.0, "z": 0.0, "g": list("ABCDEF")})
    expected = bm.predict(fit, rows, kind="linear", groups="existing")["linear"].mean(("chain", "draw"))
    np.testing.assert_allclose(table["mean"], expected, atol=1e-9)


def test_without_columns_or_without_an_intercept_nothing_moves():
    plain = fit_at(bm.prepare("Reaction ~ 1 + (1 | Subject)", SLEEP), {"sd_Subject": 20.0, "sigma": 40.0})
    slopes = fit_at(bm.prepare("Reaction ~ Days + (0 + Days | Subject)", SLEEP), {"sd_Subject": 6.0, "sigma": 40.0})
    assert at_means(plain, "Subject") is None
    assert at_means(slopes, "Subject") is None
