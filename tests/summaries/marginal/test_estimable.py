"""Which cells and contrasts the rows of a fit determine, where some combinations of levels have no rows."""

import numpy as np
import pandas as pd
import pytest
from empty_cell_tables import ONE, fit_of_groups, prepared
from fixed_draws import fit_at

import bayesmixed as bm


def test_means_and_contrasts_leave_out_what_is_not_estimable_and_say_so(fitted):
    cells = bm.marginal_means(fitted, "f:k")
    assert len(cells.table) == 11
    assert "Not estimable: f = b and k = none" in str(cells)
    by_hand = bm.predict(fitted, cells.table[["f", "k"]].assign(x=ONE["x"].mean(), g="A"), groups="average")["mean"]
    np.testing.assert_allclose(cells.draws.values, by_hand.values)
    assert bm.marginal_means(fitted, "f").table["f"].tolist() == ["a", "c"]
    assert bm.marginal_means(fitted, "f", at={"k": ["u", "v"]}).table["f"].tolist() == ["a", "b", "c"]
    pairs = bm.contrasts(fitted, "k", by="f").table
    assert pairs.groupby("f").size().to_dict() == {"a": 6, "b": 3, "c": 6}
    assert not pairs.query("f == 'b'")["contrast"].str.contains("none").any()
    own = bm.contrasts(fitted, "f", method={"c - a": [-1, 0, 1]})
    np.testing.assert_allclose(own.draws.values[..., 0], np.diff(bm.marginal_means(fitted, "f").draws.values)[..., 0])


@pytest.mark.parametrize(
    ("effect", "at"), [("f:k", None), ("k:f", None), ("f", {"k": "none"}), ("f", {"f": ["c", "a"]})]
)
def test_pictures_leave_out_what_is_not_estimable_too(fitted, effect, at):
    at = {"k": "u"} | at if effect == "f" and at and "k" not in at else at
    found = bm.conditional_effects(fitted, effect, at=at)
    axes = bm.plot_conditional_effects(fitted, effect, at=at).axes[0]
    points = [one for one in axes.collections if one.get_zorder() == 3]
    first = effect[0]
    drawn = np.concatenate([one.get_offsets() for one in points])
    assert len(drawn) == len(found.table)
    assert [text.get_text() for text in axes.get_xticklabels()] == list(dict.fromkeys(found.table[first]))
    np.testing.assert_allclose(np.sort(drawn[:, 1]), np.sort(found.table["mean"]))


def test_a_mean_over_an_empty_combination_is_refused_with_the_way_out(fitted):
    with pytest.raises(
        bm.SpecError, match=r"Not estimable: x = .*the fit has no rows with f = b and k = none.*Hold a column"
    ):
        bm.marginal_means(fitted, "x", at={"x": [1.0]})
    with pytest.raises(bm.SpecError, match=r"Not estimable: b - a \(the fit has no rows with f = b and k = none"):
        bm.contrasts(fitted, "f", method={"b - a": [-1, 1, 0]})
    with pytest.raises(bm.SpecError, match="Not estimable: the mean"):
        bm.future_group(fitted)
    assert len(bm.future_group(fitted, at={"k": "u"}).table)


@pytest.fixture(scope="module")
def fitted():
    return fit_of_groups()


def dummies(data, names):
    """Return the columns of all products of factors, and of these with x, as they are without any coding."""
    levels = {"f": list("abc"), "k": ["none", "u", "v", "w"]}
    columns = [(data[name].to_numpy()[:, None] == levels[name]).astype(float) for name in names if name in levels]
    product = np.ones((len(data), 1))
    for one in columns:
        product = (product[:, :, None] * one[:, None, :]).reshape(len(data), -1)
    return product * data[["x"]].to_numpy() if "x" in names else product


TERMS = {
    "y ~ x + f*k": ["", "x", "fk"],
    "y ~ x*f + f*k": ["", "xf", "fk"],
    "y ~ x*k + f*k": ["", "xk", "fk"],
    "y ~ x*f*k": ["", "x", "fk", "xfk"],
    "y ~ f + k + x:f:k": ["", "f", "k", "xfk"],
    "y ~ poly(x, 1) + C(f, contr.sum)*k": ["", "x", "fk"],
}


