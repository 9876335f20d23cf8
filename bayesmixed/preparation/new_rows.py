"""Rows to predict, which need neither a response nor labels of groups whose effects do not enter."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.formulas.group_means import ANY
from bayesmixed.formulas.names import expression_columns, formula_columns, read_columns
from bayesmixed.preparation.data_files import take_table
from bayesmixed.preparation.preparing import replay
from bayesmixed.tables.columns import mark_missing, read_codes
from bayesmixed.terms.contract import TermContract

WITHOUT_LABELS = ("average", "typical")
"""Ways to predict that do not ask which group a row belongs to."""


def replay_rows(
    design: Design,
    data: Any,
    groups: str | Mapping[str, str] = "typical",
    *,
    na: str | float | Iterable[str | float] = (),
) -> Design:
    """Return the Design of rows to predict, with what a fit has learned.

    A response is ignored, whatever it holds. Columns that only name groups whose effects do not enter, of factors for which
    `groups` is "average" or "typical", may be absent, and values in them may be missing.

    Raises
    ------
    SpecError, DataError
        As `prepare`.
    """
    frame = take_table(design.spec, data, na)
    for name, label in _labels_to_fill(design, groups).items():
        column = mark_missing(frame[name], read_codes(na)) if name in frame else None
        filled = label if column is None else column.astype(object).where(column.notna(), label)
        frame = frame.assign(**{name: filled})
    return replay(design.spec, _without_response(design, frame), design, na=na)


def _labels_to_fill(design: Design, groups: str | Mapping[str, str]) -> dict[str, str]:
    """Return the columns of labels that are not needed, each with a label that is no group's, others for other members."""
    columns = [str(name) for name in design.examples.table.data.columns]
    needed = {*design.spec.factors}
    free: dict[str, str] = {}
    for term in design.spec.terms:
        mode = groups if isinstance(groups, str) else groups.get(term.name, "existing")
        labels = term.label_columns
        if mode in WITHOUT_LABELS:
            several = not term.factor_columns  # members of one row, which are different groups
            free |= {name: ANY * (1 + place * several) for place, name in enumerate(labels)}
        else:
            needed |= {*labels}
        needed |= _read_by(term, columns)
    return {name: label for name, label in free.items() if name not in needed}


def _read_by(term: TermContract, columns: Collection[str]) -> set[str]:
    """Return the columns whose values a term reads, not only their labels."""
    found = {*term.split_columns, *term.factors()}
    found |= {name for formula in term.formulas for name in formula_columns(formula, columns)}
    return found | {name for text in term.expressions for name in expression_columns(text, columns)}


def _without_response(design: Design, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without the columns that only the response reads."""
    spec, names = design.spec, [str(name) for name in frame.columns]
    response = {*read_columns(spec.response, names)} - {*spec.addition_columns}
    kept = {name for term in spec.terms for name in (*term.columns([*names, *response]), *term.label_columns)}
    return frame.drop(columns=[name for name in response - kept if name in names])
