"""What the first reading of a large table finds: the response, and rows that show the structure of all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import DataError
from bayesmixed.families import find_family
from bayesmixed.families.links import Array
from bayesmixed.preparation.assembly import read_response
from bayesmixed.preparation.data_files import in_one_order, label_columns, number_texts
from bayesmixed.preparation.used_columns import declared_factors, read_rows
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.columns import refuse_stray_text, settle
from bayesmixed.tables.factors import Table, is_number
from bayesmixed.tables.frames import Gaps
from bayesmixed.tables.row_sources import RowSource

DRAWN = 10_000
MOST_COMBINATIONS = 2_000_000


@dataclass(frozen=True, slots=True)
class Survey:
    """What the first reading finds: examples (the first `drawn` random), response, labels of rows, rows left out."""

    examples: pd.DataFrame
    drawn: int
    response: Array
    rows: pd.Index
    dropped: int


@dataclass(slots=True)
class _Piece:
    """What some rows show; labels count them from 0.

    Attributes
    ----------
    gaps : Gaps
        Missing and infinite values.
    response, labels : list of arrays
        Response and labels of complete rows.
    drawn : DataFrame
        A random sample of them, each with a random number in column `_PLACE`: the smallest are kept.
    shown : DataFrame
        Rows that show the structure of all.
    orders : dict
        The orders of categories that were met, by column.
    counts : dict
        How many rows hold each text, by column that a formula may read as numbers.
    """

    gaps: Gaps
    response: list[Array] = field(default_factory=list)
    labels: list[pd.Index] = field(default_factory=list)
    drawn: pd.DataFrame | None = None
    shown: pd.DataFrame | None = None
    orders: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    counts: dict[str, pd.Series] = field(default_factory=dict)


_PLACE = "\0place"


def survey(spec: ModelSpec, source: RowSource, columns: list[str], missing: str, na: Any = ()) -> Survey:
    """Return what one reading of the columns of a table finds, piece by piece.

    Raises
    ------
    DataError
        Values are missing or infinite, the response is text, or the combinations of levels are too many to hold in memory.
    """
    numbers = number_texts(source, columns, na)
    checked = [name for name in source.text() if name in columns and name not in label_columns(spec)]
    look = partial(_look, spec, tuple(na), tuple(numbers), tuple(checked), missing)
    whole = None
    for piece in source.map(look, columns):
        whole = piece if whole is None else _join(spec, whole, piece)
        if whole.shown is not None and len(whole.shown) > MOST_COMBINATIONS:
            raise DataError(
                f"{source.name} has more than {MOST_COMBINATIONS:,} combinations of levels, too many to stream its rows. "
                "Prepare the design in memory: bm.prepare(spec, data, stream=False)."
            )
    if whole is None:
        raise DataError("The data have no rows.")
    whole.gaps.check(missing)
    assert whole.shown is not None
    assert whole.drawn is not None
    sample = whole.drawn.drop(columns=_PLACE).sort_index()
    both = pd.concat(_alike([sample, whole.shown]))
    examples = both[~both.index.duplicated()]
    examples = in_one_order(examples, [name for name in columns if name not in source.ordered()], whole.orders)
    for name, counts in whole.counts.items():
        if isinstance(examples[name].dtype, pd.CategoricalDtype):
            refuse_stray_text(examples[name].sort_index(), counts=counts)
    labels = whole.labels[0].append(whole.labels[1:])
    return Survey(examples, len(sample), np.concatenate(whole.response), labels, whole.gaps.incomplete)


def _look(
    spec: ModelSpec,
    na: tuple[str, ...],
    numbers: tuple[str, ...],
    text: tuple[str, ...],
    missing: str,
    rows: pd.DataFrame,
    number: int,
) -> _Piece:
    """Return what some rows show, which are the piece of that number."""
    gaps = Gaps()
    frame = settle(gaps.take(read_rows(spec, rows, na=na, texts_of_numbers=numbers)))
    found = _Piece(gaps)
    if len(frame) == 0 or (gaps.incomplete and missing == "error"):
        return found
    found.response = [read_response(spec, find_family(spec.family), Table(frame, {}))]
    found.labels = [frame.index]
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            found.orders[name] = [tuple(frame[name].cat.categories)]
            if name in text:
                found.counts[name] = frame[name].value_counts(sort=False)
    places = np.random.default_rng([0, number]).random(len(frame))
    found.drawn = _smallest(frame.assign(**{_PLACE: places}))
    found.shown = _choose_examples(spec, frame)
    return found


def _join(spec: ModelSpec, whole: _Piece, more: _Piece) -> _Piece:
    """Return what the rows so far and some more show together; labels of the latter go on."""
    start = whole.gaps.rows
    whole.gaps.join(more.gaps)
    if more.shown is None or more.drawn is None:
        return whole
    for one in (more.drawn, more.shown):
        one.index = one.index + start
    whole.response += more.response
    whole.labels += [labels + start for labels in more.labels]
    for name, orders in more.orders.items():
        known = whole.orders.setdefault(name, [])
        known += [order for order in orders if order not in known]
    for name, counts in more.counts.items():
        before = whole.counts.get(name)
        whole.counts[name] = counts if before is None else _added(before, counts)
    if whole.shown is None or whole.drawn is None:
        whole.drawn, whole.shown = more.drawn, more.shown
        return whole
    whole.drawn = _smallest(pd.concat(_alike([whole.drawn, more.drawn])))
    whole.shown = _choose_examples(spec, pd.concat(_alike([whole.shown, more.shown])))
    return whole


def _smallest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the smallest random numbers, `DRAWN` at most."""
    if len(frame) <= DRAWN:
        return frame
    return frame.iloc[np.argpartition(frame[_PLACE].to_numpy(), DRAWN)[:DRAWN]]


