"""Combinations of factor levels that no row has: refused, or the model is fitted without their coefficients."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from empty_cell_tables import COMPLETE, FOUR, ONE, fit_of_groups, prepared, without
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


def test_predictions_of_an_empty_combination_are_refused_and_others_are_right():
    fitted = fit_of_groups()
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


def test_a_refit_on_other_cells_keeps_the_prior_of_its_rows():
    fitted = fit_of_groups()
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
    with pytest.raises(bm.DataError, match="The fit has no rows with enough values to determine all its coefficients"):
        bm.predict(fit, pd.DataFrame({"f": ["c"], "k": ["w"], "x": [99.0]}))
