"""The data table that terms read: columns, factor levels and the evaluation of formulas on them."""

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.errors import BayesMixedError, DataError, SpecError, did_you_mean, enumerate_words
from bayesmixed.links import Array
from bayesmixed.terms.notation import split_top


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a data frame, with its factors as categoricals.

    Attributes
    ----------
    data : pandas.DataFrame
        Factor columns are categorical with levels in natural order.
    levels : mapping
        Levels of each factor column, learned at the fit.
    """

    data: pd.DataFrame
    levels: Mapping[str, tuple[str, ...]]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Columns:
    """A formula evaluated on a table: matrix, labels and what was learned on the way."""

    labels: tuple[str, ...]
    matrix: Array
    scales: Array
    levels_mask: NDArray[np.bool_]
    interactions: tuple[str, ...]
    state: Any


def as_table(data: pd.DataFrame, factors: Iterable[str], columns: Iterable[str], like: Table | None = None) -> Table:
    """Return the table in which `columns` that hold text, truth values or `factors` are categorical.

    Raises
    ------
    DataError
        A factor holds a level that `like` does not know.
    """
    data = data.copy(deep=False)
    levels: dict[str, tuple[str, ...]] = {}
    chosen = set(factors)
    for name in columns:
        if like is not None:
            if name not in like.levels:
                if not is_number(data[name]):
                    raise DataError(f"Column '{name}' held numbers when the model was fitted, and holds none here.")
                continue
            levels[name] = like.levels[name]
            codes, labels = encode(data[name])
            unseen = sorted(set(labels) - set(levels[name]))
            if unseen:
                raise DataError(
                    f"Factor '{name}' holds {enumerate_words(unseen)}, which the model was not fitted to. "
                    f"Known levels: {enumerate_words(levels[name], 12)}."
                )
            place = {label: i for i, label in enumerate(levels[name])}
            codes = np.array([place[label] for label in labels], dtype=np.intp)[codes]
        elif name in chosen or not is_number(data[name]):
            if name not in chosen and is_date(data[name]):
                raise DataError(
                    f"Column '{name}' holds dates or times. Compute a number from it beforehand, such as days since the "
                    f"first; or say C({name}) if each date is a level of its own."
                )
            codes, levels[name] = encode(data[name])
        else:
            continue
        data[name] = pd.Categorical.from_codes(codes, categories=pd.Index(levels[name], dtype=object))
    return Table(data, levels)


def is_number(column: pd.Series) -> bool:
    """Return whether a column holds numbers (truth values and categories are none)."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def is_date(column: pd.Series) -> bool:
    """Return whether a column holds dates, times or durations."""
    return column.dtype.kind in "mM" or isinstance(column.dtype, pd.PeriodDtype)


