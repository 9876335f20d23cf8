"""Combinations of factor levels that no row has: refused, or the model is fitted without their coefficients."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from typer.testing import CliRunner

import bayesmixed as bm
from bayesmixed.cli import app
from bayesmixed.design.stated_coordinates import place_population
from bayesmixed.fits.refitting import change_design
from bayesmixed.parameter_keys import VariableNames
from bayesmixed.spec.files import spec_from_toml, spec_to_toml
from bayesmixed.terms.basis import map_to_written
from bayesmixed.terms.empty_cells import all_columns

ROWS = 144
COMPLETE = pd.DataFrame(
    {
        "f": np.array(list("abc"))[np.arange(ROWS) % 3],
        "k": np.array(["none", "u", "v", "w"])[np.arange(ROWS) // 3 % 4],
        "g": np.array(list("ABCDEF"))[np.arange(ROWS) // 12 % 6],
        "z": np.arange(ROWS) // 24 % 2,
        "x": np.sin(np.arange(ROWS)) + 3.0,
    }
)
COMPLETE["y"] = np.cos(np.arange(ROWS) ** 1.3) + COMPLETE["x"] + (COMPLETE["f"] == "b") * 2.0
COMPLETE["count"] = np.arange(ROWS) % 5
COMPLETE["rating"] = np.arange(ROWS) % 7 % 3 + 1


def without(*cells):
    """Return the rows without some combinations of f and k."""
    empty = [(COMPLETE["f"] == f) & (COMPLETE["k"] == k) for f, k in cells]
    return COMPLETE[~np.any(empty, axis=0)].reset_index(drop=True)


ONE = without(("b", "none"))
FOUR = without(("a", "none"), ("a", "w"), ("b", "none"), ("c", "u"))


def prepared(formula, data, **fields):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, **{"empty_cells": "drop"} | fields), data)


@pytest.mark.parametrize(
    ("formula", "dropped"),
    [
        # R 4.2: names(which(is.na(coef(lm(formula, FOUR)))))
        ("y ~ f*k + x", ["f[T.c]:k[T.u]", "f[T.c]:k[T.v]", "f[T.b]:k[T.w]", "f[T.c]:k[T.w]"]),
        (
            "y ~ x*f*k",
            [f"{x}{label}" for x in ("", "x:") for label in ("f[T.c]:k[T.u]", "f[T.c]:k[T.v]", "f[T.b]:k[T.w]")]
            + ["f[T.c]:k[T.w]", "x:f[T.c]:k[T.w]"],
        ),
        ("y ~ f/k", ["f[c]:k[T.u]", "f[a]:k[T.v]", "f[a]:k[T.w]", "f[b]:k[T.w]"]),
        ("y ~ 0 + f:k", ["f[a]:k[none]", "f[b]:k[none]", "f[c]:k[u]", "f[a]:k[w]"]),
        ("y ~ k/f + x:f", ["k[none]:f[T.b]", "k[none]:f[T.c]", "k[u]:f[T.c]", "k[w]:f[T.c]"]),
        ("y ~ f + k + x", []),
    ],
)
def test_the_columns_that_go_are_those_that_lm_of_r_drops(formula, dropped):
    block = prepared(formula, FOUR).mu.population
    assert sorted(set(block.state.labels) - set(block.labels)) == sorted(dropped)
    assert np.linalg.matrix_rank(block.matrix) == len(block.labels) == block.transform.shape[1]


@pytest.mark.parametrize("formula", ["y ~ f*k", "y ~ k*f", "y ~ f/k", "y ~ 0 + f:k", "y ~ C(f, contr.sum)*k"])
@pytest.mark.parametrize("data", [ONE, FOUR], ids=["one", "four"])
def test_fitted_values_are_those_of_a_mean_for_each_cell_that_has_rows(formula, data):
    cells = pd.get_dummies(data["f"] + data["k"]).to_numpy(float)
    matrix = prepared(formula, data).mu.population.matrix
    np.testing.assert_allclose(matrix @ np.linalg.pinv(matrix), cells @ np.linalg.pinv(cells), atol=1e-10)


def law_of_predictor(design, parameter="mu"):
    """Return mean and covariance of the default prior of a predictor over the rows."""
    predictor = design.predictors[parameter]
    priors = design.coefficient_priors(predictor)
    mean, sd = (np.array([prior.arguments[k] for prior in priors]) for k in (0, 1))
    matrix = predictor.centred_matrix
    written = predictor.population.matrix - (predictor.centre if predictor.cut else 0.0)
    np.testing.assert_allclose(matrix, written @ predictor.transform, atol=1e-9)
    return matrix @ mean, (matrix * sd**2) @ matrix.T


@pytest.mark.parametrize("formula", ["y ~ f*k", "y ~ x*f*k", "y ~ f*k + f*z + x", "y ~ 0 + f:k"])
def test_the_default_prior_of_the_rows_is_that_without_dropping(formula):
    design = prepared(formula, FOUR)
    block, state = design.mu.population, design.mu.population.state
    whole = np.asarray(state.matrix(design.table), dtype=float)
    full = replace(
        block,
        labels=state.labels,
        matrix=whole,
        reduction=all_columns(len(state.labels)),
        written=map_to_written(state, block.basis, design.table),
        written_means=whole.mean(axis=0),
    )
    found = place_population(design.spec, full, VariableNames(""), ratio=1.0, cut=False)
    slope = design.priors["beta[Intercept_centred]"].prior.arguments[1]
    root = found.coordinate_matrix * found.coordinates.units * slope
    np.testing.assert_allclose(law_of_predictor(design)[1], root @ root.T, rtol=1e-9, atol=1e-9 * slope**2)


@pytest.mark.parametrize("formula", ["y ~ f*k", "y ~ x*f*k", "y ~ f/k"])
def test_the_default_prior_of_the_rows_does_not_hang_on_the_reference_level(formula):
    mean, covariance = law_of_predictor(prepared(formula, FOUR))
    turned = FOUR.assign(f=pd.Categorical(FOUR["f"], list("cba")), k=pd.Categorical(FOUR["k"], ["w", "none", "v", "u"]))
    other, changed = law_of_predictor(prepared(formula, turned))
    np.testing.assert_allclose(other, mean, atol=1e-9)
    np.testing.assert_allclose(changed, covariance, rtol=1e-9, atol=1e-9)


def test_without_the_word_the_combination_is_named_with_the_way_out():
    with pytest.raises(bm.DataError, match=r'no rows with f = b and k = none.*empty_cells="drop"'):
        bm.prepare("y ~ f*k", ONE)


def test_two_valued_numbers_have_cells_too():
    data = COMPLETE.assign(w=(COMPLETE["f"] == "a").astype(int)).query("w == 0 or z == 0")
    with pytest.raises(bm.DataError, match="no rows with z = 1 and w = 1"):
        bm.prepare("y ~ z*w", data)
    assert prepared("y ~ z*w", data).mu.population.labels == ("Intercept", "z", "w")


def test_what_goes_is_said_in_a_note():
    with pytest.warns(
        bm.StatisticsWarning, match=r"no rows with f = b and k = none.*without 'beta\[f\[T.b\]:k\[T.w\]\]'"
    ):
        bm.prepare(bm.from_formula("y ~ f*k", empty_cells="drop"), ONE)


def test_complete_data_lose_nothing():
    assert prepared("y ~ f*k", COMPLETE).priors == prepared("y ~ f*k", COMPLETE, empty_cells="error").priors


def test_columns_that_depend_on_each_other_for_another_reason_stay_refused():
    with pytest.raises(bm.DataError, match="collinear"):
        prepared("y ~ f*k + x + twice", ONE.assign(twice=2 * ONE["x"]))


def test_columns_of_group_terms_are_refused_with_the_combination():
    with pytest.raises(
        bm.DataError, match=r"no rows with f = b and k = none.*Leave the interaction out of the group term"
    ):
        prepared("y ~ f + k + (f*k | g)", ONE)


@pytest.fixture
def fitted():
    design = prepared("y ~ f*k + x + (1 | g)", ONE)
    values = np.arange(1.0, 1.0 + len(design.mu.population.labels))
    return fit_at(design, {"beta": values, "sd_g": 0.5, "sigma": 1.0}, jitter=0.01)


def test_predictions_of_an_empty_combination_are_refused_and_others_are_right(fitted):
    rows = pd.DataFrame({"f": ["a", "b"], "k": ["none", "none"], "x": [1.0, 2.0], "g": ["A", "A"]})
    with pytest.raises(
        bm.DataError, match=r"no rows with f = b and k = none.*1 of 2 rows is not estimable \(first: row 1"
    ):
        bm.predict(fitted, rows)
    known = bm.predict(fitted, ONE.drop(columns="y"))["mean"].values
    np.testing.assert_allclose(known, bm.predict(fitted)["mean"].values)


@pytest.mark.parametrize("unit", [1e-60, 1e-9, 1e9, 1e60])
def test_columns_that_go_and_rows_that_stay_open_are_the_same_in_every_unit(unit):
    formula, data = "y ~ f * k * x", without(("b", "none"))
    plain, scaled = (prepared(formula, data.assign(x=data["x"] * size)).mu.population for size in (1.0, unit))
    assert scaled.reduction.kept == plain.reduction.kept
    state = prepared(formula, COMPLETE).mu.population.matrix
    empty = np.array((COMPLETE["f"] == "b") & (COMPLETE["k"] == "none"))
    size = np.where([label.endswith("x") for label in prepared(formula, COMPLETE).mu.population.labels], unit, 1.0)
    np.testing.assert_array_equal(scaled.reduction.open_part(state * size).any(axis=1), empty)


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
    with pytest.raises(bm.SpecError, match=r'on the scale of the link: kind="linear"'):
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


@pytest.mark.parametrize(
    ("formula", "fields"),
    [
        ("count ~ f*k + (1 | g)", {"family": "poisson"}),
        ("rating ~ f*k", {"family": "cumulative"}),
        ("y ~ x", {"sigma": "~ f*k"}),
        ("y ~ f*k", {"priors": {"beta[Intercept]": "Normal(0, 1)", "beta[f[T.b]]": "Normal(0, 2)"}}),
        ("y ~ f*k", {"priors": {"beta": "Normal(0, 1)"}}),
    ],
)
def test_every_predictor_and_way_of_stating_priors_can_do_without_columns(formula, fields):
    design = prepared(formula, FOUR, **fields)
    for predictor in design.predictors.values():
        square = predictor.transform
        assert square.shape == (len(predictor.population.labels),) * 2
        assert np.linalg.matrix_rank(square) == len(square)
    assert len(bm.build(design).initial_point())


def test_ordered_responses_have_the_same_prior_of_the_rows_under_other_reference_levels():
    turned = FOUR.assign(f=pd.Categorical(FOUR["f"], list("cba")))
    laws = [law_of_predictor(prepared("rating ~ f*k", data, family="cumulative"))[1] for data in (FOUR, turned)]
    np.testing.assert_allclose(laws[0], laws[1], rtol=1e-9, atol=1e-9)


def test_the_word_travels_in_files_and_from_the_command_line(tmp_path):
    spec = bm.from_formula("y ~ f*k", empty_cells="drop")
    assert spec_from_toml(spec_to_toml(spec)) == spec
    assert bm.from_formula(**spec.as_formula()) == spec
    assert spec.update("~ . + x").empty_cells == "drop"
    ONE.to_csv(tmp_path / "one.csv", index=False)
    arguments = ["show", "y ~ f*k", "--data", str(tmp_path / "one.csv")]
    assert CliRunner().invoke(app, arguments).exit_code == 1
    assert CliRunner().invoke(app, [*arguments, "--empty-cells", "drop"]).exit_code == 0
    with pytest.raises(bm.SpecError, match="'empty_cells': 'ignore' is not known"):
        bm.from_formula("y ~ f*k", empty_cells="ignore")


def test_a_refit_on_other_cells_keeps_the_prior_of_its_rows(fitted):
    with pytest.warns(bm.StatisticsWarning, match="no rows"):
        again = change_design(fitted.design, {}, FOUR)[0]
    assert {again.priors[key] for key in again.priors if "cells" in key} <= {
        fitted.design.priors[key] for key in fitted.design.priors if "cells" in key
    }


@pytest.mark.parametrize("span", [5, 20])
@pytest.mark.parametrize(("formula", "cell"), [("y ~ {}*f", ["f"]), ("y ~ {}*f*k", ["f", "k"])])
def test_cubes_of_years_in_products_are_not_taken_for_collinear(span, formula, cell):
    data = pd.concat([ONE] * 5, ignore_index=True)
    data["year"] = 2000.0 + np.arange(len(data)) // 12 % span
    design = prepared(formula.format("(year + I(year^2) + I(year^3))"), data)
    cells = pd.get_dummies(data[cell].agg("".join, axis=1)).to_numpy(float)
    powers = np.vander((data["year"] - 2002.0) / span, 4)
    wanted = np.linalg.qr((cells[:, :, None] * powers[:, None, :]).reshape(len(data), -1))[0]
    found = np.linalg.qr(design.mu.centred_matrix)[0]
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found @ (found.T @ wanted), wanted, atol=1e-5)


def test_powers_of_two_years_are_collinear():
    data = ONE.assign(year=2000.0 + np.arange(len(ONE)) // 12 % 2)
    with pytest.raises(bm.DataError, match="collinear"):
        prepared("y ~ (year + I(year^2))*f", data)


def test_a_factor_that_other_factors_determine_is_refused_beside_an_empty_combination():
    data = ONE.assign(h=np.where((ONE["f"] == "a") == (ONE["k"] == "u"), "m", "n"))
    with pytest.raises(bm.DataError, match="collinear"):
        prepared("y ~ h + f*k", data)
    free = ONE.assign(h=np.array(["m", "n"])[np.arange(len(ONE)) // 12 % 2])
    block = prepared("y ~ h*x + f*k", free).mu.population
    assert {*block.state.labels} - {*block.labels} == {*prepared("y ~ f*k", ONE).mu.population.state.labels} - {
        *prepared("y ~ f*k", ONE).mu.population.labels
    }


def test_a_slope_in_a_combination_of_one_row_is_left_open_in_words():
    few = (ONE["f"] == "c") & (ONE["k"] == "w")
    design = prepared("y ~ x*f*k", pd.concat([ONE[~few], ONE[few].iloc[:1]], ignore_index=True))
    assert np.linalg.matrix_rank(design.mu.population.matrix) == len(design.mu.population.labels)
    fit = fit_at(design, {"beta": np.ones(len(design.mu.population.labels)), "sigma": 1.0})
    with pytest.raises(bm.DataError, match="The fit has no rows with enough values to tell all its coefficients"):
        bm.predict(fit, pd.DataFrame({"f": ["c"], "k": ["w"], "x": [99.0]}))
