"""Evaluated formulas: their written terms, and the pieces of which the columns of terms are products."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesmixed.links import Array
from bayesmixed.terms.names import context
from bayesmixed.terms.tables import Table, as_label


@dataclass(frozen=True, slots=True)
class WrittenTerm:
    """A term of a formula: the pieces that it multiplies (none: the intercept), and its columns in the matrix."""

    pieces: tuple[str, ...]
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A factor, or an expression that gives numbers.

    Attributes
    ----------
    text : str
        As formulas write it: "period", "C(period, contr.sum)", "I(x ** 2)", "poly(x, 2)".
    levels : tuple of str or None
        All levels of a factor, whatever its coding.
    power : (str, int) or None
        Piece and exponent of an integer power, read from the parsed expression: ("x", 2).
    """

    text: str
    levels: tuple[str, ...] | None
    power: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class EvaluatedFormula:
    """A formula with what it learned from a table: levels, knots and codings, replayed on other rows.

    Attributes
    ----------
    spec : formulaic.ModelSpec
        Of the whole formula.
    terms : tuple of WrittenTerm
        In the order of the columns.
    pieces : mapping of str to Piece
        By their text.
    specs : mapping of str to formulaic.ModelSpec
        Of each piece by itself.
    """

    spec: Any
    terms: tuple[WrittenTerm, ...]
    pieces: Mapping[str, Piece]
    specs: Mapping[str, Any]

    def matrix(self, table: Table) -> Any:
        """Return the columns of the formula on a table."""
        return self.spec.get_model_matrix(table.data, context=context())

    def piece_values(self, table: Table) -> dict[str, Array]:
        """Return for each factor the (n, K) indicators of all its levels, for other pieces their (n, w) numbers."""
        return {text: _values(self.pieces[text], spec, table) for text, spec in self.specs.items()}


def read_pieces(spec: Any, table: Table) -> EvaluatedFormula:
    """Return an evaluated formula, given its formulaic.ModelSpec and the table that it was evaluated on."""
    from formulaic import model_matrix
    from formulaic.parser.types.factor import Factor

    terms, pieces, specs = [], {}, {}
    for term, positions in spec.term_indices.items():
        factors = [factor for factor in term.factors if factor.eval_method != Factor.EvalMethod.LITERAL]
        terms.append(WrittenTerm(tuple(factor.expr for factor in factors), tuple(positions)))
        for factor in factors:
            text = factor.expr
            if text not in specs:
                written = f"`{text}`" if factor.eval_method == Factor.EvalMethod.LOOKUP else f"{{{text}}}"
                matrix = model_matrix(f"0 + {written}", table.data, context=context(), na_action="raise")
                specs[text] = matrix.model_spec
                pieces[text] = Piece(text, _levels(specs[text]), read_power(text))
    return EvaluatedFormula(spec, tuple(terms), pieces, specs)


def read_power(text: str) -> tuple[str, int] | None:
    """Return column and exponent if an expression is a whole power from 2 of a column, `I(x ** 2)`, else None."""
    names = re.findall(r"`([^`]+)`", text)
    plain = re.sub(r"`[^`]+`", "_quoted_", text)
    try:
        node = ast.parse(plain.strip(), mode="eval").body
    except SyntaxError:
        return None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "I" and len(node.args) == 1:
        node = node.args[0]
    match node:
        case ast.BinOp(ast.Name(name), ast.Pow(), ast.Constant(int() as exponent)) if exponent >= 2:
            return names[0] if name == "_quoted_" else name, exponent
    return None


def _levels(spec: Any) -> tuple[str, ...] | None:
    """Return the levels of a factor evaluated by itself; None for numbers, and codings that do not tell levels apart."""
    if _coding(spec) is None:
        return None
    (_, state), *_ = spec.encoder_state.values()
    return tuple(as_label(value) for value in state["categories"])


def _coding(spec: Any) -> Array | None:
    """Return the (K, w) coding of the levels of a factor evaluated by itself, or None."""
    (kind, state), *_ = spec.encoder_state.values()
    if kind.value != "categorical":
        return None
    coding = np.asarray(state["contrasts"].get_coding_matrix(reduced_rank=False), dtype=float)
    complete = np.linalg.matrix_rank(_with_constant(coding)) == len(coding)
    return coding if complete else None


def _values(piece: Piece, spec: Any, table: Table) -> Array:
    values = np.asarray(spec.get_model_matrix(table.data, context=context()), dtype=float).reshape(table.rows, -1)
    coding = _coding(spec)
    if piece.levels is None or coding is None or values.shape[1] == len(piece.levels):
        return values
    return np.asarray(np.rint(_with_constant(values) @ np.linalg.pinv(_with_constant(coding))))


def _with_constant(columns: Array) -> Array:
    return np.hstack([np.ones((len(columns), 1)), columns])