def as_label(value: object) -> str:
    """Return the label of a level: text as it is, whole numbers without a decimal point."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def encode(column: pd.Series) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return the level of each row and the labels: a Categorical's order, else natural order."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        used = column.cat.remove_unused_categories()
        return np.asarray(used.cat.codes, dtype=np.intp), tuple(as_label(value) for value in used.cat.categories)
    # Values become labels once each, not row by row; two values, such as 1 and 1.0, may have one label.
    codes, values = pd.factorize(column)
    labels = [as_label(value) for value in values]
    ordered = sorted(set(labels), key=natural_key)
    rank = {label: place for place, label in enumerate(ordered)}
    return np.array([rank[label] for label in labels], dtype=np.intp)[codes], tuple(ordered)


def natural_key(label: str) -> tuple[Any, ...]:
    """Return a sort key that orders numbers inside text by value: plot2 before plot10."""
    try:
        return (0, float(label), label)
    except ValueError:
        pieces = re.split(r"(\d+)", label)
        return (1, tuple((1, int(p), "") if p.isdigit() else (0, 0, p) for p in pieces), label)


def evaluate(formula: str, table: Table, state: Any = None) -> Columns:
    """Return the columns of a population formula; with `state` the learned coding is replayed.

    Raises
    ------
    SpecError
        The formula cannot be read or evaluated.
    """
    from formulaic import model_matrix
    from formulaic.errors import DataMismatchWarning

    quoted = quote_names(formula, table.data.columns)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", DataMismatchWarning)
            if state is None:
                matrix = model_matrix(quoted, table.data, context=context(), na_action="raise")
            else:
                matrix = state.get_model_matrix(table.data, context=context())
    except DataMismatchWarning as error:
        raise DataError(f"A factor in '{formula}' holds a level that the model was not fitted to. {error}") from error
    except Exception as error:  # formulaic raises many kinds; all but our own mean the same to the user
        if isinstance(error.__cause__, BayesMixedError):
            raise error.__cause__ from None
        raise SpecError(f"Formula '{formula}' cannot be evaluated: {_first_line(error)}") from error
    labels = tuple(str(name) for name in matrix.columns)
    values = np.asarray(matrix, dtype=float).reshape(table.rows, len(labels))
    if not np.all(np.isfinite(values)):
        bad = [label for label, column in zip(labels, values.T, strict=True) if not np.all(np.isfinite(column))]
        raise DataError(
            f"Formula '{formula}' gives values that are not finite in {enumerate_words(bad)}. "
            "Look for logarithms of zero, divisions by zero and overflow."
        )
    if state is not None:
        nothing = np.zeros(len(labels))
        return Columns(labels, values, nothing, nothing.astype(bool), (), state)
    spec = matrix.model_spec
    scales, interactions = _scales(spec, labels, values, table)
    return Columns(labels, values, scales, _levels_mask(spec, values), interactions, spec)


def evaluate_expression(expression: str, table: Table) -> pd.Series:
    """Return the value of one expression, such as the left-hand side of a formula, for each row."""
    from formulaic.transforms import TRANSFORMS
    from formulaic.utils.stateful_transforms import stateful_eval

    name = expression.strip("`")
    if name in table.data.columns:
        return table.data[name]
    quoted, aliases = expression, {}
    for i, column in enumerate(_odd_names(expression, table.data.columns)):
        aliases[f"_column_{i}"] = table.data[column]
        quoted = re.sub(rf"`{re.escape(column)}`|(?<![\w.`]){re.escape(column)}(?![\w.(])", f"_column_{i}", quoted)
    scope = {**TRANSFORMS, **context(), **{str(c): table.data[c] for c in table.data.columns}, **aliases}
    try:
        with np.errstate(all="ignore"):
            value = stateful_eval(quoted.replace("^", "**"), scope, {}, {}, None)
    except Exception as error:
        raise SpecError(f"Expression '{expression}' cannot be evaluated: {_first_line(error)}") from error
    return pd.Series(np.broadcast_to(np.asarray(value), (table.rows,)), index=table.data.index)


def variables(formula: str, columns: Iterable[str]) -> set[str]:
    """Return the data columns that a formula or expression reads.

    Raises
    ------
    SpecError
        A name is neither a column nor a function of the formula language.
    """
    known = [str(column) for column in columns]
    if formula in known:
        return {formula}
    plain = strip_factor_calls(formula)[0]
    found = set(re.findall(r"`([^`]+)`", plain))
    rest = re.sub(r"`[^`]+`", " ", re.sub(r"'[^']*'|\"[^\"]*\"", " ", plain))
    for name in _odd_names(rest, known):
        found.add(name)
        rest = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.(])", " ", rest)
    for match in re.finditer(r"(?<![\w.])([^\W\d][\w.]*)(\s*\()?(\s*=(?!=))?", rest):
        name, called, keyword = match[1], match[2], match[3]
        if name in known and not called and not keyword:
            found.add(name)
        elif called and not keyword:
            if name.split(".")[0] not in context() and name not in _formulaic_names():
                raise SpecError(
                    f"Function '{name}' in '{formula}' is not known. "
                    f"{did_you_mean(name, [*context(), *sorted(_formulaic_names())])} Or compute the column beforehand."
                )
        elif not keyword and name.split(".")[0] not in {*context(), *_formulaic_names(), *_WORDS}:
            raise SpecError(f"Column '{name}' in '{formula}' is not in the data. {did_you_mean(name, known)}")
    absent = sorted(found - set(known))
    if absent:
        raise SpecError(f"Column '{absent[0]}' in '{formula}' is not in the data. {did_you_mean(absent[0], known)}")
    return found


def quote_names(formula: str, columns: Iterable[str]) -> str:
    """Return the formula with column names that Python cannot read in backticks, `I(x^2)` as a power."""
    outside = re.sub(r"`[^`]+`", " ", formula)
    for name in _odd_names(outside, columns):
        formula = re.sub(rf"(?<![\w.`]){re.escape(name)}(?![\w.`(])", f"`{name}`", formula)
    return re.sub(r"\bI\(([^()]*)\)", lambda match: f"I({match[1].replace('^', '**')})", formula)


def strip_factor_calls(formula: str) -> tuple[str, tuple[str, ...]]:
    """Return the formula with `C(x)` and `factor(x)` as plain `x`, and the names so marked."""
    pattern = re.compile(r"\b(?:C|factor)\(\s*(`[^`]+`|[^\W\d][\w.]*)\s*\)")
    names = tuple(match[1].strip("`") for match in pattern.finditer(formula))
    return pattern.sub(lambda match: match[1], formula), names


@cache
def context() -> Mapping[str, Callable[..., Any]]:
    """Return the functions that formulas may use beside formulaic's own."""
    from formulaic.utils.stateful_transforms import stateful_transform

    from bayesmixed.terms.group_means import between, level, within

    return {
        "np": np,
        "sqrt": np.sqrt,
        "log1p": np.log1p,
        "expm1": np.expm1,
        "abs": np.abs,
        "logit": lambda p: np.log(p) - np.log1p(-np.asarray(p)),
        **{function.__name__: stateful_transform(function) for function in (within, between, level)},
    }


