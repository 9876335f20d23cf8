"""Arrow tables as data frames: one type for a column whose pieces have several, text as codes, whole numbers exact."""

import collections
import heapq
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayesmixed.errors import DataError, enumerate_words, first_line
from bayesmixed.tables.factors import natural_key

NUMBERS, TEXT, CATEGORIES, NOTHING = "numbers", "text", "categories", "nothing"
_ADVICE = "Write it in one type everywhere."


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds.

    Attributes
    ----------
    kind : str
        "numbers", "text", "categories" (text with an order of its own), or another one in words.
    type : pyarrow.DataType or None
        To which values are cast; None where they stay as they are.
    problem : str
        Why it cannot be read, in words; "" where it can.
    """

    kind: str
    type: Any = None
    problem: str = ""

    @property
    def is_text(self) -> bool:
        """Whether it holds text without an order."""
        return self.kind == TEXT

    @property
    def is_categories(self) -> bool:
        """Whether it holds labels as codes with an order."""
        return self.kind.startswith(CATEGORIES)


def unify_columns(pieces: Sequence[Sequence[tuple[str, Any, str]]]) -> dict[str, Column]:
    """Return what each column holds in all pieces, given as (name, Arrow type, where) for each column of each piece."""
    found: dict[str, list[tuple[Any, str]]] = {}
    for piece in pieces:
        for name, kind, where in piece:
            found.setdefault(name, []).append((kind, where))
    return {name: _unify(own, [piece[0][2] for piece in pieces if piece]) for name, own in found.items()}


def as_frame_of(table: Any, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Return an Arrow table as a data frame, text as codes; the index counts the rows from 0.

    Raises
    ------
    DataError
        A value cannot be held in the type of its column.
    """
    import pyarrow as pa

    arrays = []
    for name, column in columns.items():
        values = table.column(name)
        if isinstance(values, pa.ChunkedArray) and values.num_chunks == 1:
            values = values.chunk(0)
        try:
            arrays.append(_converted(values, name, column))
        except pa.ArrowException as error:
            raise DataError(
                f"Column '{name}' holds a value that is not like the others: {first_line(error)}"
            ) from error
    nullable = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype()}
    series = {
        name: pd.Series(array.to_pandas(types_mapper=nullable.get if array.null_count else None))
        if isinstance(array, pa.ChunkedArray)
        else array.to_pandas(types_mapper=nullable.get if array.null_count else None)
        for name, array in zip(columns, arrays, strict=True)
    }
    return pd.DataFrame({name: pd.Series(one) for name, one in series.items()}, index=pd.RangeIndex(table.num_rows))


def join_tables(tables: Iterable[Any]) -> Any:
    """Return Arrow tables one below the other, whatever their types of numbers and codes."""
    import pyarrow as pa

    # Short codes of few labels may be too short for the labels of all tables.
    whole = pa.concat_tables([_with_long_codes(table) for table in tables], promote_options="permissive")
    return whole.unify_dictionaries()


def orders_in(table: Any, columns: Mapping[str, Column]) -> dict[str, list[tuple[Any, ...]]]:
    """Return the different orders in which a table has the categories of each column of categories."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for name in (name for name, column in columns.items() if column.is_categories):
        chunks = [chunk for chunk in table.column(name).chunks if hasattr(chunk, "dictionary")]
        found[name] = list(dict.fromkeys(tuple(chunk.dictionary.to_pylist()) for chunk in chunks))
    return found


def merge_orders(name: str, orders: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return one order of categories that agrees with all, the smallest label first where they leave it open.

    Raises
    ------
    DataError
        Two pieces of the table have the same categories in another order.
    """
    if len(orders) == 1:
        return list(orders[0])
    after: dict[Any, set[Any]] = {label: set() for order in orders for label in order}
    for order in orders:
        for first, second in itertools.pairwise(order):
            after[first].add(second)
    before = collections.Counter(label for labels in after.values() for label in labels)
    free = [(natural_key(str(label)), label) for label in after if not before[label]]
    heapq.heapify(free)
    found: list[Any] = []
    while free:
        found.append(heapq.heappop(free)[1])
        for label in after[found[-1]]:
            before[label] -= 1
            if not before[label]:
                heapq.heappush(free, (natural_key(str(label)), label))
    left = [label for label in after if label not in {*found}]
    if left:
        raise DataError(
            f"The categories of column '{name}' have another order in another place: {enumerate_words(left[:5])}. Write the "
            "column as text, or with one order everywhere."
        )
    return found


