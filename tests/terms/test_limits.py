"""What `cens()` and `trunc()` say, and the errors that name the rows where they cannot be."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.equations.text import write_equations
from bayesmixed.errors import DataError, SpecError
from bayesmixed.spec.files import spec_from_toml, spec_to_toml
from bayesmixed.terms.limits import Censoring, Truncation, read_statuses

Y = [1.0, 2.0, 3.5, 4.0, 5.5]


def table(**columns):
    return pd.DataFrame({"y": Y, "x": [0.1, 0.9, 0.3, 0.7, 0.5], **columns})


def prepared(formula, data, **options):
    return bm.prepare(bm.from_formula(formula, **options), data)


@pytest.mark.parametrize(
    "left",
    [
        "y | cens(s)",
        "y | cens(s, upper)",
        "y | cens(`my status`)",
        "y | trunc(0, 10)",
        "y | trunc(lower=0)",
        "y | trunc(upper=`my limit`)",
        "y | cens(s) + trunc(low, 10)",
        'y | weights(w, "likelihood") + cens(s)',
    ],
)
def test_limits_are_read_back_from_formulas_and_files(left):
    spec = bm.from_formula(f"{left} ~ x")
    assert spec.formula.startswith(left)
    assert bm.from_formula(spec.formula) == spec
    assert spec_from_toml(spec_to_toml(spec)) == spec
    assert bm.from_formula(**spec.as_formula()) == spec
    assert spec.update("~ . + z").limits == spec.limits


def test_limits_are_also_fields_of_files():
    text = (
        'response = "y"\ncensoring = {column = "s", upper = "u"}\ntruncation = {lower = 0}\n[predictors]\nmu = "~ x"\n'
    )
    assert spec_from_toml(text) == bm.from_formula("y | cens(s, u) + trunc(lower=0) ~ x")


def test_bounds_of_brms_are_read():
    assert bm.from_formula("y | trunc(lb = 0, ub = 3) ~ x").truncation == Truncation(lower=0.0, upper=3.0)
    assert bm.from_formula("y | trunc(-1.5) ~ x").truncation == Truncation(lower=-1.5)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y | cens() ~ x", "each a column"),
        ("y | cens(1 - e) ~ x", "each a column"),
        ("y | cens(a, b, c) ~ x", "each a column"),
        ("y | trunc() ~ x", "needs a bound"),
        ("y | trunc(3, 1) ~ x", "above the upper one"),
        ("y | trunc(1, lower=2) ~ x", r"write trunc\(lower, upper\)"),
        ("y | trunc(log(a)) ~ x", "a number or a column"),
        ("y | cens(s) + cens(t) ~ x", "given twice"),
        ("cens(y) ~ x", r"y \| cens\(status\)"),
        ("y ~ trunc(x)", r"y \| trunc\(lower, upper\)"),
    ],
)
def test_other_limits_are_refused(formula, message):
    with pytest.raises(SpecError, match=message):
        bm.from_formula(formula)


@pytest.mark.parametrize("family", ["cumulative", "bernoulli", "skew_normal", "ordered_beta", "beta_binomial"])
def test_families_without_tails_are_refused(family):
    left = "y | trials(n) + cens(s)" if family == "beta_binomial" else "y | cens(s)"
    with pytest.raises(SpecError, match="cannot be censored or truncated"):
        bm.from_formula(f"{left} ~ x", family=family)


def test_statuses_are_words_numbers_or_truth_values():
    words = ["none", "right", "left", "interval", "Right "]
    for cells in (words, ["0", "1", "-1", "2", "1"], [0, 1, -1, 2, 1], [0.0, 1.0, -1.0, 2.0, 1.0]):
        found = read_statuses(Censoring(column="s"), pd.DataFrame({"s": cells}))
        assert found.tolist() == ["none", "right", "left", "interval", "right"]
    truths = read_statuses(Censoring(column="s"), pd.DataFrame({"s": [True, False]}))
    assert truths.tolist() == ["right", "none"]


@pytest.mark.parametrize(
    "cells",
    [
        ["none", "none", "left", "right", "none"],
        [0, 0, -1, 1, 0],
        pd.Categorical(["none", "none", "left", "right", "none"]),
    ],
)
def test_limits_of_rows_follow_from_their_statuses(cells):
    design = prepared("y | cens(s) ~ x", table(s=cells))
    np.testing.assert_array_equal(
        design.observed.limits, [[np.nan, np.nan, -np.inf, 4.0, np.nan], [np.nan, np.nan, 3.5, np.inf, np.nan]]
    )
    assert design.row_text == "5 rows (1 right-censored, 1 left-censored)"


def test_upper_ends_may_be_missing_where_there_is_no_interval():
    data = table(s=["none", "interval", "right", "none", "none"], u=[np.nan, 2.5, np.nan, np.inf, np.nan])
    design = prepared("y | cens(s, u) ~ x", data)
    assert design.rows == 5
    np.testing.assert_array_equal(design.observed.limits[:, 1], [2.0, 2.5])


def test_limits_end_where_the_support_ends():
    design = prepared("y | cens(s, u) ~ x", table(s=[0, 0, 2, 0, -1], u=[9.0] * 5), family="weibull")
    np.testing.assert_array_equal(design.observed.limits[:, 2], [3.5, 9.0])
    np.testing.assert_array_equal(design.observed.limits[:, 4], [-np.inf, 5.5])


def test_bounds_of_counts_include_them():
    data = pd.DataFrame({"y": [2, 3, 4, 6, 5], "x": [0.1, 0.9, 0.3, 0.7, 0.5]})
    design = prepared("y | trunc(2, 6) ~ x", data, family="poisson")
    np.testing.assert_array_equal(design.observed.bounds[:, 0], [1.0, 6.0])
    design = prepared("y | trunc(0) ~ x", data, family="poisson")
    assert np.all(np.isneginf(design.observed.bounds[0]))


@pytest.mark.parametrize(
    ("formula", "columns", "message"),
    [
        ("y | cens(s) ~ x", {"s": ["none", "none", "gone", "none", "none"]}, "'gone'.* 1 of 5 rows .first: row 2"),
        ("y | cens(s) ~ x", {"s": [0, 1, 3, 7, 0]}, "2 of 5 rows .first: row 2"),
        ("y | cens(s) ~ x", {"s": ["right"] * 5}, "All 5 rows are right-censored"),
        ("y | cens(s) ~ x", {"s": [-1] * 5}, "All 5 rows are left-censored"),
        ("y | cens(s) ~ x", {"s": [0, 2, 0, 2, 0]}, r"'interval' in 2 rows: .*cens\(s, upper\)"),
        (
            "y | cens(s, u) ~ x",
            {"s": [0, 2, 2, 0, 0], "u": [9, 1, 9, 0, 0]},
            "at or below its lower end.* 1 of 5 rows .row '1'",
        ),
        ("y | cens(s, u) ~ x", {"s": [0, 2, 2, 0, 0], "u": list("abcde")}, "u"),
        ("y | cens(s, u) ~ x", {"s": [0, 2, 2, 0, 0], "u": [9, 9, np.inf, 0, 0]}, "write the status 'right'.*row '2'"),
        (
            "y | cens(s) + trunc(1) ~ x",
            {"s": [-1, 0, 0, 0, 0]},
            "within the limits of cens.s. and the bounds .*row '0'",
        ),
        ("y | cens(s) + trunc(upper=5.5) ~ x", {"s": [0, 0, 0, 0, 1]}, "within the limits .*row '4'"),
        ("y | trunc(y, y) ~ x", {}, "lies within trunc.y, y. in 5 of 5 rows"),
        ("y | cens(gone) ~ x", {}, "'gone' of cens.gone. is not in the data"),
        ("y | trunc(upper=gone) ~ x", {}, "'gone' of trunc.upper=gone. is not in the data"),
        ("y | trunc(2, 5) ~ x", {}, "outside of trunc.2, 5. in 2 of 5 rows .row '0', '4'"),
        (
            "y | trunc(a, b) ~ x",
            {"a": [0, 0, 9, 0, 0], "b": [9] * 2 + [1] + [9] * 2},
            "lower bound is above .* .row '2'",
        ),
        ("y | cens(s) ~ x", {"s": [0, 0, 1, None, 0]}, "missing"),
    ],
)
def test_impossible_limits_are_refused_and_name_the_rows(formula, columns, message):
    with pytest.raises((DataError, SpecError), match=message):
        prepared(formula, table(**columns))


def test_a_point_mass_is_within_limits_that_meet():
    data = table(s=[-1, 0, 0, 0, 0]).assign(y=[0.0, 2.0, 3.5, 4.0, 5.5])
    for family in ("hurdle_gamma", "poisson"):
        whole = data.assign(y=np.floor(data["y"])) if family == "poisson" else data
        design = prepared("y | cens(s) + trunc(0) ~ x", whole, family=family)
        np.testing.assert_array_equal(design.observed.limits[:, 0], [-np.inf, 0.0])


def test_all_rows_may_lie_in_intervals():
    design = prepared("y | cens(s, u) ~ x", table(s=[2] * 5, u=[2.0, 3.0, 4.0, 5.0, 6.0]))
    assert design.row_text == "5 rows (5 interval-censored)"


def test_limits_follow_the_unit_of_the_response_and_the_rows():
    design = prepared("y | cens(s) + trunc(0, 20) ~ x", table(s=[0, 1, 0, 0, 0]))
    half = design.observed.in_unit(2.0)
    np.testing.assert_allclose(half.limits, design.observed.limits / 2.0)
    np.testing.assert_allclose(half.bounds, design.observed.bounds / 2.0)
    some = design.observed.take(np.array([1, 4]))
    np.testing.assert_array_equal(some.limits, design.observed.limits[:, [1, 4]])


def test_censored_and_truncated_models_cannot_have_other_responses_by_mistake():
    design = prepared("y | cens(s) ~ x", table(s=[0, 1, 0, 0, 0]))
    with pytest.raises(SpecError, match="not known which of them would be censored"):
        design.with_response(np.ones(5))
    with pytest.raises(SpecError, match=r"not defined with cens\(s\)"):
        bm.calibrate("y | cens(s) ~ x", data=table(s=[0, 1, 0, 0, 0]), n=1)


def test_simulated_rows_are_not_censored():
    data = table(s=[0, 1, 0, 2, 0], u=[9.0] * 5)
    truth = {"beta[Intercept]": 1.0, "beta[x]": 0.0, "sigma": 1.0}
    made = bm.simulate("y | cens(s, u) + trunc(0, 3) ~ x", data=data, truth=truth, seed=1).data
    assert made["s"].tolist() == ["none"] * 5
    assert made["y"].between(0.0, 3.0).all()
    with pytest.raises(DataError, match=r"needs the columns of trunc\(upper=c\)"):
        bm.simulate("y | trunc(upper=c) ~ x", data=data, truth=truth, seed=1)


def test_check_data_says_what_is_censored():
    text = " ".join(str(bm.check_data("y | cens(s) + trunc(0) ~ x", table(s=[0, 1, 0, 0, 0]))).split())
    assert "1 right-censored" in text
    assert "at least 0" in text


def test_equations_say_what_is_censored():
    text = write_equations(bm.from_formula("y | cens(s) + trunc(0, 9) ~ x"))
    assert "censored where 's' says so" in str(text)
    assert "between 0 and 9" in str(text)


def test_intervals_from_zero_are_written_as_left_censored():
    data = table(status=["interval", *["none"] * 4], end=2.0).assign(y=[0.0, *Y[1:]])
    with pytest.raises(DataError, match=r"'left' at u.*weibull.* needs positive numbers in 'y'; 1 of 5"):
        prepared("y | cens(status, end) ~ x", data, family="weibull")
    left = prepared("y | cens(status) ~ x", data.assign(y=Y, status=["left", *["none"] * 4]), family="weibull")
    assert left.observed.limits[:, 0].tolist() == [-np.inf, 1.0]
