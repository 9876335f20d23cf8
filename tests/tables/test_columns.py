"""Columns at the border: every type of cell becomes numbers or labels, or is refused by name."""

import datetime
import uuid
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from good_tables import N, table

import bayesmixed as bm
from bayesmixed.tables.columns import as_labels, clean_index, mark_missing, read_cells, read_codes

WHOLE = np.tile([1, 2, 3, 5, 8, 13, 21, 34], 3)
BINARY = np.tile([0, 1, 1], N // 3)
GROUPS = np.repeat(np.arange(8), 3)

NUMBERS = {
    **{
        name: WHOLE.astype(name)
        for name in ("int8", "uint8", "int16", "uint16", "int64", "uint64", "float16", "float32")
    },
    **{name: pd.array(WHOLE, dtype=name) for name in ("Int8", "UInt16", "Int64", "Float32", "Float64")},
    **{name: pd.Series(WHOLE).astype(name) for name in ("int16[pyarrow]", "double[pyarrow]", "uint8[pyarrow]")},
    "longdouble": WHOLE.astype(np.longdouble),
    "sparse": pd.Series(WHOLE).astype(pd.SparseDtype("int64", 0)),
    "Decimal": pd.Series([Decimal(int(v)) for v in WHOLE], dtype=object),
    "Fraction": pd.Series([Fraction(int(v)) for v in WHOLE], dtype=object),
    "object": pd.Series([int(v) if v % 2 else float(v) for v in WHOLE], dtype=object),
}
LABELS = {
    "text": list("abcdefgh"),
    "NUL": ["a\0", "a", "b", "c", "d", "e", "f", "\0"],
    "empty text": ["", " ", "NaN", "nan", "None", "inf", "²", "1_000"],
    "bytes": [b"a", b"b\xff", b"c", b"d", b"e", b"f", b"g", b"h"],
    "floats": [0.1, 0.1 + 0.2, 0.3, 1.0, 1e300, -0.0, 2.5, 1e16],
    "float32": np.array([0.1, 0.2, 0.3, 1, 2, 3, 4, 5], dtype=np.float32),
    "Fraction": [Fraction(1, k) for k in range(2, 10)],
    "Decimal": [Decimal(k) / 4 for k in range(8)],
    "huge": [2**53 + k for k in range(8)],
    "beyond int64": [2**70 + k for k in range(8)],
    "mixed": [1, "a", 2.5, datetime.date(2020, 1, 1), b"z", Fraction(1, 3), "é", "1.0"],
    "dates": [datetime.date(2020, 1, k + 1) for k in range(8)],
    "timestamps": pd.date_range("2020-01-01", periods=8, freq="36h"),
    "time zones": pd.date_range("2020-01-01", periods=8, tz="Europe/Rome"),
    "durations": pd.to_timedelta(np.arange(8), "h"),
    "periods": pd.period_range("2020-01", periods=8, freq="M"),
    "intervals": pd.arrays.IntervalArray.from_breaks(np.arange(9) / 3),
    "categories of numbers": pd.Categorical([3.5, 1, 2, 4, 5, 6, 7, 8]),
    "ordered": pd.Categorical(list("hgfedcba"), categories=list("hgfedcba"), ordered=True),
    "nullable": pd.array([1, 2.5, 3, 4, 5, 6, 7, 8], dtype="Float64"),
    "Arrow text": pd.array(list("abcdefgh"), dtype="string[pyarrow]"),
    "identifiers": [uuid.UUID(int=k) for k in range(8)],
}


def prepared(formula, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula), data, **options)


def spread(labels):
    return pd.Series(labels).repeat(3).set_axis(range(N))


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize(
    "formula", ["y ~ x*z + (1 | g)", "y ~ log(x) + (x | g)", "y ~ x + I(x*x*x)", "y ~ I(-x)", "y ~ s(x, k=5)"]
)
def test_numbers_of_every_type_give_the_design_of_float64(kind, formula):
    one, other = (prepared(formula, table(x=x)) for x in (NUMBERS[kind], WHOLE.astype(float)))
    assert one.table.data["x"].dtype == np.float64
    np.testing.assert_array_equal(one.mu.population.matrix, other.mu.population.matrix)
    for left, right in zip(one.mu.groups, other.mu.groups, strict=True):
        np.testing.assert_array_equal(left.matrix, right.matrix)
    assert one.priors == other.priors


