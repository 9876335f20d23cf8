"""What the first reading of a large file finds: the response, and rows that show the structure of all."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import DataError
from bayesmixed.families import find_family
from bayesmixed.families.links import Array
from bayesmixed.preparation.assembly import read_response
from bayesmixed.preparation.data_files import (
    count_rows,
    in_natural_order,
    number_texts,
    ordered_columns,
    read_batches,
    text_columns,
)
from bayesmixed.preparation.used_columns import declared_factors, read_rows
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.columns import settle
from bayesmixed.tables.factors import Table, is_number
from bayesmixed.tables.frames import Gaps

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


def survey(spec: ModelSpec, path: Path, columns: list[str], missing: str, na: Any = ()) -> Survey:
    """Return what one reading of the columns of a file finds.

    Raises
    ------
    DataError
        Values are missing or infinite, the response is text, or the combinations of levels are too many to hold in memory.
    """
    total = count_rows(path)
    family = find_family(spec.family)
    chosen = np.sort(np.random.default_rng(0).choice(total, min(DRAWN, total), replace=False))
    gaps, categories, text = Gaps(), dict[str, pd.Index](), text_columns(path)
    drawn, shown = list[pd.DataFrame](), list[pd.DataFrame]()
    responses, labels = list[Array](), list[pd.Index]()
    numbers = number_texts(path, columns, na)
    for batch in read_batches(path, columns):
        frame = settle(gaps.take(read_rows(spec, batch, na=na, text=text, texts_of_numbers=numbers)))
        frame = _with_all_categories(frame, categories)
        if len(frame) == 0 or (gaps.incomplete and missing == "error"):
            continue
        responses.append(read_response(spec, family, Table(frame, {})))
        labels.append(frame.index)
        drawn.append(frame[frame.index.isin(chosen)])
        earlier = [_with_all_categories(rows, categories) for rows in shown]
        shown = [_choose_examples(spec, pd.concat([*earlier, frame]))]
        if len(shown[0]) > MOST_COMBINATIONS:
            raise DataError(
                f"'{path}' has more than {MOST_COMBINATIONS:,} combinations of levels, too many to stream its rows. "
                "Prepare the design in memory: bm.prepare(spec, path, stream=False)."
            )
    gaps.check(missing)
    sample = pd.concat([_with_all_categories(part, categories) for part in drawn])
    examples = pd.concat([sample, *shown])
    free = [name for name in categories if name not in ordered_columns(path)]
    examples = in_natural_order(examples[~examples.index.duplicated()], free)
    return Survey(examples, len(sample), np.concatenate(responses), labels[0].append(labels[1:]), gaps.incomplete)


def _with_all_categories(frame: pd.DataFrame, known: dict[str, pd.Index]) -> pd.DataFrame:
    """Return the rows with the categories of all rows so far, new ones at the end, so that codes stay what they are."""
    frame = frame.copy(deep=False)
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            own = frame[name].cat.categories
            before = known.get(name, own)
            known[name] = before.append(own.difference(before, sort=False))
            frame[name] = frame[name].cat.set_categories(known[name])
    return frame


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
