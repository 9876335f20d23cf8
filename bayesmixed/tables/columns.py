"""Columns on entry: cells of every type become numbers, truth values or labels of text, or are refused."""

from collections.abc import Collection, Iterable
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.errors import DataError, enumerate_words, shorten
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.factors import as_label, encode, is_date, is_number
from bayesmixed.tables.number_texts import are_classes, look_measured, reads_as_number, reads_with_marks

FEW = 12
"""At most so many different texts that look like numbers or dates are taken as levels of a factor."""
_DATES = {"date", "datetime", "datetime64", "timedelta", "timedelta64", "time", "period"}


def read_cells(
    frame: pd.DataFrame,
    labels: Collection[str] = (),
    *,
    na: Any = (),
    factors: Collection[str] | None = None,
    text: Collection[str] = (),
    numbers: Collection[str] | None = None,
) -> pd.DataFrame:
    """Return the columns as terms read them: float64, bool (nullable where values are missing), Categorical of text.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns of any type.
    labels : collection of str
        Columns that only name levels: their numbers are labels, exact however large.
    na : str, number or list of these
        Codes that mean a missing value.
    factors : collection of str, optional
        Columns that could be declared factors, C(x); all if not given.
    text : collection of str, optional
        Columns of text that a file gave as a Categorical: stray text is looked for.
    numbers : collection of str, optional
        Columns of text that are numbers apart from the codes; found if not given.

    Raises
    ------
    DataError
        Cells hold neither numbers nor labels (dates, lists, complex numbers), or are numbers with stray text.
    """
    codes = read_codes(na)
    read = frame.copy(deep=False)
    for name in frame.columns:
        given, factor = frame[name], factors is None or name in factors
        if name in labels:
            found = as_labels(mark_missing(given, codes))
        else:
            found = without_codes(given, codes, None if numbers is None else name in numbers)
            found = _as_values(found, factor=factor)
            if name in text and isinstance(found.dtype, pd.CategoricalDtype):
                refuse_stray_text(found, factor=factor)
        if found is not given:
            read[name] = found
    return read


def without_codes(column: pd.Series, codes: Collection[str], numbers: bool | None = None) -> pd.Series:
    """Return the column with codes as missing values; text as numbers if it holds nothing else besides codes such as "n.d.".

    If `numbers` is not given, text becomes numbers where it held a code and otherwise only numbers.
    """
    marked = mark_missing(column, codes)
    if is_number(column) or pd.api.types.is_bool_dtype(column) or all(map(reads_as_number, codes)) or numbers is False:
        return marked
    if marked is column and not numbers:
        return column
    places, values = pd.factorize(marked)
    if not all(isinstance(value, str) and reads_as_number(value) for value in values):
        return marked
    found = np.array([*map(float, values), np.nan])
    return pd.Series(found[places], index=column.index, name=column.name)


def settle(frame: pd.DataFrame) -> pd.DataFrame:
    """Return complete rows of `read_cells` with truth values as plain ones."""
    nullable = [name for name in frame.columns if isinstance(frame[name].dtype, pd.BooleanDtype)]
    return frame.astype(dict.fromkeys(nullable, bool)) if nullable else frame


def read_codes(na: Any) -> frozenset[str]:
    """Return the codes of missing values as text."""
    return frozenset(as_label(code).strip() for code in ([na] if isinstance(na, str | Real) else na))


def mark_missing(column: pd.Series, codes: Collection[str]) -> pd.Series:
    """Return the column in which cells that hold one of the codes are missing."""
    if not codes:
        return column
    numbers = {float(code) for code in codes if reads_as_number(code)}
    if isinstance(column.dtype, pd.CategoricalDtype):
        listed = [c for c in column.cat.categories if _is_code(c, codes, numbers)]
        return column.cat.remove_categories(listed) if listed else column
    try:
        hits = [value for value in column.dropna().unique() if _is_code(value, codes, numbers)]
    except TypeError:  # lists have no hash; they are refused by name later
        return column
    if not hits:
        return column
    if pd.api.types.is_integer_dtype(column):
        column = column.astype("UInt64" if column.dtype.kind == "u" else "Int64")
    return column.mask(column.isin(hits))


