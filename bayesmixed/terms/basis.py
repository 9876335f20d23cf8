"""The basis of a formula on which default priors are stated: the same for every origin, coding and spelling."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.formulas.pieces import EvaluatedFormula
from bayesmixed.tables.factors import Table
from bayesmixed.terms.piece_bases import PieceBasis, learn_piece

_ROUNDING, _REFINEMENTS = 1e-14, 4
_ARRAYS = ("centre", "map", "steps", "map_as_written", "steps_as_written")


@dataclass(frozen=True, slots=True)
class BasisTerm:
    """A term of the basis: the pieces whose columns it multiplies, and whether numbers are centred at their origin."""

    pieces: tuple[str, ...]
    centred: bool

    @property
    def text(self) -> str:
        """The term as formulas write it."""
        return ":".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Basis:
    """Columns that span what a formula spans, each with a unit for its coefficient.

    A written term with factors F and numbers N stands for the products of N with all subsets of F. Factors enter as
    zero-sum contrasts over all levels, numbers as deviations from their mean where that stays in the span, else as written.

    Attributes
    ----------
    pieces : mapping
        By their text.
    terms : tuple of BasisTerm
        Without the constant.
    constant : bool
        Whether constants are in the span: then a column of ones is the first.
    """

    pieces: Mapping[str, PieceBasis]
    terms: tuple[BasisTerm, ...]
    constant: bool

    def columns(self, values: Mapping[str, Array], rows: int) -> Array:
        """Return the (n, q) columns for the values of the pieces in some rows."""
        # Column by column in memory, so that each is written in one go.
        found = np.ones((len(self.labels), rows))
        place = int(self.constant)
        for term in self.terms:
            first, *others = (self.pieces[text].columns(values, centred=term.centred).T for text in term.pieces)
            for own in others:
                first = (first[:, None] * own).reshape(-1, rows)
            found[place : place + len(first)] = first
            place += len(first)
        return found.T

    def to_lists(self) -> dict[str, Any]:
        """Return the basis as numbers, lists and mappings."""
        pieces = [
            {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in asdict(piece).items()}
            for piece in self.pieces.values()
        ]
        return {"pieces": pieces, "terms": [asdict(term) for term in self.terms], "constant": self.constant}

    @classmethod
    def from_lists(cls, found: Mapping[str, Any]) -> "Basis":
        """Return the basis that `to_lists` gave."""
        pieces = {}
        for one in found["pieces"]:
            values: dict[str, Any] = {
                name: np.array(v, dtype=float) if name in _ARRAYS else v for name, v in one.items()
            }
            values |= {"power": one["power"] and tuple(one["power"]), "span": tuple(one["span"])}
            pieces[one["text"]] = PieceBasis(**values)
        terms = tuple(BasisTerm(tuple(term["pieces"]), term["centred"]) for term in found["terms"])
        return cls(pieces, terms, found["constant"])

    @property
    def labels(self) -> tuple[str, ...]:
        """A label for each column: "Intercept", "x", "f #1", "f #2"."""
        found = ["Intercept"] if self.constant else []
        for term in self.terms:
            count = len(self._steps(term))
            found += [term.text] if count == 1 else [f"{term.text} #{number + 1}" for number in range(count)]
        return tuple(found)

    @property
    def units(self) -> Array:
        """(q,) scales of the coefficients, in units of the prior of a standardised slope.

        With a factor in the term the scale is one over the root of two, so that a difference of two levels has scale one.
        """
        first = [np.ones(1)] if self.constant else []
        return np.concatenate([*first, *(self._scale(term) / self._steps(term) for term in self.terms), np.zeros(0)])

    @property
    def crossed_away(self) -> tuple[str, ...]:
        """Numbers that are never 0 in centred products and powers: effects as written are those at 0."""
        terms = [t for t in self.terms if t.centred and (len(t.pieces) > 1 or self.pieces[t.pieces[0]].power)]
        return self._never_zero(terms)

    @property
    def written_away(self) -> tuple[str, ...]:
        """Numbers that stay as written, since centring would leave the span, and are never 0, where their priors apply."""
        return self._never_zero([t for t in self.terms if not t.centred])

    def _never_zero(self, terms: list[BasisTerm]) -> tuple[str, ...]:
        numbers = [self.pieces[text] for term in terms for text in term.pieces]
        names = [
            p.power[0] if p.power else p.text
            for p in numbers
            if len(p.centre) == 1 and (p.span[0] > 0 or p.span[1] < 0)
        ]
        return tuple(dict.fromkeys(names))

    def _scale(self, term: BasisTerm) -> float:
        return 1.0 / np.sqrt(2.0) if any(self.pieces[text].discrete for text in term.pieces) else 1.0

    def _steps(self, term: BasisTerm) -> Array:
        steps = np.ones(1)
        for text in term.pieces:
            piece = self.pieces[text]
            steps = np.outer(steps, piece.steps if term.centred else piece.steps_as_written).ravel()
        return steps


def learn_basis(state: EvaluatedFormula, values: Mapping[str, Array]) -> Basis:
    """Return the basis of a formula, learned from the values of its pieces in the rows of a fit."""
    pieces = {text: learn_piece(piece, values) for text, piece in state.pieces.items()}
    return join_terms([term.pieces for term in state.terms], pieces)


def join_terms(written: Iterable[tuple[str, ...]], pieces: Mapping[str, PieceBasis], *, centred: bool = True) -> Basis:
    """Return the basis of written terms, each as its pieces; unless `centred` all numbers keep their origin."""
    space = list(dict.fromkeys(term for one in written for term in _expand(one, pieces)))
    known = {frozenset(term) for term in space}
    terms = [BasisTerm(term, centred and _is_closed(term, pieces, known)) for term in space if term]
    return Basis(pieces, tuple(terms), frozenset() in known)


def map_to_written(state: EvaluatedFormula, basis: Basis, table: Table) -> Array:
    """Return the (p, q) matrix T: coefficients as written are T times those of the columns of the basis.

    It is found on rows with new combinations of the columns of the table, since data with empty cells may not
    determine it.
    """
    chosen = _probe_rows(state, table, 6 * len(basis.labels) + 40)
    written = np.asarray(state.matrix(chosen), dtype=float).reshape(chosen.rows, -1)
    columns = basis.columns(state.piece_values(chosen), chosen.rows)
    size = np.abs(written).max(axis=0, initial=0.0)
    size = np.where(size > 0.0, size, 1.0)
    # Where written columns are linearly dependent T is not unique: coefficients of the same name are the same.
    same = np.array([[float(a == b) for b in basis.labels] for a in state.labels]).reshape(len(size), len(basis.labels))
    inverse, found = np.linalg.pinv(written / size, rcond=1e-13) / size[:, None], same
    for _ in range(_REFINEMENTS):
        found = found + inverse @ (columns - written @ found)
    terms = np.abs(found) * size[:, None]
    return np.where(terms > _ROUNDING * terms.max(axis=0, initial=0.0), found, 0.0)


def _expand(written: tuple[str, ...], pieces: Mapping[str, PieceBasis]) -> Iterator[tuple[str, ...]]:
    """Yield the terms that a written term stands for, the smallest first."""
    order = list(pieces)
    term = sorted(written, key=order.index)
    free = [text for text in term if pieces[text].constant]
    for size in range(len(free) + 1):
        for kept in itertools.combinations(free, size):
            yield tuple(text for text in term if text in kept or text not in free)


def _is_closed(term: tuple[str, ...], pieces: Mapping[str, PieceBasis], known: set[frozenset[str]]) -> bool:
    """Return whether all terms that moving the origins of its numbers produces are in the span."""
    choices: list[list[tuple[str, ...] | None]] = []
    for text in term:
        piece = pieces[text]
        choices.append([(text,)] if piece.levels else [(text,), (), *_lower_powers(piece, pieces)])
    return all(
        None not in chosen and frozenset(t for part in chosen if part for t in part) in known
        for chosen in itertools.product(*choices)
    )


def _lower_powers(piece: PieceBasis, pieces: Mapping[str, PieceBasis]) -> Iterator[tuple[str, ...] | None]:
    """Yield the pieces with the lower powers of a power, None for a missing one."""
    if piece.power is None:
        return
    base, exponent = piece.power
    yield (base,) if base in pieces else None
    for lower in range(2, exponent):
        yield next(((text,) for text, other in pieces.items() if other.power == (base, lower)), None)


def _probe_rows(state: EvaluatedFormula, table: Table, count: int) -> Table:
    """Return rows in which columns that no piece reads together are drawn independently of each other."""
    generator = np.random.default_rng(0)
    data: dict[str, pd.Series] = {}
    for names in _joint_columns(state, table):
        rows = generator.integers(table.rows, size=count)
        factor = max((name for name in names if name in table.levels), key=lambda n: len(table.levels[n]), default=None)
        if factor is not None:
            # All levels equally often, so that rare ones also occur with all levels of other factors.
            rows = _rows_of_levels(table.data[factor].cat.codes.to_numpy(), rows, generator)
        data |= {name: table.data[name].iloc[rows].reset_index(drop=True) for name in names}
    return replace(table, data=pd.DataFrame(data, index=range(count)))


def _rows_of_levels(codes: NDArray[Any], rows: NDArray[Any], generator: np.random.Generator) -> NDArray[Any]:
    """Return as many rows, the levels of a factor in turn and in random order."""
    order = np.argsort(codes, kind="stable")
    present, first, counts = np.unique(codes[order], return_index=True, return_counts=True)
    turn = generator.permutation(np.arange(len(rows)) % len(present))
    return np.asarray(order[first[turn] + rows % counts[turn]])


def _joint_columns(state: EvaluatedFormula, table: Table) -> list[set[str]]:
    """Return the columns of a table that a formula reads, those together that a piece reads together."""
    found: list[set[str]] = []
    for text in state.pieces:
        words = {quoted or word for quoted, word in re.findall(r"`([^`]+)`|([^\W\d][\w.]*)", text)}
        names = {name for name in table.data.columns if name == text or name in words}
        joined = [other for other in found if other & names]
        found = [other for other in found if not other & names] + [names.union(*joined)]
    return found


def units_as_written(state: EvaluatedFormula, basis: Basis, table: Table) -> Array:
    """Return the (p,) sds of coefficients as written under a basis whose numbers all keep their origin; 1 for the
    intercept."""
    uncentred = join_terms([term.pieces for term in state.terms], basis.pieces, centred=False)
    found = np.sqrt(((map_to_written(state, uncentred, table) * uncentred.units) ** 2).sum(axis=1))
    return np.where(np.array(state.labels) == "Intercept", 1.0, found)
