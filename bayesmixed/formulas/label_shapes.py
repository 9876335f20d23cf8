"""Labels that a formula gives its columns, worked out without data: which columns are factors may be unknown."""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import product

import numpy as np
import pandas as pd

from bayesmixed.formulas.expressions import Expression
from bayesmixed.formulas.functions import FACTOR_CALLS
from bayesmixed.formulas.written import piece_text, read_formula
from bayesmixed.parameter_keys import CENTRED_INTERCEPT, INTERCEPT

Shape = tuple[tuple[str, str], ...]
"""Of a label: its pieces in order, each with how it is coded; the intercept has none."""
_NUMBER, _CONTRASTS, _ALL_LEVELS = "", "contrasts", "all levels"
_PATTERNS = {_NUMBER: r"(\[.*\])?", _CONTRASTS: r"\[T\..*\]", _ALL_LEVELS: r"\[(?!T\.).*\]"}
_OF_OWN_CODING = {_CONTRASTS: r"\[\w?\..*\]", _ALL_LEVELS: r"\[.*\]"}
_MOST_UNKNOWN = 4


def lost_labels(
    labels: Collection[str], before: Collection[str], after: Collection[str], factors: Collection[str]
) -> set[str]:
    """Return the labels that formulas `before` give to columns, and formulas `after` may not give.

    A label is certain to stay if it is there whichever columns are numbers or factors, as far as the labels leave that
    open: without an intercept, for example, the first factor has a column for each of its levels.

    Parameters
    ----------
    labels : collection of str
        Texts that may be labels.
    before, after : collections of str
        The formulas of a predictor, or of the group terms of one factor.
    factors : collection of str
        Columns that are declared to be factors.
    """
    found = []
    for chosen in _views([*before, *after], labels, factors):
        old, new = (
            {shape for formula in formulas for shape in _shapes(formula, chosen)} for formulas in (before, after)
        )
        own = {label: _fitting(label, old) for label in labels}
        found.append(({label: shapes for label, shapes in own.items() if shapes}, new))
    known = {label for own, _ in found for label in own}
    possible = [view for view in found if view[0].keys() == known] or found
    return {label for own, new in possible for label, shapes in own.items() if not shapes <= new}


def _views(formulas: list[str], labels: Collection[str], factors: Collection[str]) -> Iterator[frozenset[str]]:
    """Yield the pieces that are factors, under each assumption about those that are not known.

    Pieces outside products matter only where a formula has no intercept, and there only the first factor among them. If
    many pieces are in products, all but a few are taken as numbers.
    """
    pieces: dict[str, Expression] = {}
    multiplied: set[str] = set()
    constant = True
    for formula in formulas:
        written, products = read_formula(formula), read_formula(formula).products()
        pieces |= {piece_text(piece): piece for piece in written.pieces.values()}
        multiplied |= {piece_text(written.pieces[alias]) for term in products if len(term) > 1 for alias in term}
        constant &= () in products
    sure = {text for text, piece in pieces.items() if piece.gives == "factor" or piece.only_column in factors}
    sure |= {
        text for text in pieces if any(re.fullmatch(re.escape(text) + r"\[T\..*\]", one, re.DOTALL) for one in labels)
    }
    unknown = [
        text
        for text, piece in pieces.items()
        if text not in {*sure, *labels} and (piece.only_column or piece.gives == "numbers" or text.startswith("I("))
    ]
    inner = [text for text in unknown if text in multiplied][:_MOST_UNKNOWN]
    outer = [] if constant else [text for text in unknown if text not in multiplied]
    for first in ([], *([text] for text in outer)):
        for some in product(*([[], [text]] for text in inner)):
            yield frozenset([*sure, *first, *(text for one in some for text in one)])


@lru_cache(maxsize=4096)
def _shapes(formula: str, factors: frozenset[str]) -> frozenset[Shape]:
    """Return the shapes of the labels of a formula in which some pieces are factors, found by formulaic on two rows."""
    from formulaic import model_matrix

    written = read_formula(formula)
    texts = {alias: piece_text(piece) for alias, piece in written.pieces.items()}
    level = pd.Series(pd.Categorical.from_codes([0, 1], categories=pd.RangeIndex(2)))
    frame = pd.DataFrame(
        {alias: level if text in factors else np.arange(2.0) for alias, text in texts.items()}, index=range(2)
    )
    names = map(str, model_matrix(written.algebra, frame, na_action="ignore").model_spec.column_names)
    return frozenset(
        () if name == INTERCEPT else tuple(_piece(part, texts) for part in name.split(":")) for name in names
    )


def _piece(part: str, texts: dict[str, str]) -> tuple[str, str]:
    alias, _, level = part.partition("[")
    return texts[alias], _CONTRASTS if level.startswith("T.") else _ALL_LEVELS if level else _NUMBER


def _fitting(label: str, shapes: set[Shape]) -> set[Shape]:
    """Return the shapes that a label may have, those of most pieces: the text of a level may look like further pieces."""
    found = {shape for shape in shapes if _fits(label, shape)}
    most = max(map(len, found), default=0)
    return {shape for shape in found if len(shape) == most}


def _fits(label: str, shape: Shape) -> bool:
    if not shape:
        return label in (INTERCEPT, CENTRED_INTERCEPT)
    patterns = []
    for text, coding in shape:
        own = coding in _OF_OWN_CODING and text.partition("(")[0] in FACTOR_CALLS
        patterns.append(re.escape(text) + (_OF_OWN_CODING if own else _PATTERNS)[coding])
    return re.fullmatch(":".join(patterns), label, re.DOTALL) is not None
