"""Values of parsed expressions on a table: the only place where formulas are computed."""

import ast
import itertools
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.errors import BayesMixedError, DataError, SpecError, enumerate_words, shorten
from bayesmixed.families.links import Array
from bayesmixed.formulas.expression_trees import COLUMN, LITERAL
from bayesmixed.formulas.expressions import Expression
from bayesmixed.formulas.functions import CODINGS, FACTOR_CALLS, GROUP_CALLS, find_function, unknown_function
from bayesmixed.formulas.learned import Basis
from bayesmixed.tables.factors import Table, as_label, encode, is_number


@dataclass(frozen=True, slots=True)
class Factor:
    """A column of labels with its levels.

    Attributes
    ----------
    codes : (n,) integer array
        Place of each row's level.
    levels : tuple of str
        In order.
    coding : (str, dict) or None
        Name of the coding, a key of `CODINGS`, and its options; None for the default.
    """

    codes: NDArray[np.intp]
    levels: tuple[str, ...]
    coding: tuple[str, Mapping[str, Any]] | None = None


Value = Any
"""A number, text, an array of numbers or truth values, a Series of labels, a Factor or a Basis."""

_ARITHMETIC: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_COMPARISONS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The evaluation of one expression.

    Attributes
    ----------
    expression : Expression
        What is computed.
    table : Table
        The rows.
    memory : mapping
        What calls learned from the rows of the fit, by the text of the call; filled where it is absent.
    """

    expression: Expression
    table: Table
    memory: MutableMapping[str, dict[str, Any]] = field(default_factory=dict)

    def value(self) -> Value:
        """Return the value of the expression; arithmetic that has no result gives NaN or infinity.

        Raises
        ------
        SpecError, DataError
            It cannot be computed on these columns.
        """
        with np.errstate(all="ignore"):
            return self._value(self.expression.tree)

    def _value(self, node: ast.AST) -> Value:
        match node:
            case ast.Constant(value):
                return np.bool_(value) if isinstance(value, bool) else np.float64(value)  # type: ignore[arg-type]
            case ast.Name(alias):
                word = self.expression.words[alias]
                return word.value if word.kind == LITERAL else self._column(word.value)
            case ast.UnaryOp(ast.Not(), operand):
                return np.logical_not(self._truth(operand))
            case ast.UnaryOp(op, operand):
                inner = self._number(operand)
                return np.negative(inner) if isinstance(op, ast.USub) else inner
            case ast.BinOp(left, op, right):
                return _ARITHMETIC[type(op)](self._number(left), self._number(right))
            case ast.BoolOp(op, values):
                join = np.logical_and if isinstance(op, ast.And) else np.logical_or
                truths = [self._truth(value) for value in values]
                return join.reduce(np.broadcast_arrays(*truths), axis=0)
            case ast.Compare(left, ops, comparators):
                sides = [left, *comparators]
                found = [self._compare(op, *pair) for op, pair in zip(ops, itertools.pairwise(sides), strict=True)]
                return np.logical_and.reduce(np.broadcast_arrays(*found), axis=0)
            case ast.Call():
                return self._call(node)
        raise self._wrong(node, "cannot be computed")

    def _column(self, name: str) -> Value:
        if name not in self.table.data.columns:
            raise SpecError(f"Column '{name}' in '{shorten(self.expression.text)}' is not in the data.")
        column = self.table.data[name]
        if pd.api.types.is_bool_dtype(column) and not column.isna().any():
            return column.to_numpy(dtype=bool)
        return column.to_numpy(dtype=float, na_value=np.nan) if is_number(column) else column

    def _number(self, node: ast.AST) -> Any:
        """Return a value as a number or an array of numbers."""
        value = self._value(node)
        if isinstance(value, pd.Series):
            return self._truth_of_labels(value, node).astype(float)
        if isinstance(value, str | Factor):
            raise self._wrong(node, "holds text; compare it, as in (x == 'a')")
        if isinstance(value, Basis):
            raise self._wrong(
                node, "gives several columns; it can stand alone or in interactions, not inside other calls"
            )
        return np.asarray(value, dtype=float)

    def _truth(self, node: ast.AST) -> Any:
        """Return a value as truth values."""
        value = self._value(node)
        if isinstance(value, pd.Series):
            return self._truth_of_labels(value, node)
        array = np.asarray(value)
        if array.dtype == bool:
            return array
        if array.dtype.kind == "f" and np.all(np.isin(array, (0.0, 1.0))):
            return array == 1
        raise self._wrong(node, "is not a condition; compare it, as in (x > 0)")

    def _truth_of_labels(self, column: "pd.Series[Any]", node: ast.AST) -> Any:
        codes, levels = encode(column)
        if not set(levels) <= {"True", "False"}:
            raise self._wrong(node, f"holds text (such as '{levels[0]}'); compare it, as in (x == '{levels[0]}')")
        return np.array([level == "True" for level in levels])[codes]

    def _compare(self, op: ast.cmpop, left: ast.AST, right: ast.AST) -> Any:
        sides = [self._value(left), self._value(right)]
        labelled = [isinstance(side, pd.Series | Factor) for side in sides]
        if any(isinstance(side, Basis) for side in sides):
            raise self._wrong(left, "gives several columns, which cannot be compared")
        if not any(labelled) and not any(isinstance(side, str) for side in sides):
            return _COMPARISONS[type(op)](*(np.asarray(side, dtype=float) for side in sides))
        if not isinstance(op, ast.Eq | ast.NotEq):
            raise self._wrong(left if labelled[0] else right, "holds text, which can be compared only by == and !=")
        if not any(labelled):
            raise self._wrong(left, "holds numbers but is compared with text; write the number without quotes")
        same = self._same_label(*(sides if labelled[0] else sides[::-1]))
        return same if isinstance(op, ast.Eq) else np.logical_not(same)

    def _same_label(self, column: Value, other: Value) -> Any:
        """Return where a column of labels equals another one, or a single label."""
        codes, levels = (column.codes, column.levels) if isinstance(column, Factor) else encode(column)
        if np.ndim(other) or isinstance(other, Factor):
            return self._labels(column) == self._labels(other)
        label = other if isinstance(other, str) else as_label(other)
        return codes == levels.index(label) if label in levels else np.zeros(len(codes), dtype=bool)

    def _labels(self, value: Value) -> Any:
        if isinstance(value, Factor):
            return np.asarray(value.levels, dtype=object)[value.codes]
        if isinstance(value, pd.Series):
            codes, levels = encode(value)
            # A missing label has code -1 and equals nothing.
            return np.array([*levels, None], dtype=object)[codes]
        if isinstance(value, str | np.bool_) or np.ndim(value) == 0:
            return value if isinstance(value, str) else as_label(value)
        return np.array([as_label(one) for one in np.asarray(value)], dtype=object)

    def _call(self, node: ast.Call) -> Value:
        name = self.expression.called(node)
        if name in FACTOR_CALLS:
            return self._factor(node)
        function = find_function(name, self.table.functions)
        if function is None:
            raise unknown_function(name, shorten(self.expression.text), self.table.functions)
        arrays = [self._value(one) if function.raw else self._argument(one) for one in node.args[: function.most]]
        if function.apply is np.where:
            arrays[0] = self._truth(node.args[0])
        options = dict(zip(function.options, map(self._literal, node.args[function.most :]), strict=False))
        options |= {str(word.arg): self._literal(word.value) for word in node.keywords}
        if name in self.table.functions:
            return self._own(name, function.apply, arrays, options)
        if function.learns:
            return self._learned(node, function.apply, arrays, options)
        if (
            function.gives == "factor"
            or name == "I"
            or not any(isinstance(array, str | pd.Series | Factor) for array in arrays)
        ):
            return function.apply(*arrays, **options)
        if function.apply is np.where and not any(isinstance(array, pd.Series | Factor) for array in arrays):
            return pd.Series(self._rows(np.where(arrays[0], *arrays[1:])), dtype=object)
        wrong = next(
            n for n, array in zip(node.args, arrays, strict=False) if isinstance(array, str | pd.Series | Factor)
        )
        raise self._wrong(wrong, f"holds text, which {name}() does not take; compare it, as in (x == 'a')")

    def _argument(self, node: ast.AST) -> Value:
        """Return an argument of a function: numbers and truth values as floats, texts as they are."""
        value = self._value(node)
        if isinstance(value, Basis):
            raise self._wrong(
                node, "gives several columns; it can stand alone or in interactions, not inside other calls"
            )
        if isinstance(value, pd.Series) and set(encode(value)[1]) <= {"True", "False"}:
            value = self._truth_of_labels(value, node)
        # Logarithms of truth values would be computed in half precision.
        return value if isinstance(value, str | pd.Series | Factor) else np.asarray(value, dtype=float)

    def _learned(self, node: ast.Call, apply: Callable[..., Any], arrays: list[Any], options: dict[str, Any]) -> Value:
        text = self.expression.show(node)
        name = self.expression.called(node)
        if name in GROUP_CALLS:
            arrays = [self._as_stands(one) for one in node.args]
        else:
            arrays = [self._rows(self._number_of(array, one)) for one, array in zip(node.args, arrays, strict=False)]
            if not all(np.all(np.isfinite(array)) for array in arrays):
                raise DataError(f"'{shorten(text)}': its argument is not finite in some rows.")
        state = self.memory.setdefault(text, {})
        try:
            return apply(*arrays, **options, state=state)
        except BayesMixedError as error:
            raise error.after(f"'{shorten(text)}':") from None
        except Exception as error:  # splines of formulaic have errors of several kinds
            x = np.unique(np.asarray(arrays[0], dtype=float))
            raise SpecError(
                f"'{shorten(text)}' cannot be computed: its options do not suit its argument, which has {len(x)} different "
                f"values from {x[0]:g} to {x[-1]:g}."
            ) from error

    def _as_stands(self, node: ast.AST) -> "pd.Series[Any]":
        """Return a column as it is in the table: numbers that name groups may exceed the precision of floats."""
        name = self.expression.word(node, COLUMN)
        if name is not None and name in self.table.data.columns:
            return self.table.data[name]
        value = self._value(node)
        if isinstance(value, Factor):
            return pd.Series(self._labels(value), dtype=object)
        return value if isinstance(value, pd.Series) else pd.Series(self._rows(value))

    def _number_of(self, value: Value, node: ast.AST) -> Any:
        if isinstance(value, str | pd.Series | Factor):
            raise self._wrong(node, "holds text, and numbers are needed here")
        return np.asarray(value, dtype=float)

    def _own(self, name: str, apply: Callable[..., Any], arrays: list[Any], options: dict[str, Any]) -> Value:
        """Return the value of a user-defined function, whose value in a row must depend on that row alone."""
        half = max(self.table.rows // 2, 1)

        def compute(rows: slice) -> Array:
            given = [array[rows] if np.ndim(array) else array for array in arrays]
            try:
                found = np.asarray(apply(*given, **options))
            except Exception as error:
                raise SpecError(
                    f"Your function '{name}' failed: {type(error).__name__}: {shorten(str(error))}"
                ) from error
            if found.shape not in ((), (len(range(*rows.indices(self.table.rows))),)) or found.dtype.kind not in "biuf":
                raise SpecError(
                    f"Your function '{name}' must return one number for each row; it gave shape {found.shape}."
                )
            return np.asarray(found, dtype=float)

        value = self._rows(compute(slice(None)))
        part = np.broadcast_to(compute(slice(half)), (min(half, self.table.rows),))
        rounding = 1e-12 * float(np.nanmax(np.abs(part), initial=0.0))
        if not np.allclose(value[:half], part, rtol=1e-9, atol=rounding, equal_nan=True):
            raise SpecError(
                f"Your function '{name}' gives a row a different value when other rows are absent, so it cannot be computed "
                "on new rows. Compute the column beforehand."
            )
        return value

    def _factor(self, node: ast.Call) -> Factor:
        value = self._value(node.args[0])
        shown = shorten(self.expression.show(node))
        if isinstance(value, str | Basis):
            raise self._wrong(node, "is not a column")
        column = value if isinstance(value, pd.Series) else None
        if column is None:
            codes, labels = (value.codes, value.levels) if isinstance(value, Factor) else self._encode(value, shown)
        else:
            codes, labels = encode(column)
        options = {str(word.arg): word.value for word in node.keywords}
        state = self.memory.setdefault(self.expression.show(node), {})
        if "levels" not in state:
            written = options.get("levels")
            state["levels"] = labels if written is None else tuple(as_label(level) for level in self._literal(written))
        levels = state["levels"]
        unknown = [label for label in labels if label not in levels]
        if unknown:
            raise DataError(
                f"'{shown}' holds {enumerate_words(unknown)}, which the model was not fitted to or `levels` does not name. "
                f"Known levels: {enumerate_words(levels, 12)}."
            )
        place = np.array([levels.index(label) for label in labels], dtype=np.intp)
        coding = node.args[1] if len(node.args) > 1 else options.get("contrasts")
        return Factor(place[codes], levels, None if coding is None else self._coding(coding))

    def _encode(self, value: Any, shown: str) -> tuple[NDArray[np.intp], tuple[str, ...]]:
        array = self._rows(value)
        if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
            bad = int(np.sum(~np.isfinite(array)))
            raise DataError(f"'{shown}' has no level in {bad} of {len(array)} rows: its value is not finite there.")
        return encode(pd.Series(array))

    def _coding(self, node: ast.AST) -> tuple[str, Mapping[str, Any]]:
        name = self.expression.coding(node)
        if not isinstance(node, ast.Call):
            return name, {}
        options = dict(zip(CODINGS[name][1], map(self._literal, node.args), strict=False))
        return name, options | {str(word.arg): self._literal(word.value) for word in node.keywords}

    def _literal(self, node: ast.AST) -> Any:
        """Return an option as it is written: a number, text, True, False, None, or a list of these."""
        match node:
            case ast.List(items):
                return [self._literal(item) for item in items]
            case ast.UnaryOp(_, ast.Constant(value)):
                return -value  # type: ignore[operator]
            case ast.Constant(value):
                return value
        return self.expression.word(node, LITERAL)

    def _rows(self, value: Any) -> Array:
        return np.asarray(np.broadcast_to(np.asarray(value), (self.table.rows,)))

    def _wrong(self, node: ast.AST, what: str) -> SpecError:
        shown = shorten(self.expression.show(node))
        whole = shorten(self.expression.text)
        return SpecError(f"'{shown}' {what}." if shown == whole else f"'{shown}' in '{whole}' {what}.")
