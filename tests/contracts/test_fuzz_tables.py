"""Generated tables with cells, names and shapes of every kind: an answer, or one error of ours."""

import datetime
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
from fixed_draws import fit_at
from good_tables import table

import bayesmixed as bm
from bayesmixed.tables.factors import is_number

FORMULAS = [
    ("y ~ x + (1 | g)", "gaussian"),
    ("y ~ f*x", "gaussian"),
    ("event | trials(size) ~ x + (1 | g)", "binomial"),
    ('y | weights(size, "precision") ~ f + offset(x)', "gaussian"),
    ('(f == "a") ~ x + C(g)', "bernoulli"),
    ("size ~ x + (1 | f:g)", "cumulative"),
]
COLUMNS = ("y", "x", "f", "g", "size", "event")
CELLS = [
    None, np.nan, pd.NA, pd.NaT, np.inf, -np.inf, 0, -3, 2.5, 10**400, 2**63, -0.0, 1e-320, True, np.True_, 1j,
    Decimal("1.5"), Decimal("NaN"), Decimal("Infinity"), Fraction(1, 3), "", " ", "1,3", "<0.1", "n.d.", "4 mg", "a",
    "a\0", "²", "１", "nan", "[", "a:b", "x" * 10_000, "\n", b"a", b"\xff", [1], (1, 2), {}, {1}, object(), len, np.zeros(2),
    datetime.date(2020, 1, 1), datetime.time(1), pd.Timestamp("2020"), pd.Timestamp("2020", tz="UTC"), pd.Timedelta(1),
    pd.Period("2020"), pd.Interval(0, 1), np.datetime64("2020"), np.float16(1), np.int8(1), np.str_("b"),
]  # fmt: skip
DTYPES = [
    "int8", "uint8", "float16", "float32", "object", "str", "string", "category", "bool", "boolean", "Int8", "Float64",
    "complex128", "datetime64[ns]", "timedelta64[ns]", "S4", "int64[pyarrow]", "string[pyarrow]", "double[pyarrow]",
    pd.SparseDtype("float64"), pd.CategoricalDtype([3, 2, 1], ordered=True), "longdouble", "period[D]",
]  # fmt: skip
NAMES = ["x", "y", 1, None, ("x", "y"), "", "a\0", "row", "Intercept", np.nan, b"x", "x y", "mu"]


EXTRA = {"size": np.tile([1, 2, 3], 8), "event": 1.0 * (np.arange(24) % 2), "f": np.tile(["a", "b"], 12)}


def as_type(column, dtype):
    """Return the column of another type, or None where pandas has no such numbers, labels or dates."""
    if "pyarrow" in str(dtype) and is_number(column) == (dtype == "string[pyarrow]"):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of pandas about its own future
            return column.astype(dtype)
    except (TypeError, ValueError):
        return None


def spoil(draw, data):
    """Return the table with some cells, a type, names, an index or its shape changed."""
    for _ in range(draw.integers(1, 4)):
        name = COLUMNS[draw.integers(len(COLUMNS))]
        match draw.integers(9):
            case 0 | 1 | 2:
                cells = data[name].astype(object).tolist()
                for row in draw.integers(len(cells), size=draw.choice([1, 1, 3, 30])):
                    cells[row] = CELLS[draw.integers(len(CELLS))]
                data[name] = pd.Series(cells, index=data.index, dtype=object)
            case 3:
                data[name] = pd.Series([CELLS[draw.integers(len(CELLS))]] * len(data), index=data.index, dtype=object)
            case 4 | 5:
                column = as_type(table(**EXTRA)[name], DTYPES[draw.integers(len(DTYPES))])
                if column is not None:
                    data[name] = column.set_axis(data.index)
            case 6:
                index = pd.Index([CELLS[k] for k in draw.integers(30, size=len(data))], dtype=object)
                pairs = pd.MultiIndex.from_arrays([index.map(repr), range(len(data))])
                data = data.set_axis(index if draw.random() < 0.5 else pairs)
            case 7:
                data = data.iloc[: draw.integers(0, 4)] if draw.random() < 0.3 else data.drop(columns=name)
                return data
            case _:
                data = data.rename(columns={name: NAMES[draw.integers(len(NAMES))]})
                return data
    return data


def as_mapping(draw, data):
    """Return the table as a mapping, now and then with a column of another shape."""
    columns = {name: list(column) for name, column in data.items()}
    if columns and draw.random() < 0.5:
        name = list(columns)[draw.integers(len(columns))]
        n = len(data)
        shapes = [
            1.0, "a", None, [], [1.0], np.ones((n, 1)), np.ones((n, 2)), np.ones(()), {}, range(n), {1, 2}, object(),
            np.ma.masked_equal(range(n), 1), iter(range(n)), pd.Series(range(n), index=range(5, n + 5)),
        ]  # fmt: skip
        columns[name] = shapes[draw.integers(len(shapes))]
    return columns


def test_any_table_is_accepted_or_refused_by_an_error_of_ours():
    draw = np.random.default_rng(20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        fits = []
        for formula, family in FORMULAS:
            design = bm.prepare(bm.from_formula(formula, family=family), table(**EXTRA))
            fits.append(fit_at(design, {"sd_g": 1.0, "sd_f:g": 1.0, "sigma": 1.0, "threshold": [-1.0, 1.0]}))
        accepted, foreign, long = 0, [], []
        for number in range(500):
            fit = fits[number % len(fits)]
            data = spoil(draw, table(**EXTRA)[list(COLUMNS)])
            if draw.random() < 0.3:
                data = as_mapping(draw, data)
            options = {"na": ["n.d.", 2.5]} if draw.random() < 0.3 else {}
            missing = "drop" if draw.random() < 0.5 else "error"
            try:
                match number % 5:
                    case 0 | 1:
                        bm.prepare(fit.design.spec, data, missing=missing, **options)
                    case 2:
                        bm.check_data(fit.design.spec, data, missing=missing, **options)
                    case _:
                        bm.predict(fit, data, groups="any", draws=2, seed=1)
                accepted += 1
            except bm.BayesMixedError as error:
                long += [str(error)] if len(str(error)) > 1000 else []
            except Exception as error:
                foreign.append((number, repr(error)[:200]))
    assert foreign == []
    assert long == []
    assert 100 < accepted < 400