@pytest.mark.parametrize("formula", TERMS)
@pytest.mark.parametrize(
    ("effect", "by", "at"),
    [
        ("x", None, {"x": [1.0, 3.0]}),
        ("x", "f", {"x": [1.0, 3.0]}),
        ("x", "k", {"x": [1.0, 3.0]}),
        ("k", "f", {"x": [-1.0, 1.0]}),
        ("f", None, {"x": [-1.0, 1.0]}),
    ],
)
def test_a_contrast_is_there_where_its_row_is_a_combination_of_the_rows_of_the_fit(formula, effect, by, at):
    design = prepared(formula, ONE)
    fit = fit_at(design, {"beta": np.arange(1.0, 1.0 + len(design.mu.population.labels)), "sigma": 1.0}, jitter=0.01)
    values = {"f": list("abc"), "k": ["none", "u", "v", "w"], "x": at["x"]}
    outer = [None] if by is None else values[by]
    pairs = [(first, second) for j, first in enumerate(values[effect]) for second in values[effect][j + 1 :]]
    grid = pd.MultiIndex.from_product(values.values(), names=list(values)).to_frame(index=False)
    rows, cells = (np.hstack([dummies(data, one) for one in TERMS[formula]]) for data in (ONE, grid))
    inverse = np.linalg.pinv(rows)
    expected, eta = [], bm.predict(fit, kind="linear")["linear"].values
    for within in outer:
        inside = np.ones(len(grid), dtype=bool) if by is None else (grid[by] == within).to_numpy()
        for first, second in pairs:
            high, low = (cells[inside & (grid[effect] == one).to_numpy()].mean(axis=0) for one in (second, first))
            if np.allclose((high - low) @ inverse @ rows, high - low, atol=1e-8):
                expected.append(eta @ ((high - low) @ inverse))
    for kind in ("linear", "mean"):
        if not expected:
            with pytest.raises(bm.SpecError, match=r"Not estimable: .*the fit has no rows with f = b and k = none"):
                bm.contrasts(fit, effect, by=by, at=at, kind=kind)
            continue
        found = bm.contrasts(fit, effect, by=by, at=at, kind=kind)
        np.testing.assert_allclose(found.draws.values, np.stack(expected, axis=-1), atol=1e-9)
        assert ("Not estimable" in str(found)) == (len(expected) < len(pairs) * len(outer))


def test_behind_a_curve_what_is_open_does_not_cancel_and_a_note_says_where_it_does():
    design = prepared("count ~ x + f*k", ONE, family="poisson")
    values = 0.1 * np.arange(len(design.mu.population.labels))
    fit = fit_at(design, {"beta": values}, jitter=0.01)
    with pytest.raises(bm.SpecError, match=r'on the link scale: kind="linear"'):
        bm.contrasts(fit, "x", at={"x": [1.0, 2.0]})
    ratio = bm.contrasts(fit, "x", at={"x": [1.0, 2.0]}, kind="linear", ratio=True)
    np.testing.assert_allclose(ratio.draws.values[..., 0], np.exp(fit.posterior["beta"].sel(beta_effect="x").values))


def test_only_the_predictors_that_are_asked_for_need_rows():
    design = prepared("y ~ x + (1 | g)", ONE, sigma="~ f*k")
    width = len(design.predictors["sigma"].population.labels)
    fit = fit_at(design, {"beta": [1.0, 2.0], "sd_g": 0.5, "beta_sigma": np.zeros(width)}, jitter=0.01)
    rows = pd.DataFrame({"f": ["b"], "k": ["none"], "x": [1.0], "g": ["A"]})
    assert bm.predict(fit, rows)["mean"].shape[-1] == 1
    assert len(bm.marginal_means(fit, "f").table) == 3
    assert len(bm.future_group(fit).table)
    for kind in ("response", "sigma"):
        with pytest.raises(bm.DataError, match="no rows with f = b and k = none"):
            bm.predict(fit, rows, kind=kind)
    assert bm.contrasts(fit, "k", kind="sigma", by="f").table.groupby("f").size().to_dict() == {"a": 6, "b": 3, "c": 6}


def test_groups_have_ranks_and_curves_whatever_cells_are_empty(fitted):
    assert len(bm.group_ranks(fitted).table) == 6
    often = pd.concat([ONE, *[ONE[ONE["f"] == "b"]] * 3, *[ONE[ONE["k"] == "none"]] * 3], ignore_index=True)
    assert often[["f", "k"]].mode().iloc[0].tolist() == ["b", "none"]
    design = prepared("y ~ f*k + x + (x | g)", often)
    shares = fit_at(
        design,
        {"beta": np.zeros(len(design.mu.population.labels)), "sd_g": [0.5, 1.0], "corr_g": np.eye(2), "sigma": 1.0},
        jitter=0.01,
    )
    assert len(bm.vpc_curve(shares)) > 1