def as_numbers(column: pd.Series) -> pd.Series | None:
    """Return the column as float64 with NaN where values are missing; None where it holds anything other than real numbers.

    Raises
    ------
    DataError
        A number is beyond what float64 holds.
    """
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_complex_dtype(column):
        return None
    if is_number(column):
        if column.dtype == np.float64:
            return column
        values = column.to_numpy(dtype=float, na_value=np.nan)
        return pd.Series(values, index=column.index, name=column.name)
    if column.dtype != object or not _holds_numbers(column):
        return None
    try:
        values = np.array([np.nan if absent else float(v) for v, absent in zip(column, column.isna(), strict=True)])
    except OverflowError as error:
        raise DataError(f"Column '{column.name}' holds a number beyond 1e308. Give it in larger units.") from error
    return pd.Series(values, index=column.index, name=column.name)


def as_labels(column: pd.Series) -> pd.Series:
    """Return the column as a Categorical of text: a Categorical in its order, anything else in natural order.

    Raises
    ------
    DataError
        A cell is not a label: a list, a complex number, an object without its own text.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _with_text_categories(column)
    _refuse_containers(column)
    codes, labels = encode(column)
    return _categorical(column, codes, labels)


def refuse_stray_text(column: pd.Series, *, factor: bool = True, counts: pd.Series | None = None) -> None:
    """Refuse a Categorical of text that should hold numbers.

    Refused are columns in which more than half of the rows, but not all, are numbers; and those with more than 12 different
    texts, most of which look measured. Labels that are whole numbers, or "12A", are accepted, however many; and so are
    up to 12 classes of consecutive whole numbers: "0", "1", "2", "3+".

    Parameters
    ----------
    counts : pandas.Series, optional
        How many rows hold each text, where the column has the first row of each alone.

    Raises
    ------
    DataError
        Names the first values that are not numbers, and the alternatives.
    """
    codes, labels = np.asarray(column.cat.codes), [str(label) for label in column.cat.categories]
    rows = np.bincount(codes[codes >= 0], minlength=len(labels))
    rows = rows if counts is None else counts.reindex(labels, fill_value=0).to_numpy()
    plain = np.array([reads_as_number(label) for label in labels], dtype=bool)
    marked = plain | np.array([reads_with_marks(label) for label in labels], dtype=bool)
    total = int(rows.sum())
    if np.sum(rows > 0) <= FEW and are_classes(label for label, count in zip(labels, rows, strict=True) if count):
        return
    for numbers in (plain, marked):
        if 2 * int(rows[numbers].sum()) > total and np.any(rows[~numbers]):
            raise _stray_text(column, codes, labels, numbers, rows, factor)
    looks = look_measured(labels, rows)
    if int(np.sum(looks & (rows > 0))) > FEW and 2 * int(rows[looks].sum()) > total:
        example = shorten(labels[int(np.flatnonzero(looks)[0])], 40)
        raise DataError(
            f"Column '{column.name}' holds text that looks like numbers or dates (such as '{example}'), "
            f"{int(np.sum(rows > 0))} different ones. Convert it to numbers, e.g. by pd.to_numeric, or days since the first date"
            f"{_as_factor(column) if factor else ''}."
        )


def _stray_text(
    column: pd.Series,
    codes: NDArray[np.int_],
    labels: list[str],
    numbers: NDArray[np.bool_],
    rows: NDArray[np.int_],
    factor: bool,
) -> DataError:
    stray = np.flatnonzero((codes >= 0) & ~numbers[codes])
    first, *others = list(dict.fromkeys(shorten(labels[code], 40) for code in codes[stray]))[:3]
    further = f", then {enumerate_words(others)}" if others else ""
    return DataError(
        f"Column '{column.name}' holds numbers, but {int(rows[~numbers].sum())} of {int(rows.sum())} values are text (first: row "
        f"{column.index[stray[0]]}, '{first}'{further}). Correct them in the table; or, if they mean missing values, "
        f'say na=["{first}"] (in a shell: --na "{first}"){_as_factor(column) if factor else ""}.'
    )


def _as_factor(column: pd.Series) -> str:
    name = quote_name(str(column.name))
    return f'; or say C({name}), or factors=["{column.name}"], if each value is a level of its own'


def clean_index(index: pd.Index) -> pd.Index:
    """Return labels of rows that a file can hold: numbers as they are, everything else as text."""
    if isinstance(index, pd.MultiIndex):
        return pd.Index([" ".join(map(as_label, label)) for label in index], dtype=object)
    if pd.api.types.is_any_real_numeric_dtype(index.dtype) and not index.hasnans:
        return index if isinstance(index.dtype, np.dtype) else pd.Index(index.to_numpy(), name=index.name)
    codes, values = pd.factorize(np.asarray(index, dtype=object), use_na_sentinel=False)
    labels = np.array([as_label(value) for value in values], dtype=object)
    return pd.Index(labels[codes], dtype=object, name=index.name)


def _as_values(column: pd.Series, *, factor: bool) -> pd.Series:
    """Return a column that a formula reads: numbers, truth values, else labels."""
    name = column.name
    way = f", or say C({quote_name(str(name))}) if each is a level of its own" if factor else ""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _with_text_categories(column)
    numbers = as_numbers(column)
    if numbers is not None:
        return numbers
    if pd.api.types.is_bool_dtype(column):
        return column if column.dtype == bool else _truth(column)
    kind = pd.api.types.infer_dtype(column.astype(object), skipna=True)
    if is_date(column) or kind in _DATES:
        raise DataError(
            f"Column '{name}' holds dates or times. Compute a number from it beforehand, such as days since the first{way}."
        )
    if kind == "interval":
        raise DataError(f"Column '{name}' holds intervals. Compute a number, such as their middle{way}.")
    if kind == "boolean":
        return _truth(column)
    labels = as_labels(column)
    refuse_stray_text(labels, factor=factor)
    return labels


def _truth(column: pd.Series) -> pd.Series:
    found = column.astype(object).where(column.notna(), None).astype("boolean")
    return found if found.isna().any() else found.astype(bool)


def _holds_numbers(column: pd.Series) -> bool:
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in ("integer", "floating", "mixed-integer-float", "decimal", "empty"):
        return True
    return kind in ("mixed", "mixed-integer") and all(
        isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_) for value in column.dropna()
    )


def _with_text_categories(column: pd.Series) -> pd.Series:
    categories = column.cat.categories
    _refuse_containers(pd.Series(categories, name=column.name))
    labels = [as_label(value) for value in categories]
    if categories.dtype == object and all(a is b for a, b in zip(labels, categories, strict=True)):
        return column
    unique = list(dict.fromkeys(labels))
    place = {label: i for i, label in enumerate(unique)}
    codes = np.array([*(place[label] for label in labels), -1], dtype=np.intp)[np.asarray(column.cat.codes)]
    return _categorical(column, codes, unique, ordered=bool(column.cat.ordered))


def _categorical(column: pd.Series, codes: Any, labels: Iterable[str], *, ordered: bool = False) -> pd.Series:
    made = pd.Categorical.from_codes(codes, categories=pd.Index(list(labels), dtype=object), ordered=ordered)
    return pd.Series(made, index=column.index, name=column.name)


def _refuse_containers(column: pd.Series) -> None:
    """Refuse cells that are not labels (DataError names the type)."""
    if pd.api.types.is_complex_dtype(column):
        raise DataError(
            f"Column '{column.name}' holds complex numbers. Compute a real number from each, such as abs()."
        )
    if column.dtype.kind != "O" or isinstance(column.dtype, pd.StringDtype):
        return
    for row, value in zip(column.index, column.astype(object), strict=True):
        if isinstance(value, str):
            continue
        if isinstance(value, complex | np.complexfloating):
            raise DataError(
                f"Column '{column.name}' holds complex numbers. Compute a real number from each, such as abs()."
            )
        # By default the text of an object is its address, which differs between sessions.
        nameless = {"__str__", "__repr__"}.isdisjoint(n for kind in type(value).__mro__[:-1] for n in vars(kind))
        if isinstance(value, tuple | frozenset) or not _is_constant(value) or nameless:
            raise DataError(
                f"Column '{column.name}' holds a {type(value).__name__} in row {row}; a cell holds one number or one "
                "label. Make a column of each part, or convert it to text."
            )


def _is_constant(value: Any) -> bool:
    """Return whether a value can be looked up; containers, such as lists and tables, cannot."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_code(value: Any, codes: Collection[str], numbers: Collection[float]) -> bool:
    if isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_):
        # Narrow floats are compared as they are written: float32 has no -999.1.
        return value in numbers or (isinstance(value, np.floating) and float(str(value)) in numbers)
    return as_label(value).strip() in codes