def _added(before: pd.Series, more: pd.Series) -> pd.Series:
    """Return counts by text, those of both together."""
    both = [pd.Series(one.to_numpy(), index=[str(label) for label in one.index]) for one in (before, more)]
    return both[0].add(both[1], fill_value=0).astype(int)


def _alike(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return frames with the categories of all of them in each."""
    known: dict[str, pd.Index] = {}
    for frame in frames:
        for name in frame.columns:
            if isinstance(frame[name].dtype, pd.CategoricalDtype):
                own = frame[name].cat.categories
                before = known.get(name, own)
                known[name] = before.append(own.difference(before, sort=False))
    return [frame.assign(**_with_categories(frame, known)) for frame in frames]


def _with_categories(frame: pd.DataFrame, known: Mapping[str, pd.Index]) -> dict[str, Any]:
    return {
        name: frame[name].cat.set_categories(labels, ordered=False)
        for name, labels in known.items()
        if isinstance(frame[name].dtype, pd.CategoricalDtype)
    }


def _choose_examples(spec: ModelSpec, frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows that show the structure of all rows: every combination of labels, two rows of every level where there are two,
    and the extremes of every number, over all and within the levels of grouping factors."""
    groups = {term.factor_columns for term in spec.terms if term.factor_columns}
    factors = declared_factors(spec)
    numbers = [name for name in frame.columns if is_number(frame[name]) and name not in factors]
    labels = [name for name in frame.columns if name not in numbers or any(name in key for key in groups)]
    kept = np.zeros(len(frame), dtype=bool)
    extremes = [frame[name].agg(["idxmin", "idxmax"]) for name in numbers]
    if labels:
        kept |= ~frame.duplicated(labels).to_numpy()
    for key in groups:
        grouped = frame.groupby(list(key), observed=True, sort=False)
        kept |= (grouped.cumcount() < 2).to_numpy()
        free = [name for name in numbers if name not in key]
        extremes += [grouped[name].agg(end) for name in free for end in ("idxmin", "idxmax")]
    kept |= frame.index.isin(np.concatenate(extremes)) if extremes else False
    return frame[kept]
