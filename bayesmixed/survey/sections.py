"""Sentences and drawings about two grouping factors: nested, crossed, with labels of their own or re-used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.display.columns_of_text import measure, pad
from bayesmixed.display.pages import Section
from bayesmixed.formulas.notation import join_factors
from bayesmixed.survey.drawings import draw_crossing, draw_tree
from bayesmixed.terms.block_parts import lies_in
from bayesmixed.terms.relations import CROSSED, NESTED, SAME, Factor, Integers, Node, Pair, grow_tree

MOST_ROWS, SHOWN_ROWS = 10, 6
MOST_COLUMNS = 15
MOST_LEAVES, SHOWN_LEAVES = 10, 8
ALMOST = 0.8


@dataclass(frozen=True, slots=True)
class LabelUse:
    """How the labels of a column are used over the groups of another one.

    Attributes
    ----------
    column, outer : Factor
        The column, and the factor around it.
    combined : Factor
        Both joined: the groups if the same label in two outer groups means two units.
    recurring : int
        Number of labels that occur in several outer groups.
    counts : (J,) integer array or None
        Number of labels in each outer group, if the labels start again in every one.
    joined : bool
        The model joins the two already.
    formula : str
        The formula that takes the column as nested, if it does not yet.
    """

    column: Factor
    outer: Factor
    combined: Factor
    recurring: int
    counts: Integers | None
    joined: bool
    formula: str = ""

    @property
    def ragged(self) -> bool:
        """Whether the labels start again in each group, up to different numbers."""
        return self.counts is not None and bool(np.ptp(self.counts) > 0)


def relation_section(pair: Pair, tabulate: bool = True) -> Section:
    """Return what is to be said about a pair of factors, with a table of small crossings."""
    inner, outer = pair.inner.name, pair.outer.name
    if pair.kind == SAME:
        text = f"'{inner}' and '{outer}' are the same grouping under two names: nothing can tell their SDs apart."
        return Section(before=(f"{text} Leave one of them out.",))
    if pair.kind == NESTED:
        inside = describe_range(pair.partners_of_outer)
        text = f"'{inner}' is nested in '{outer}': each {inner} lies in one {outer} only; {inside} in each {outer}."
        if len(pair.inner.columns) == 1:
            outer, inner = (join_factors(factor.columns) for factor in (pair.outer, pair.inner))
            text += (
                f" The labels of '{inner}' say so: (1 | {outer}/{inner}) is the same as (1 | {outer}) + (1 | {inner})."
            )
        return Section(before=(text,))
    table = _crossing_table(pair) if tabulate else pd.DataFrame()
    shown = (f"Rows in each combination ({inner} down, {outer} across):",) if len(table.columns) else ()
    more = len(pair.inner.labels) - len(table)
    drawing = (f"... and {more:,} more of {inner}",) if len(table.columns) and more else ()
    picture = draw_crossing(pair) if tabulate else ""
    return Section(before=(*_crossing_text(pair), *shown), table=table, drawing=drawing, picture=picture)


def tree_section(chain: Sequence[Factor]) -> Section:
    """Return the drawing of a chain of nested factors, outermost first, cut where it gets long."""
    sizes = chain[-1].sizes
    equal = bool(np.ptp(sizes) == 0)
    rows = f"{sizes[0]} row{'s' if sizes[0] > 1 else ''} in each {chain[-1].name}" if equal else "rows in brackets"
    heading = f"{' > '.join(factor.name for factor in chain)}; {rows}:"
    return Section(drawing=(heading, *_branch(grow_tree(chain), "", chain, equal)), picture=draw_tree(chain))


def label_section(use: LabelUse) -> Section:
    """Return what the labels of a column say about nesting, and what to write."""
    column, outer = use.column.name, use.outer.name
    if use.joined:
        return Section(before=(_joined_text(use),))
    first, second = use.outer.labels[:2]
    one = use.column.labels[0]
    question = (
        f"Do the labels of '{column}' mean the same unit in every '{outer}'? They start again in each: is {column} {one} "
        f"of {outer} {first} the same unit as {column} {one} of {outer} {second}? The labels cannot tell; you know."
    )
    rows = len(use.column.index)
    alone = " As many groups as rows: probably not what is meant." if len(use.combined.labels) == rows else ""
    inside = np.bincount(lies_in(use.combined.index, use.outer.index), minlength=len(use.outer.labels))
    nested = (
        f"- Different units, nested: write {use.formula}. This makes {len(use.combined.labels):,} groups, "
        f"{describe_range(inside)} in each {outer}.{alone}"
    )
    met = np.bincount(lies_in(use.combined.index, use.column.index))
    crossed = (
        f'- The same unit everywhere, crossed: say crossed = ["{column}"]. There are then {len(use.column.labels):,} '
        f"groups of {column}, each in {describe_range(met)} {outer}."
    )
    return Section(before=(question,), drawing=tuple(_draw_labels(use)), after=(nested, crossed))


def describe_range(values: NDArray[np.intp]) -> str:
    """Return "3", or "1 to 9 (median 3)"."""
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,} (median {float(np.median(values)):g})"


def _draw_labels(use: LabelUse) -> Iterator[str]:
    """Yield the labels in each outer group, where these are not all the same."""
    if not use.ragged:
        return
    outer, column = use.outer, use.column
    for group in range(min(SHOWN_ROWS, len(outer.labels))):
        found = np.unique(column.index[outer.index == group])
        yield f"{outer.name} {outer.labels[group]}: {column.name} {', '.join(column.labels[i] for i in found)}"
    if len(outer.labels) > SHOWN_ROWS:
        yield f"... and {len(outer.labels) - SHOWN_ROWS:,} more of {outer.name}"


def _crossing_text(pair: Pair) -> tuple[str, ...]:
    inner, outer = pair.inner.name, pair.outer.name
    size = f"{describe_range(pair.rows)} row{'s' if pair.rows.max() > 1 else ''}"
    if pair.kind == CROSSED:
        return (
            f"'{inner}' and '{outer}' are crossed: every {inner} ({len(pair.inner.labels):,}) meets every {outer} "
            f"({len(pair.outer.labels):,}), with {size} in each of the {pair.possible:,} combinations"
            f"{' (balanced)' if np.ptp(pair.rows) == 0 else ''}.",
        )
    texts = [
        f"'{inner}' and '{outer}' are partially crossed: {len(pair.cells):,} of {pair.possible:,} combinations occur "
        f"({_percent(len(pair.cells) / pair.possible)}), with {size} in each. One {inner} meets "
        f"{describe_range(pair.partners_of_inner)} {outer} of {len(pair.outer.labels):,}; one {outer} meets "
        f"{describe_range(pair.partners_of_outer)} {inner} of {len(pair.inner.labels):,}."
    ]
    astray = np.flatnonzero(pair.partners_of_inner > 1)
    if len(astray) <= (1 - ALMOST) * len(pair.inner.labels):
        texts.append(
            f"Almost nested: only {len(astray):,} of {len(pair.inner.labels):,} {inner} occur in more than one {outer} "
            f"(first: {pair.inner.labels[astray[0]]}). Are these slips in the labels?"
        )
    if pair.parts > 1:
        texts.append(
            f"The combinations fall into {pair.parts:,} separate sets that have no {inner} and no {outer} in common."
        )
    return tuple(texts)


def _crossing_table(pair: Pair) -> pd.DataFrame:
    """Return the number of rows of each combination; no columns where the table would be too wide."""
    if len(pair.outer.labels) > MOST_COLUMNS:
        return pd.DataFrame()
    total = len(pair.inner.labels)
    shown = total if total <= MOST_ROWS else SHOWN_ROWS
    counts = np.zeros((shown, len(pair.outer.labels)), dtype=int)
    kept = pair.cells[:, 0] < shown
    counts[pair.cells[kept, 0], pair.cells[kept, 1]] = pair.rows[kept]
    text = np.where(counts == 0, ".", counts.astype(str))
    table = pd.DataFrame(text, columns=list(pair.outer.labels))
    table.insert(0, pair.inner.name, list(pair.inner.labels[:shown]), allow_duplicates=True)
    return table


def _branch(nodes: Sequence[Node], around: str, chain: Sequence[Factor], equal: bool) -> list[str]:
    """Return the lines of some groups of the first factor of a chain, those inside them indented."""
    shown = nodes if len(nodes) <= MOST_ROWS else nodes[:SHOWN_ROWS]
    names = [node.label.removeprefix(around) for node in shown]
    width = max(map(measure, names))
    lines = []
    for node, name in zip(shown, names, strict=True):
        if len(chain) == 2:
            lines.append(f"{pad(name, width)}  {_leaves(node, _prefix(node, chain), equal)}")
        else:
            lines.append(f"{pad(name, width)}  {node.rows:,} rows")
            lines += [f"    {line}" for line in _branch(node.children, _prefix(node, chain), chain[1:], equal)]
    left = len(nodes) - len(shown)
    return [*lines, *([f"... and {left:,} more of {chain[0].name}"] if left else [])]


def _prefix(node: Node, chain: Sequence[Factor]) -> str:
    """Return what the labels inside a group begin with, if the inner factor joins the labels of the outer one."""
    return f"{node.label}:" if chain[1].name.startswith(f"{chain[0].name}:") else ""


def _leaves(node: Node, prefix: str, equal: bool) -> str:
    count = len(node.children)
    shown = node.children if count <= MOST_LEAVES else node.children[:SHOWN_LEAVES]
    names = [child.label.removeprefix(prefix) + ("" if equal else f" ({child.rows})") for child in shown]
    return ", ".join([*names, *([f"... {count - len(shown):,} more"] if count > len(shown) else [])])


def _joined_text(use: LabelUse) -> str:
    column, outer = use.column.name, use.outer.name
    if use.recurring == 0:
        return (
            f"The labels of '{column}' are unique: none occurs in two {outer}. "
            f"(1 | {outer}) + (1 | {column}) would be the same model."
        )
    one, (first, second) = use.column.labels[0], use.outer.labels[:2]
    return (
        f"The labels of '{column}' are re-used: {use.recurring:,} of {len(use.column.labels):,} occur in more than one "
        f"{outer}. '{use.combined.name}' keeps them apart: {column} {one} of {outer} {first} and {column} {one} of {outer} "
        f"{second} are two groups. (1 | {column}) alone would take them for one."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else "over 99 %"