@pytest.mark.parametrize("kind", NUMBERS)
def test_responses_trials_and_weights_of_every_type_are_numbers(kind):
    values = NUMBERS[kind]
    binomial = bm.from_formula('event | trials(x) + weights(x, "frequency") ~ z', family="binomial")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(binomial, table(x=values))
    assert np.asarray(design.trials).tolist() == np.asarray(design.weights).tolist() == WHOLE.tolist()
    assert prepared("x ~ z", table(x=values)).response.tolist() == WHOLE.tolist()


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("formula", ["y ~ z + C(h) + (1 | yes:h)"])
def test_a_loaded_fit_predicts_the_same_for_labels_of_every_type(kind, formula, tmp_path):
    data = table(h=spread(LABELS[kind]))
    design = prepared(formula, data)
    fit = fit_at(design, {"sd_h": 1.0, "sd_yes:h": 1.0, "sigma": 1.0}, jitter=0.3)
    loaded = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    for rows in (None, data.iloc[4::-1].drop(columns="y")):
        one, other = bm.predict(fit, rows)["mean"], bm.predict(loaded, rows)["mean"]
        np.testing.assert_allclose(other.values, one.values, rtol=1e-12)
        assert other["row"].values.tolist() == one["row"].values.tolist()
    assert [group.levels for group in loaded.design.mu.groups] == [group.levels for group in design.mu.groups]
    assert loaded.design.mu.population.labels == design.mu.population.labels


@pytest.mark.parametrize(
    "index",
    [
        pd.Index(["a\0", "b"] * 12),
        pd.Index([1, "a", None, 2.5] * 6, dtype=object),
        pd.MultiIndex.from_product([["a", "b"], range(12)]),
        pd.date_range("2020-01-01", periods=N, tz="UTC"),
        pd.interval_range(0, N),
        pd.CategoricalIndex(list("ab") * 12),
        pd.Index([True, False] * 12),
        pd.Index(np.linspace(0, 1, N)),
        pd.Index(pd.array(range(N), dtype="Int8")),
    ],
    ids=lambda index: f"{type(index).__name__} {index.dtype}",
)
def test_a_loaded_fit_has_the_rows_of_every_kind_of_index(index, tmp_path):
    fit = fit_at(prepared("y ~ x + (1 | g)", table().set_axis(index)), {"sd_g": 1.0, "sigma": 1.0}, jitter=0.3)
    loaded = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    one, other = bm.predict(fit)["mean"], bm.predict(loaded)["mean"]
    assert one["row"].values.tolist() == other["row"].values.tolist()
    assert all(isinstance(label, str | int | float) for label in one["row"].values.tolist())
    np.testing.assert_allclose(other.values, one.values, rtol=1e-12)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (WHOLE + 1j, "complex numbers"),
        (pd.Series([complex(v) for v in WHOLE], dtype=object), "complex numbers"),
        (pd.date_range("2020-01-01", periods=N), "dates or times"),
        ([datetime.date(2020, 1, int(v) % 28 + 1) for v in WHOLE], "dates or times"),
        ([datetime.time(int(v) % 24) for v in WHOLE], "dates or times"),
        (pd.to_timedelta(WHOLE, "D"), "dates or times"),
        (pd.period_range("2020-01", periods=N, freq="M"), "dates or times"),
        (pd.arrays.IntervalArray.from_breaks(np.arange(N + 1)), "intervals"),
        ([[1, 2]] * N, "holds a list in row 0"),
        ([pd.DataFrame()] * N, "holds a DataFrame in row 0"),
        ([pd.Series([1])] * N, "holds a Series in row 0"),
        ([(1, 2)] * N, "holds a tuple"),
        ([{"a": 1}] * N, "holds a dict"),
        ([np.zeros(2)] * N, "holds a ndarray"),
        ([object()] * N, "holds a object"),
        (
            [1, 2, "n.d.", 4, 5, "4 mg"] * 4,
            r"numbers, but 8 of 24 values are text \(first: row 2, 'n.d.', then '4 mg'\)",
        ),
        (["1.5", "2", "<0.1", "4"] * 6, "'<0.1'"),
        (["1", "2", "1,3", "4"] * 6, "'1,3'"),
        (["1,5", "2", "4,25", "trace"] * 6, "'trace'"),
        ([f"{v},{k}" for k, v in enumerate(WHOLE)], "looks like numbers"),
        ([f"{k}.5" for k in range(N)], "looks like numbers"),
        ([f"{k} mg" for k in range(N)], "looks like numbers"),
        ([f"2020-01-{k + 1:02}" for k in range(N)], "looks like numbers or dates"),
        ([10**400] + [1] * (N - 1), "beyond 1e308"),
    ],
)
@pytest.mark.parametrize("formula", ["y ~ x + z", "x ~ z", "y ~ s(x)", "y ~ offset(x)", "y ~ (x | g)"])
def test_cells_that_are_no_numbers_are_refused_by_name(cells, message, formula):
    with pytest.raises(bm.DataError, match=message):
        prepared(formula, table(x=pd.Series(cells)))


