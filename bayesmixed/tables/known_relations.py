"""Known relations between labels on entry: a square table, a matrix with labels, or pairs of neighbours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.errors import DataError, enumerate_words
from bayesmixed.tables.factors import as_label, is_number
from bayesmixed.tables.frames import as_frame, read_table

MOST_LABELS = 5000
"""Labels whose relation is held as a whole matrix: it takes 200 MB."""
_ROUNDING = 1e-8
"""How far two entries of a symmetric matrix may differ, as a share of the largest."""
_FORMS = (
    "Give a data frame with the labels as its index and columns, a pair (matrix, labels), or neighbours: pairs of labels, or "
    "a mapping from each label to its neighbours."
)


@dataclass(frozen=True, slots=True, eq=False)
class KnownRelation:
    """A symmetric matrix whose rows and columns are labels: covariances, precisions, or 1 for neighbours.

    Attributes
    ----------
    labels : tuple of str
        The L labels.
    matrix : (L, L) array
        Symmetric and finite.
    """

    labels: tuple[str, ...]
    matrix: NDArray[np.float64]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KnownRelation):
            return NotImplemented
        return self.labels == other.labels and np.array_equal(self.matrix, other.matrix)

    __hash__ = None  # type: ignore[assignment]


def read_relation(name: str, given: Any) -> KnownRelation:
    """Return the relation that a user hands over under a name.

    Parameters
    ----------
    given : data frame, (matrix, labels), sequence of pairs, mapping of neighbours, path of a table, or KnownRelation
        A table of a file has the labels in its first column and as names of the others, or two columns of neighbours.

    Raises
    ------
    DataError
        It has another form, is not square, not symmetric or not finite, or labels occur twice.
    """
    if isinstance(given, KnownRelation):
        return given
    where = f"known={{'{name}': ...}}"
    if isinstance(given, str | Path):
        columns = list(read_table(Path(given)).columns)
        given = read_table(Path(given), text=columns[:1] if len(columns) != 2 else columns)  # so that 007 stays 007
    if isinstance(given, Mapping):
        return _from_neighbours(where, given)
    if isinstance(given, tuple | list) and len(given) == 2 and getattr(given[0], "ndim", 0) == 2:
        matrix, labels = given
        return _checked(where, _dense(where, matrix), [as_label(one) for one in labels])
    if isinstance(given, tuple | list | set | frozenset):
        return _from_pairs(where, given)
    if getattr(given, "ndim", 0) == 2 and not hasattr(given, "columns"):
        raise DataError(
            f"{where}: a matrix alone does not say which level is which. Give it with its labels: (A, labels)."
        )
    if not hasattr(given, "columns"):
        raise DataError(f"{where}: {type(given).__name__} is no relation. {_FORMS}")
    return _from_frame(where, given if isinstance(given, pd.DataFrame) else as_frame(given))


def relations_to_store(known: Mapping[str, KnownRelation]) -> xr.Dataset:
    """Return relations as a dataset, which files can hold."""
    arrays = {
        name: xr.DataArray(one.matrix, dims=(f"{name}_1", f"{name}_2"), coords={f"{name}_1": list(one.labels)})
        for name, one in known.items()
    }
    return xr.Dataset(arrays)


def stored_relations(stored: xr.Dataset) -> dict[str, KnownRelation]:
    """Return the relations that a dataset holds (DataError where one is damaged)."""
    return {
        str(name): _checked(f"relation '{name}'", array.values, [str(label) for label in array[array.dims[0]].values])
        for name, array in stored.data_vars.items()
    }


def _from_frame(where: str, frame: pd.DataFrame) -> KnownRelation:
    """Return the relation of a square table, whose labels may be its first column, or of two columns of neighbours."""
    frame = frame.infer_objects()
    columns = [as_label(one) for one in frame.columns]
    index = [as_label(one) for one in frame.index]
    if sorted(index) != sorted(columns) and len(columns) > 1:
        first = [as_label(one) for one in frame.iloc[:, 0]]
        if len(columns) == len(frame) + 1 and (len(columns) != 2 or first == columns[1:]):
            index, columns, frame = first, columns[1:], frame.iloc[:, 1:]
    if set(index) == set(columns):
        _refuse_twice(where, index)
        _refuse_twice(where, columns)
    if sorted(index) != sorted(columns):
        if len(columns) == 2:
            return _from_pairs(where, frame.itertuples(index=False, name=None))
        other = [label for label in dict.fromkeys([*index, *columns]) if (label in index) != (label in columns)]
        raise DataError(
            f"{where}: a table of {len(frame)} rows and {len(columns)} columns, whose rows and columns have other labels (such "
            f"as {enumerate_words(other[:3])}). {_FORMS}"
        )
    text = [
        name
        for name, (_, column) in zip(columns, frame.items(), strict=True)
        if (not is_number(column) and not pd.api.types.is_bool_dtype(column)) or pd.api.types.is_complex_dtype(column)
    ]
    if text:
        raise DataError(f"{where}: column '{text[0]}' holds no numbers.")
    places = {label: place for place, label in enumerate(columns)}
    matrix = frame.to_numpy(dtype=float)[:, [places[label] for label in index]]
    return _checked(where, matrix, index)


def _from_pairs(where: str, pairs: Iterable[Any]) -> KnownRelation:
    neighbours: dict[str, set[str]] = {}
    for pair in pairs:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            raise DataError(f"{where}: {pair!r} is not a pair of labels. {_FORMS}")
        first, second = map(as_label, pair)
        neighbours.setdefault(first, set()).add(second)
        neighbours.setdefault(second, set())
    return _from_neighbours(where, neighbours)


def _from_neighbours(where: str, given: Mapping[Any, Any]) -> KnownRelation:
    """Return the relation that is 1 for neighbours; each two need to be named once."""
    stated: dict[str, list[str]] = {}
    for label, others in given.items():
        weighed = isinstance(others, Mapping) and any(isinstance(one, Number) for one in others.values())
        if isinstance(others, str) or not isinstance(others, Iterable) or weighed or hasattr(others, "dtype"):
            raise DataError(f"{where}: the neighbours of '{label}' are a list of labels, [] for an island.")
        stated[as_label(label)] = [as_label(one) for one in others]
    labels = list(dict.fromkeys([*stated, *(one for others in stated.values() for one in others)]))
    _refuse_many(where, len(labels))
    places = {label: place for place, label in enumerate(labels)}
    matrix = np.zeros((len(labels), len(labels)))
    for label, others in stated.items():
        for other in others:
            if other == label:
                raise DataError(f"{where}: '{label}' is named as its own neighbour.")
            matrix[places[label], places[other]] = matrix[places[other], places[label]] = 1.0
    return _checked(where, matrix, labels)


def _dense(where: str, matrix: Any) -> NDArray[np.float64]:
    _refuse_many(where, matrix.shape[0])
    found = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    try:
        if np.iscomplexobj(found):
            raise TypeError
        masked = isinstance(found, np.ma.MaskedArray)
        return np.asarray(found.astype(float).filled(np.nan) if masked else found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: the matrix holds no numbers, or complex ones.") from error


def _checked(where: str, matrix: NDArray[np.float64], labels: list[str]) -> KnownRelation:
    if matrix.shape != (len(labels), len(labels)):
        size = " x ".join(map(str, matrix.shape))
        raise DataError(f"{where}: a matrix of {size} for {len(labels)} labels. It needs a row and a column for each.")
    if not labels:
        raise DataError(f"{where}: there are no labels.")
    _refuse_many(where, len(labels))
    _refuse_twice(where, labels)
    if not np.all(np.isfinite(matrix)):
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise DataError(f"{where}: the entry of '{labels[row]}' and '{labels[column]}' is {matrix[row, column]}.")
    apart = np.abs(matrix - matrix.T)
    row, column = np.unravel_index(int(np.argmax(apart)), apart.shape)
    if apart[row, column] > _ROUNDING * np.abs(matrix).max(initial=0.0):
        raise DataError(
            f"{where} is not symmetric: '{labels[row]}' with '{labels[column]}' is {matrix[row, column]:g}, the other way "
            f"round {matrix[column, row]:g}."
        )
    return KnownRelation(tuple(labels), (matrix + matrix.T) / 2.0)


def _refuse_twice(where: str, labels: Sequence[str]) -> None:
    twice = (
        [label for label in dict.fromkeys(labels) if labels.count(label) > 1] if len(set(labels)) < len(labels) else []
    )
    if twice:
        raise DataError(f"{where}: label {enumerate_words(twice)} occurs more than once.")


def _refuse_many(where: str, count: int) -> None:
    if count > MOST_LABELS:
        raise DataError(
            f"{where} has {count:,} labels; relations of up to {MOST_LABELS:,} can be taken. Keep those that the data need."
        )
