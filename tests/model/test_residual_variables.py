"""Correlated residuals in PyMC models: free variables, and joint draws of the rows."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm


def trial() -> pd.DataFrame:
    """Return subjects with some visits each, one of which lacks its second."""
    rows = [(f"s{s}", v) for s in range(6) for v in (1, 2, 3)]
    data = pd.DataFrame(rows, columns=["s", "v"]).drop(index=[4]).reset_index(drop=True)
    return data.assign(y=np.exp(np.random.default_rng(1).normal(size=17)))


@pytest.mark.parametrize(
    ("residual", "free"),
    [
        ("us(v | s)", ["centred_beta_sigma", "partial_corr_residual"]),
        ("ar1(v | s)", ["sigma", "ar1_residual"]),
        ("homtoep(v | s)", ["sigma", "pacf1_residual", "pacf2_residual"]),
        ("homcs(1 | s)", ["sigma", "rho_residual"]),
        ("ou(v | s)", ["sigma", "range_residual"]),
    ],
)
def test_free_variables_are_the_parameters(residual: str, free: list[str]) -> None:
    model = bm.build(bm.prepare("y ~ 1", trial(), residual=residual))
    assert [variable.name for variable in model.free_RVs] == ["beta", *free]


@pytest.mark.filterwarnings("ignore:Numba will use object mode")
def test_pymc_draws_rows_of_a_group_together() -> None:
    import pymc as pm

    design = bm.prepare("y ~ 1", trial(), residual="us(v | s)", family="lognormal", sigma="~ 1")
    corr = np.array([[1.0, 0.8, -0.3], [0.8, 1.0, 0.1], [-0.3, 0.1, 1.0]])
    model = bm.build(design)
    (rows,) = model.observed_RVs
    values = {"beta": [0.5], "beta_sigma": [np.log(0.7)], "corr_residual": corr}
    posterior = fit_at(design, values).to_datatree(pymc=True)["posterior"]
    fixed = {name: posterior[name].values[0, 0] for name in (v.name for v in model.free_RVs)}
    with model:
        given = pm.do(model, fixed)
    drawn = pm.draw(given[rows.name], draws=4000, random_seed=1)
    working = np.log(drawn)
    np.testing.assert_allclose(working.mean(axis=0), 0.5, atol=0.05)
    found = np.cov(working[:, :3].T) / 0.49
    np.testing.assert_allclose(found, corr, atol=0.06)
    assert abs(np.corrcoef(working[:, 0], working[:, 3])[0, 1]) < 0.05
