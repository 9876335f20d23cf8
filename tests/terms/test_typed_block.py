"""Blocks of levels of several types: every answer that depends on the type."""

import numpy as np
import pytest
from typed_groups import SDS, fitted, table

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError


def test_new_groups_have_the_sd_of_the_type_of_their_rows():
    fit = fitted(jitter=0.0)
    rows = table().iloc[[0, 5]].assign(g=["new 1", "new 2"])
    for mode in ("new", "any"):
        spread = bm.predict(fit, rows, groups=mode, kind="linear", seed=1, draws=None)
        values = next(iter(spread.data_vars.values())).values.reshape(-1, 2)
        assert np.allclose(values.std(axis=0), SDS, rtol=0.3)


def test_averages_over_groups_take_the_variance_of_the_type():
    fit = fitted("count ~ f + (1 | gr(g, by=f))", "poisson", jitter=0.0)
    table_of = bm.marginal_means(fit, "f").table["median"].to_numpy()
    beta = fit.posterior["beta"].values[0, 0]
    assert np.allclose(table_of, np.exp(beta[0] + np.array([0.0, beta[1]]) + SDS**2 / 2), rtol=1e-6)


def test_a_group_has_the_effects_of_its_type_alone():
    fit = fitted("y ~ f + x + (1 + x | gr(g, by=f))")
    effects = bm.group_effects(fit)
    assert len(effects) == 24
    types = table().drop_duplicates("g").set_index("g")["f"]
    assert all(
        effect.startswith(f"f[{types[level]}]")
        for level, effect in zip(effects["level"], effects["effect"], strict=True)
    )
    draws = bm.group_effects(fit, draws=True)["b_g"]
    assert int(np.isfinite(draws.values[0, 0]).sum()) == 24
    assert len(bm.shrinkage(fit)) == 24
    assert len(bm.tidy(fit, "ran_vals")) == 24
    assert "24 g effects predicted" in str(bm.summary(fit))
    assert len(bm.group_ranks(fit, effect="f[a]:x").table) == 4


def test_pooling_is_compared_in_the_groups_of_each_type():
    found = bm.compare_pooling("y ~ x + (1 | gr(g, by=f))", table(), draws=20, chains=2, seed=1, progress=False).table
    assert found.groupby(["pooling", "effect"]).size().tolist() == [4, 8] * 3
    assert np.isfinite(found["mean"]).all()


def test_shrinkage_is_that_of_each_type_fitted_alone():
    data, fit = table(), fitted(jitter=0.0)
    found = bm.shrinkage(fit).set_index("level")
    for level, sd in (("g0", SDS[0]), ("g1", SDS[1])):
        assert found.loc[level, "factor"] == pytest.approx(5 * sd**2 / (5 * sd**2 + 1.0))
    left = data["y"] - fit.posterior["beta"].values[0, 0] @ fit.design.mu.population.matrix.T
    own = left.groupby(data["g"]).mean()
    beta = fit.posterior["beta"].values[0, 0]
    assert found.loc["g0", "no_pooling"] == pytest.approx(own["g0"] + beta[0])
    assert found.loc["g1", "no_pooling"] == pytest.approx(own["g1"] + beta[0] + beta[1])


def test_effects_of_another_type_than_that_of_the_fit_are_refused():
    fit, rows = fitted(), table().iloc[:2].assign(f="b")
    for mode in ("existing", "any"):
        with pytest.raises(SpecError, match="Level 'g0' of 'g' has 'f' b in 2 rows and a in the fit"):
            bm.predict(fit, rows, groups=mode)
    bm.predict(fit, rows, groups="new")
    with pytest.raises(SpecError, match="Level 'g1' of 'g' has 'f' a"):
        bm.comparisons(fit, groups="existing")
    with pytest.raises(DataError, match="the model was not fitted to"):
        bm.predict(fit, rows.assign(f="z"), groups="new")


def test_existing_groups_stand_in_grids_with_their_own_type():
    fit = fitted(jitter=0.0)
    found = bm.marginal_means(fit, "f", groups="existing").table["mean"].to_numpy()
    beta, b = fit.posterior["beta"].values[0, 0], fit.posterior["b_g"].values[0, 0]
    at = beta[2] * table()["x"].mean()
    assert np.allclose(
        found, [beta[0] + at + b[::3, 0].mean(), beta[0] + beta[1] + at + b[[1, 2, 4, 5, 7, 8, 10, 11], 1].mean()]
    )
    assert np.isfinite(bm.marginal_means(fit, "x", groups="existing", at={"f": "a"}).table["mean"]).all()


def test_the_population_of_groups_is_of_one_type():
    fit = fitted(jitter=0.0)
    with pytest.raises(SpecError, match=r'State it: at=\{"f": "a"\}'):
        bm.future_group(fit)
    for level, sd in zip("ab", SDS, strict=True):
        found = bm.future_group(fit, at={"f": level}).table.set_index("quantity")["mean"]
        assert found["SD"] == pytest.approx(sd)


def test_types_that_are_numbers_stand_in_grids_as_labels_do():
    numbers = table().assign(f=lambda own: (own["f"] == "b").astype(float))
    formula = "y ~ f + x + (1 + x | gr(g, by=f))"
    labelled, numbered = fitted(formula, jitter=0.0), fitted(formula, jitter=0.0, data=numbers)
    for groups in ("average", "existing"):
        one = bm.conditional_effects(labelled, "x", groups=groups, at={"f": "b"}).table
        other = bm.conditional_effects(numbered, "x", groups=groups, at={"f": 1.0}).table
        assert np.allclose(one["mean"], other["mean"])
    assert np.isfinite(bm.conditional_effects(numbered, "x", groups="existing").table["mean"]).all()
    assert "f = 1 (value nearest to the mean)" in str(bm.conditional_effects(numbered, "x"))
    assert bm.comparisons(numbered, "f").table["mean"].item() == pytest.approx(
        numbered.posterior["beta"].values[0, 0, 1]
    )
    with pytest.raises(SpecError, match="no slope here"):
        bm.slopes(numbered, "f")
    assert list(bm.slopes(numbered).table["variable"]) == ["x"]


def test_curves_of_variance_shares_say_of_which_type_they_are():
    formula = "y ~ f + x + (1 + x | gr(g, by=f))"
    numbers = table().assign(f=lambda own: (own["f"] == "b").astype(float))
    for fit, label in ((fitted(formula, jitter=0.0), "b"), (fitted(formula, jitter=0.0, data=numbers), "1")):
        curve = bm.vpc_curve(fit, "x")
        variance = SDS[1] ** 2 * (1.0 + curve["value"] ** 2)
        assert np.allclose(curve["mean"], variance / (variance + 1.0))
        assert curve.attrs["note"] == f"shares over x are of groups whose f is {label}: data= takes others"