def _with_long_codes(table: Any) -> Any:
    import pyarrow as pa

    for place, own in enumerate(table.schema):
        if pa.types.is_dictionary(own.type):
            long = pa.dictionary(pa.int32(), own.type.value_type, own.type.ordered)
            table = table.set_column(place, own.name, table.column(place).cast(long))
    return table


def _converted(values: Any, name: str, column: Column) -> Any:
    import pyarrow as pa

    coded, kind = pa.types.is_dictionary(values.type), _kind(values.type)
    if column.kind == TEXT:
        # Objects of a dask data frame are known when they are read.
        if kind not in (TEXT, CATEGORIES, NOTHING) and not pa.types.is_binary(values.type):
            raise DataError(
                f"Column '{name}' holds {kind} as Python objects, which may be text in another place. Convert it beforehand: "
                f'frame.astype({{"{name}": float}}), or str if each value is a label.'
            )
        if coded and pa.types.is_string(values.type.value_type):
            return values
        return values.cast(pa.string()).dictionary_encode()
    if column.kind == CATEGORIES:
        return values if coded else values.cast(pa.string()).dictionary_encode()
    return values if column.type is None or values.type == column.type else values.cast(column.type)


def _unify(pieces: list[tuple[Any, str]], everywhere: list[str]) -> Column:
    """Return what one column holds, given its type and place in each piece that has it."""
    import pyarrow as pa

    if len(pieces) < len(everywhere):
        absent = next(where for where in everywhere if where not in {own for _, own in pieces})
        return Column("", problem=f"is not in {absent}, but in {pieces[0][1]}. {_ADVICE}")
    nested = next((kind for kind, _ in pieces if pa.types.is_nested(kind)), None)
    if nested is not None:
        return Column(
            "", problem=f"holds {nested}, not one number or one label in each cell. Make a column of each part."
        )
    kinds: dict[str, str] = {}
    for kind, where in pieces:
        kinds.setdefault(_kind(kind), where)
    kinds = {kind: where for kind, where in kinds.items() if kind != NOTHING} or {NOTHING: ""}
    if set(kinds) == {TEXT, CATEGORIES}:
        kinds = {TEXT: ""}
    if len(kinds) > 1:
        (one, first), (other, second), *_ = kinds.items()
        return Column("", problem=f"holds {one} in {first} and {other} in {second}. {_ADVICE}")
    (kind,) = kinds
    types = [own for own, _ in pieces if _kind(own) != NOTHING]
    return Column(kind, _common_number(types) if kind == NUMBERS else None)


def _common_number(types: list[Any]) -> Any:
    """Return a type that holds the numbers of several."""
    import pyarrow as pa

    if all(pa.types.is_integer(one) for one in types):
        widest = any(pa.types.is_uint64(one) for one in types)
        if not widest:
            return pa.int64()
        return pa.uint64() if all(pa.types.is_unsigned_integer(one) for one in types) else pa.decimal128(20, 0)
    return types[0] if len(set(types)) == 1 else pa.float64()


def _kind(kind: Any) -> str:
    """Return in words what an Arrow type holds."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        inside = _kind(kind.value_type)
        return CATEGORIES if inside == TEXT else f"categories of {inside}"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return NUMBERS
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view":
        return TEXT
    words = {pa.types.is_null: NOTHING, pa.types.is_boolean: "truth values", pa.types.is_temporal: "dates or times"}
    return next((word for asks, word in words.items() if asks(kind)), str(kind))
