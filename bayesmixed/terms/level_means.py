"""Means of levels where a formula has a coefficient for each level in place of an intercept."""

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.terms.basis import BasisTerm
from bayesmixed.terms.population_block import PopulationBlock

CENTRED = "_centred"
"""Ending of the key of a coefficient at the means of all other terms, where it differs from the coefficient as written."""


def level_means(block: PopulationBlock, factors: tuple[str, ...]) -> dict[str, Array]:
    """Return by the label of each level, or combination of levels, of some factors its mean predictor as a row (r,) on the
    coefficients of `columns`: all other terms at their means over the rows of the fit.

    It is empty unless the formula has a coefficient for each of them: `0 + herd`.
    """
    state, basis = block.state, block.basis
    own = next((term for term in state.terms if set(term.pieces) == set(factors)), None)
    sizes = [len(basis.pieces[text].map) for text in own.pieces] if own is not None else []
    if own is None or not basis.constant or "Intercept" in block.labels or len(own.positions) != np.prod(sizes):
        return {}
    found = {}
    for position in own.positions:
        label = state.labels[position]
        if label in block.labels:
            cell = dict(zip(own.pieces, state.parts[position], strict=True))
            row = block.means.copy()
            row[0] = 1.0
            for term, place in zip(basis.terms, _places(block), strict=True):
                if set(term.pieces) <= set(factors):
                    row[place] = _contrasts(block, term, cell)
            found[label] = row
    return found


def _contrasts(block: PopulationBlock, term: BasisTerm, cell: dict[str, str]) -> Array:
    """Return the columns of a term of factors in the cell {"herd": "herd[b]"}."""
    row = np.ones(1)
    for text in term.pieces:
        levels = block.state.pieces[text].levels or ()
        level = cell[text][len(text) + 1 : -1]  # of "herd[b]"
        row = np.outer(row, block.basis.pieces[text].map[levels.index(level)]).ravel()
    return row


def _places(block: PopulationBlock) -> list[slice]:
    """Return the positions of the columns of each term of the basis."""
    pieces, start, found = block.basis.pieces, int(block.basis.constant), []
    for term in block.basis.terms:
        width = int(np.prod([len(pieces[text].steps) for text in term.pieces]))
        found.append(slice(start, start + width))
        start += width
    return found