def refuse_stateful(expression: str, where: str) -> None:
    """Refuse functions that learn from the data where what they learned would not be kept for new rows (SpecError)."""
    learned = stateful_calls(expression)
    if learned:
        raise SpecError(f"{where}: {learned[0]}() learns from the data. Compute it as a column first.")


def stateful_calls(expression: str) -> list[str]:
    """Return the functions in an expression that learn from the data, such as `scale` and `poly`."""
    called = re.findall(r"(?<![\w.])(\w+)\s*\(", expression)
    if not called:
        return []
    from formulaic.transforms import TRANSFORMS

    known = {**TRANSFORMS, **context()}
    return [name for name in called if getattr(known.get(name), "__is_stateful_transform__", False)]


_WORDS = {"True", "False", "None", "and", "or", "not", "in", "contr"}


@cache
def _formulaic_names() -> frozenset[str]:
    from formulaic.transforms import TRANSFORMS

    return frozenset(TRANSFORMS)


def _odd_names(text: str, columns: Iterable[str]) -> list[str]:
    """Return the dotted column names in `text`, longest first; other odd names need backticks."""
    dotted = [str(c) for c in columns if re.fullmatch(r"[^\W\d]\w*(\.\w+)+", str(c))]
    return [
        c for c in sorted(dotted, key=len, reverse=True) if re.search(rf"(?<![\w.`]){re.escape(c)}(?![\w.`(])", text)
    ]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _levels_mask(spec: Any, values: Array) -> NDArray[np.bool_]:
    """Mark the first term whose columns add up to one constant other than zero."""
    mask = np.zeros(values.shape[1], dtype=bool)
    for positions in spec.term_indices.values():
        total = values[:, positions].sum(axis=1)
        if positions and np.ptp(total) < 1e-12 and abs(total[0]) > 1e-12:
            mask[list(positions)] = True
            return mask
    return mask


def _scales(spec: Any, labels: tuple[str, ...], values: Array, table: Table) -> tuple[Array, tuple[str, ...]]:
    steps: dict[str, float] = {}
    crossed = interacting(spec)
    for expression in crossed:
        steps |= _factor_steps(expression, table)
    scales = interaction_steps(spec, labels, np.array([column_step(column) for column in values.T]), steps)
    powers = [re.fullmatch(r"I\((\w+) ?\*\* ?\d+\)", str(term)) for term in spec.term_indices]
    named = {*crossed, *(power[1] for power in powers if power)}
    numeric = [n for n in sorted(named) if n in table.data.columns and n not in table.levels]
    away = [n for n in numeric if table.data[n].min() > 0 or table.data[n].max() < 0]
    return scales, tuple(away)


def interacting(spec: Any) -> tuple[str, ...]:
    """Return the expressions that interactions of an evaluated formula are made of."""
    return tuple(dict.fromkeys(f.expr for term in spec.term_indices if len(term.factors) > 1 for f in term.factors))


def interaction_steps(spec: Any, labels: tuple[str, ...], own: Array, steps: Mapping[str, float]) -> Array:
    """Return the steps of columns: their own, of interactions the product of those of the pieces of their labels."""
    scales = own.copy()
    for term, positions in spec.term_indices.items():
        for position in positions if len(term.factors) > 1 else []:
            pieces = [_without_coding(piece) for piece in split_top(labels[position], ":")]
            if all(piece in steps for piece in pieces):
                scales[position] = np.prod([steps[piece] for piece in pieces])
    return scales


def _factor_steps(expression: str, table: Table) -> dict[str, float]:
    from formulaic import model_matrix

    quoted = f"`{expression}`" if expression in table.data.columns else expression
    matrix = model_matrix(f"0 + {quoted}", table.data, context=context(), na_action="raise")
    values = np.asarray(matrix, dtype=float)
    return {_without_coding(str(n)): column_step(c) for n, c in zip(matrix.columns, values.T, strict=True)}


def _without_coding(label: str) -> str:
    return re.sub(r"\[T\.", "[", label)


def column_step(column: Array) -> float:
    """Return what a default slope prior calls one step: 2 sd, or the range of a two-valued column."""
    unique = np.unique(column)
    if len(unique) <= 2:
        return float(np.ptp(unique)) or 1.0
    return float(2.0 * np.std(column, ddof=1))
