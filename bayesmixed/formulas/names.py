"""The names in a formula: columns of the data, and functions."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bayesmixed.errors import SpecError, did_you_mean, shorten
from bayesmixed.formulas.expression_trees import calls
from bayesmixed.formulas.expressions import Expression, parse_expression
from bayesmixed.formulas.functions import FACTOR_CALLS, find_coding, find_function, unknown_function
from bayesmixed.formulas.tokens import QUOTED, tokenise
from bayesmixed.formulas.written import read_formula


def formula_columns(formula: str, columns: Iterable[str], *, grouping: bool = True) -> set[str]:
    """Return the data columns that a population or group formula reads; without `grouping` not those that only name
    groups, in within(x, g).

    Raises
    ------
    SpecError
        A name is neither a column nor a function of the formula language.
    """
    known = [str(column) for column in columns]
    try:
        written = read_formula(formula)
    except SpecError as error:
        raise _with_column_meant(error, formula, known) from error
    found = _present(written.columns, formula, known)
    return found if grouping else found - set(written.grouping)


def expression_columns(expression: str, columns: Iterable[str]) -> set[str]:
    """Return the data columns that an expression reads, such as the left-hand side of a formula.

    Raises
    ------
    SpecError
        A name is neither a column nor a function of the formula language.
    """
    known = [str(column) for column in columns]
    whole = whole_column(expression, known)
    if whole is not None:
        return _present((whole,), expression, known)
    try:
        parsed = parse_expression(expression)
    except SpecError as error:
        raise _with_column_meant(error, expression, known) from error
    return _present(parsed.columns, expression, known)


def read_columns(expression: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that an expression reads, whether the data have them or not (SpecError if it is not one)."""
    whole = whole_column(expression, columns)
    return parse_expression(expression).columns if whole is None else (whole,)


def whole_column(expression: str, columns: Iterable[str]) -> str | None:
    """Return the column that an expression is the name of, with or without backticks, or None.

    An expression that other columns allow is computed.
    """
    tokens = tokenise(expression)
    if len(tokens) == 1 and tokens[0].kind == QUOTED:
        return tokens[0].word
    known = {str(column) for column in columns}
    if expression not in known:
        return None
    try:
        read = parse_expression(expression).columns
    except SpecError:
        return expression
    return None if read and set(read) <= known and read != (expression,) else expression


def check_functions(text: str, columns: Iterable[str], own: Mapping[str, Callable[..., Any]], *, formula: bool) -> None:
    """Refuse functions that are neither in the formula language nor user-defined (SpecError)."""
    pieces: Iterable[Expression]
    known = [str(column) for column in columns]
    try:
        pieces = read_formula(text).pieces.values() if formula else [parse_expression(text)]
    except SpecError as error:
        raise _with_column_meant(error, text, known) from error
    for piece in pieces:
        for call in calls(piece.tree):
            name = piece.called(call)
            if name not in FACTOR_CALLS and not find_coding(name) and find_function(name, own) is None:
                raise unknown_function(name, shorten(text), own, _ask_for_backticks(name, known))


def calls_in(text: str, *, formula: bool) -> list[str]:
    """Return the functions that a formula or expression calls, but C(x) and factor(x) of a column alone."""
    try:
        pieces = read_formula(text).pieces.values() if formula else [parse_expression(text)]
    except SpecError:
        return []
    return [
        piece.called(call)
        for piece in pieces
        for call in calls(piece.tree)
        if piece.called(call) not in FACTOR_CALLS or piece.plain_factor is None
    ]


def group_mean_expressions(formula: str) -> tuple[str, ...]:
    """Return the expressions whose group means a formula takes: x of within(x, g) and between(x, g)."""
    return _first_arguments(formula, "within", "between")


def labelled_columns(formula: str, columns: Iterable[str]) -> set[str]:
    """Return the columns whose values are levels of a formula although they stay numbers: x of labels(x)."""
    known = list(columns)
    return {name for each in _first_arguments(formula, "labels") for name in expression_columns(each, known)}


def _first_arguments(formula: str, *functions: str) -> tuple[str, ...]:
    found = [
        piece.show(call.args[0])
        for piece in read_formula(formula).pieces.values()
        for call in calls(piece.tree)
        if piece.called(call) in functions
    ]
    return tuple(dict.fromkeys(found))


def strip_factor_calls(formula: str) -> tuple[str, tuple[str, ...]]:
    """Return a column or C(column), factor(column) as the column's name, and the names so marked."""
    try:
        piece = parse_expression(formula)
    except SpecError:
        return formula, ()
    return piece.plain_factor or piece.only_column or formula, piece.factors


def factors_in(formula: str) -> tuple[str, ...]:
    """Return the columns that a population or group formula declares to be factors: C(x), factor(x)."""
    try:
        return read_formula(formula).factors
    except SpecError:
        return ()


def refuse_stateful(expression: str, where: str) -> None:
    """Refuse functions that learn from the data where what they learned would not be kept for new rows (SpecError)."""
    try:
        learned = parse_expression(expression).learning
    except SpecError:
        # What cannot be read may be the plain name of a column; columns are known later.
        return
    if learned:
        raise SpecError(f"{where}: {learned[0]}() learns from the data. Compute it as a column first.")


def _present(found: Iterable[str], text: str, known: list[str]) -> set[str]:
    for name in found:
        if name not in known:
            number = "For the number write 3.141592653589793." if name == "pi" else ""
            hint = number or _ask_for_backticks(name, known) or did_you_mean(name, known)
            raise SpecError(f"Column '{shorten(name)}' in '{shorten(text)}' is not in the data. {hint}")
    return set(found)


def _with_column_meant(error: SpecError, text: str, known: list[str]) -> SpecError:
    """Return the error with a hint if a column with an unusual name is written without backticks."""
    odd = [name for name in known if not re.fullmatch(r"[^\W\d][\w.]*", name) and len(name) > 1]
    bare = re.sub(r"`[^`]*`", " ", text)
    meant = next((name for name in sorted(odd, key=len, reverse=True) if name in bare), None)
    return (
        error
        if meant is None
        else SpecError(f"{error} If the column '{meant}' is meant, write it in backticks: `{meant}`.")
    )


def _ask_for_backticks(name: str, columns: list[str]) -> str:
    """Return how to write the column that begins with a name and continues with blanks or signs, "" if there is none."""
    meant = next((column for column in columns if re.match(rf"{re.escape(name)}[^\w.]", column)), "")
    return f"If the column '{meant}' is meant, write it in backticks: `{meant}`." if meant else ""