@pytest.mark.parametrize("cells", [["1", "2", "3a", "4"] * 6, [datetime.date(2020, 1, k % 4 + 1) for k in range(N)]])
def test_what_is_declared_a_factor_may_look_like_numbers(cells):
    design = prepared("y ~ C(x) + z", table(x=cells))
    assert len(design.table.levels["x"]) == 4


@pytest.mark.parametrize(
    "levels",
    [
        ["1", "2", "3", "4"],
        ["10 mg", "20 mg", "40 mg", "80 mg"],
        ["0.5", "1", "2", "4"],
        ["18-29", "30-49", "50-64", "65+"],
        ["1st", "2nd", "3rd", "4th"],
    ],
)
def test_text_labels_with_digits_stay_factors(levels):
    assert set(prepared("y ~ x + z", table(x=levels * 6)).table.levels["x"]) == set(levels)


def test_many_whole_numbers_as_text_stay_labels():
    assert len(read_cells(pd.DataFrame({"x": [str(k) for k in range(100)]}))["x"].cat.categories) == 100


@pytest.mark.parametrize(
    ("values", "na", "absent"),
    [
        ([1.0, -999, 3], -999, [1]),
        ([1, -999, 3], ["-999", "x"], [1]),
        (["1", " n.d. ", "3"], "n.d.", [1]),
        ([2**60 + 1, -9, 5], -9, [1]),
        (pd.Categorical(["a", "?", "b"]), "?", [1]),
        ([True, False, True], 1, []),
        (["1.0", "2", "3"], [1], []),
    ],
)
def test_codes_of_missing_values_are_missing(values, na, absent):
    found = mark_missing(pd.Series(values), read_codes(na))
    assert np.flatnonzero(found.isna()).tolist() == absent


def test_codes_apply_wherever_data_enter():
    data = table(x=["n.d.", *map(str, WHOLE[1:])], g=GROUPS)
    data["x"] = [v if v == "n.d." else float(v) for v in data["x"]]
    with pytest.raises(bm.DataError, match=r'na=\["n.d."\]'):
        prepared("y ~ x", data)
    with pytest.raises(bm.DataError, match="1 of 24 rows has missing values"):
        prepared("y ~ x", data, na=["n.d."])
    for cells in (data["x"], data["x"].astype(str), data["x"].astype(str).astype("category")):
        design = prepared("y ~ x", data.assign(x=cells), na="n.d.", missing="drop")
        assert design.dropped == 1
        assert design.mu.population.matrix[:, 1].tolist() == WHOLE[1:].tolist()


@pytest.mark.parametrize("na", [5 + 1j, object(), [None], [["a"]], b"x", [True]])
def test_codes_that_are_none_are_refused(na):
    with pytest.raises(bm.SpecError, match="na must be a text or a number or a list"):
        prepared("y ~ x", table(), na=na)


