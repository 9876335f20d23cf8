"""Surfaces: smooths of two covariates in formulas, on data, and in whole models."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError, StatisticsWarning

NUMBERS = np.arange(40)


def rows():
    made = pd.DataFrame({"x": (NUMBERS * 0.618034) % 1, "z": (NUMBERS * 0.754878) % 1, "g": NUMBERS % 5}).round(3)
    made.loc[:1, "x"] = 0.0, 1.0
    return made.assign(y=(np.sin(3 * made["x"]) * made["z"] + np.cos(7 * NUMBERS) / 10).round(3))


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("y ~ s(x, z, w)", "one covariate or two"),
        ("y ~ s(x, z, by=g)", "a surface has no by="),
        ("y ~ s(x, x)", "both covariates are the same"),
        ("y ~ s(x, z, k=3)", "at least k=4"),
        ("y ~ s(x, z, k=many)", "k is a whole number"),
        ("y ~ s(x, z, m=1)", "option 'm' is not known"),
        ("y ~ s(scale(x), z)", "learns from the data"),
        ("y ~ 2 * s(x, z)", "a term of its own"),
    ],
)
def test_what_cannot_be_a_surface_is_refused(formula, said):
    with pytest.raises(SpecError, match=said):
        bm.from_formula(formula)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"z": 1.0}, "'z' is 1 in every row"),
        ({"z": "a"}, "holds no numbers"),
        ({"z": lambda d: 3.0 - 2.0 * d["x"]}, "on one line"),
        (
            {"x": lambda d: d["x"].round(), "z": lambda d: d["z"].round()},
            "4 different points, fewer than k=12. Write k=4",
        ),
    ],
)
def test_data_that_do_not_allow_it_are_refused(change, said):
    with pytest.raises(DataError, match=said):
        bm.prepare("y ~ s(x, z, k=12)", rows().assign(**change))


def test_covariates_in_different_units_are_pointed_out():
    assert not bm.check_data("y ~ s(x, z, k=12)", rows()).notes
    notes = bm.check_data("y ~ s(x, z, k=12)", rows().assign(z=rows()["z"] * 1000)).notes
    assert any("the same unit" in note for note in notes)


def test_new_rows_take_the_surface_of_the_fit_and_rows_beyond_it_are_pointed_out():
    design = bm.prepare("y ~ s(x, z, k=12)", rows())
    fit = fit_at(design, {"sigma": 0.1}, jitter=0.1)
    known = bm.predict(fit)["mean"].values
    np.testing.assert_allclose(bm.predict(fit, rows().iloc[::-1])["mean"].values[..., ::-1], known, atol=1e-10)
    with pytest.warns(StatisticsWarning, match="1 of 1 rows lie beyond the ranges 0 to 1 and 0 to"):
        bm.predict(fit, {"x": [2.0], "z": [0.5]})


def test_a_surface_is_no_curve_and_its_picture_is_named():
    fit = fit_at(bm.prepare("y ~ s(x, z, k=12)", rows()), {"sigma": 0.1}, jitter=0.1)
    for function in (bm.smooth_curves, bm.plot_smooth):
        with pytest.raises(SpecError, match=r"bm.plot_surface\(fit, 'x:z'\)"):
            function(fit)
    assert bm.plot_surface(fit, "x:z").axes[0].get_ylabel() == "z"
    assert "edf 2: a plane" in str(bm.summary(fit))


@pytest.mark.slow
def test_a_fit_agrees_with_mgcv():
    """p <- predict(gam(y ~ s(x, z, k = 20), data = d, method = "REML"), data.frame(x = c(.2, .5, .8), z = c(.7, .5, .2)),
    se.fit = TRUE), sqrt(m$sig2), sum(m$edf)."""
    fit = bm.fit("y ~ s(x, z, k=20)", rows(), draws=500, seed=1, progress=False)
    made = bm.predict(fit, {"x": [0.2, 0.5, 0.8], "z": [0.7, 0.5, 0.2]})["mean"]
    error = np.array([0.02346372, 0.02036135, 0.01806306])
    expected = np.array([0.4131304, 0.4704523, 0.09227969])
    np.testing.assert_array_less(np.abs(made.mean(("chain", "draw")) - expected), 0.15 * error)
    np.testing.assert_allclose(made.std(("chain", "draw")), error, rtol=0.15)
    assert float(fit.posterior["sigma"].mean()) == pytest.approx(0.0317, rel=0.12)
    assert bm.smooth_effects(fit, draws=50)["mean"].iloc[0] == pytest.approx(19.17 - 1.0, abs=0.7)


@pytest.mark.slow
def test_engines_agree_on_a_surface_beside_groups():
    data = rows().assign(k=np.random.default_rng(1).poisson(3.0, 40))
    fits = [
        bm.fit("k ~ s(x, z, k=8) + (1 | g)", data, family="poisson", engine=engine, draws=500, seed=2, progress=False)
        for engine in ("kernel", "pymc")
    ]
    tables = [bm.tidy(fit).set_index("term") for fit in fits]
    error = sum(table["std.error"] ** 2 / table["ess"] for table in tables) ** 0.5
    assert ((tables[0]["estimate"] - tables[1]["estimate"]).abs() < 4.5 * error).all()
