"""Large tables whose rows are alike: the different rows, and how often each occurs, as a model with frequency weights."""

from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import DataError, SpecError
from bayesmixed.preparation.data_files import finish, in_one_order
from bayesmixed.preparation.frequencies import LARGEST
from bayesmixed.preparation.used_columns import used_columns
from bayesmixed.progress import say
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.arrow_frames import as_frame_of, join_tables
from bayesmixed.tables.row_sources import RowSource
from bayesmixed.terms.weights import FREQUENCY, Weights

MOST_DIFFERENT = 2_000_000
"""Different rows that are held in memory."""
_COUNT, _FIRST = "\0count", "\0first"


def count_rows(
    spec: ModelSpec, source: RowSource, na: Any, reason: str, *, wish: bool
) -> tuple[ModelSpec, pd.DataFrame] | None:
    """Return a spec with frequency weights and the table of different rows that is the same model of the same data; None where
    there are too many of them, which is said, unless this way is wished for.

    Parameters
    ----------
    reason : str
        Why cross-products of the rows do not suffice.
    wish : bool
        Whether all rows must not be read into memory.

    Raises
    ------
    SpecError, DataError
        It is wished for and cannot be done; rows cannot be read.
    """
    why = _refusal(spec) or (f"they are more than {LARGEST:,}" if source.count() > LARGEST else "")
    columns = used_columns(spec, pd.DataFrame(columns=list(source.columns)))
    counts = None if why else _count(source, columns)
    if counts is None:
        why = why or f"more than {MOST_DIFFERENT:,} of them are different"
        if wish:
            raise SpecError(
                f"The rows of {source.name} cannot be streamed: {reason}, and equal rows cannot be counted instead: {why}. "
                "Leave out stream=True to read them whole."
            )
        say(f"{source.name} is read whole, not in pieces: {reason}, and equal rows cannot be counted: {why}.")
        return None
    name = "rows"
    while name in source.columns:
        name += "_"
    own = counts[_COUNT]
    data = finish(spec, source, counts.drop(columns=_COUNT), na, own.to_numpy()).assign(**{name: own})
    say(f"{source.name}: {int(own.sum()):,} rows, {len(counts):,} of them different, are fitted by frequency.")
    return spec.replace(weights=Weights(column=name, kind=FREQUENCY)), data


def _refusal(spec: ModelSpec) -> str:
    """Return why a model cannot be fitted to different rows with frequencies, "" where it can."""
    if spec.weights is not None:
        return "rows have weights"
    if spec.correlated:
        return "residuals are correlated within groups"
    try:
        spec.replace(weights=Weights(column="rows", kind=FREQUENCY))
    except SpecError as error:
        return str(error).rstrip(".")
    return ""


def _count(source: RowSource, columns: list[str]) -> pd.DataFrame | None:
    """Return the different rows in the order in which they occur first, with their number in column `_COUNT` and the row of the
    first as label; None where there are too many. Missing values are equal to each other."""
    import pyarrow as pa

    whole, rows, orders = None, 0, dict[str, list[tuple[Any, ...]]]()
    for own, length, met in source.map(_different, columns):
        for name, order in met.items():
            known = orders.setdefault(name, [])
            known += [order] if order not in known else []
        first = pa.compute.add(own.column(_FIRST), rows)
        own = own.set_column(own.schema.get_field_index(_FIRST), _FIRST, first)
        whole, rows = own if whole is None else _grouped(join_tables([whole, own]), columns), rows + length
        if whole.num_rows > MOST_DIFFERENT:
            return None
    if whole is None:
        raise DataError("The data have no rows.")
    whole = whole.sort_by(_FIRST)
    frame = as_frame_of(whole, source.kinds(columns))
    ordered = {name: own for name, own in orders.items() if name in source.ordered()}
    frame = in_one_order(frame, (), ordered)
    frame[_COUNT] = whole.column(_COUNT).to_numpy()
    return frame.set_axis(pd.Index(whole.column(_FIRST).to_numpy()))


def _different(frame: pd.DataFrame, number: int) -> tuple[Any, int, dict[str, tuple[Any, ...]]]:
    """Return the different rows of a piece with their numbers and first places, how many rows it has, and the orders of its
    categories."""
    import pyarrow as pa

    columns, size = list(frame.columns), len(frame)
    coded = [name for name in columns if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    orders = {name: tuple(frame[name].cat.categories) for name in coded}
    table = pa.Table.from_pandas(frame, preserve_index=False).append_column(
        _COUNT, pa.array(np.ones(size, dtype=np.int64))
    )
    return _grouped(table.append_column(_FIRST, pa.array(np.arange(size))), columns), size, orders


def _grouped(table: Any, columns: list[str]) -> Any:
    """Return the different rows of a table: their numbers added up, the first of their first places."""
    found = table.unify_dictionaries().group_by(columns).aggregate([(_COUNT, "sum"), (_FIRST, "min")])
    return found.rename_columns(
        [{f"{_COUNT}_sum": _COUNT, f"{_FIRST}_min": _FIRST}.get(name, name) for name in found.column_names]
    ).select([*columns, _COUNT, _FIRST])