def test_missing_groups_of_nullable_numbers_are_missing_rows():
    groups = pd.array([*GROUPS[:-1], None], dtype="Float64")
    with pytest.raises(bm.DataError, match=r"'g' \(1\)"):
        prepared("y ~ x + (1 | g)", table(g=groups))
    assert prepared("y ~ x + (1 | g)", table(g=groups), missing="drop").mu.groups[0].levels == tuple("01234567")


def test_ids_beyond_2_to_53_are_not_merged_and_not_read_as_numbers():
    ids = 2**53 + GROUPS
    assert len(prepared("y ~ x + (1 | g)", table(g=ids)).mu.groups[0].levels) == 8
    with pytest.raises(bm.DataError, match="beyond 2"):
        prepared("y ~ g + (1 | g)", table(g=ids))


def test_text_that_no_file_can_hold_is_written_out():
    assert as_labels(pd.Series(["\ud800", "a\0"], dtype=object)).tolist() == ["\\ud800", "a\\x00"]


def test_equal_decimals_have_one_label():
    assert list(
        as_labels(pd.Series([Decimal("1.50"), Decimal("1.5"), Decimal("2.0"), Decimal("2")])).cat.categories
    ) == ["1.5", "2"]


def test_two_values_of_an_index_with_one_text_stay_two_rows():
    assert clean_index(pd.Index([1, "1", b"1"], dtype=object)).tolist() == ["1", "1", "1"]


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("10 ~ x", "reads no column"),
        ("log(2) ~ x", "reads no column"),
        *[
            (f"y ~ {right}", "right side of its own formula")
            for right in (
                "y",
                "I(y*2)",
                "y:x",
                "x + (y | g)",
                "s(y)",
                "offset(y)",
                "log(y + 100)",
                "x + (1 | y)",
                "C(y)",
                "between(y, g)",
            )
        ],
        ("log(y**2) ~ y", "right side"),
        ('(f == "a") ~ f', "right side"),
        ("y - z ~ y + z", "right side"),
    ],
)
def test_a_response_that_is_no_data_or_its_own_predictor_is_refused(formula, message):
    with pytest.raises(bm.BayesMixedError, match=message):
        prepared(formula, table())


def test_a_change_may_be_explained_by_its_baseline():
    assert prepared("y - z ~ z + x", table()).mu.population.labels == ("Intercept", "z", "x")


@pytest.mark.parametrize("size", [2.5, -3, 0, "six", np.inf, 1 + 1j])
def test_trials_of_new_rows_are_checked_like_those_of_the_fit(size):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        spec = bm.from_formula("event | trials(size) ~ z + (1 | g)", family="binomial")
        fit = fit_at(bm.prepare(spec, table()), {"sd_g": 1.0})
    rows = {"size": [30, size], "z": [0.0, 0.1], "g": [1, 2]}
    for kind in ("mean", "response"):
        with pytest.raises(bm.DataError, match="size"):
            bm.predict(fit, rows, kind=kind)


@pytest.mark.parametrize("weight", [0, -1, "six", np.nan])
def test_weights_of_new_rows_are_checked_like_those_of_the_fit(weight):
    spec = bm.from_formula('y | weights(e, "precision") ~ z + (1 | g)')
    fit = fit_at(prepared(spec.formula, table()), {"sd_g": 1.0, "sigma": 1.0})
    with pytest.raises(bm.DataError, match="'e'"):
        bm.predict(fit, {"e": [1.0, weight], "z": [0.0, 0.1], "g": [1, 2]}, kind="response")


def test_text_becomes_numbers_only_where_it_held_a_code():
    frame = pd.DataFrame({"x": ["1.5", "n.d.", "2"], "plot": ["1", "2", "3"], "dose": np.float32([-999.1, 1, 2])})
    read = read_cells(frame, na=["n.d.", -999.1])
    assert read["x"].tolist()[::2] == [1.5, 2.0]
    assert list(read["plot"].cat.categories) == ["1", "2", "3"]
    assert read["dose"].isna().tolist() == [True, False, False]


def test_codes_by_column_are_refused_since_codes_hold_for_all_columns():
    with pytest.raises(bm.SpecError, match="na must be"):
        prepared("y ~ x", table(), na={"x": ["n.d."]})
