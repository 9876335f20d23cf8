"""Group effects that the residual cannot be told from, by the algebra of their covariance."""

import numpy as np
import pandas as pd
import pytest
from empty_cell_tables import prepared

import bayesmixed as bm
from bayesmixed.preparation.residual_effects import spans_residual

PLOT = pd.DataFrame({"tray": np.repeat(list("ABCDEFGH"), 3), "fert": list("abc") * 8, "time": [0.0, 1.0, 2.0] * 8})
PLOT = PLOT.assign(y=np.sin(np.arange(24.0)), own=np.arange(24.0) ** 2, n=np.arange(24) % 4)
TWO = PLOT[PLOT["fert"] != "c"]
REFUSED = "can hold any difference between the rows of a level"


@pytest.mark.parametrize(
    ("formula", "data"),
    [
        ("y ~ fert + (fert | tray)", PLOT),
        ("y ~ fert + (0 + fert | tray)", PLOT),
        ("y ~ time + (time | tray)", TWO),
        ("y ~ time + (time + I(time^2) | tray)", PLOT),
        ("y ~ fert + (fert | tray)", PLOT.drop(index=[4, 11])),
    ],
)
def test_effects_that_take_up_any_residual_variance_are_refused(formula, data):
    with pytest.raises(bm.DataError, match=REFUSED):
        prepared(formula, data)
    assert prepared(formula, data, priors={"sigma": 1.5}).rows == len(data)


@pytest.mark.parametrize(
    ("formula", "data"),
    [
        ("y ~ fert + (1 | tray)", PLOT),
        ("y ~ fert + (fert || tray)", PLOT),
        ("y ~ time + (time | tray)", PLOT),
        ("y ~ own + (own | tray)", TWO),
        ("y ~ fert + (fert | tray)", pd.concat([PLOT, PLOT.iloc[[0]]], ignore_index=True)),
    ],
)
def test_what_the_rows_determine_is_fitted(formula, data):
    assert prepared(formula, data).rows == len(data)


def test_families_whose_variance_follows_from_the_mean_are_not_concerned():
    assert prepared("n ~ fert + (fert | tray)", PLOT, family="poisson").rows == 24


def test_the_covariance_that_does_it_exists():
    block = prepared("n ~ fert + (fert | tray)", PLOT, family="poisson").mu.groups[0]
    assert spans_residual(block)
    z = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 1.0]])
    np.testing.assert_allclose(z @ np.linalg.inv(z) @ np.linalg.inv(z).T @ z.T, np.eye(3), atol=1e-12)
