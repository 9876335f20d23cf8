"""Columns that are not known exactly: mi(x), with missing values, and me(x, sd), measured with error."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import field_validator

from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.families import DEFAULT_FAMILY, FAMILIES
from bayesmixed.formulas.expression_trees import calls
from bayesmixed.formulas.tokens import tokenise
from bayesmixed.formulas.written import read_formula
from bayesmixed.terms import Term
from bayesmixed.terms.contract import POPULATION
from bayesmixed.values import Value

MISSING, MEASURED = "mi", "me"
_CALLS = re.compile(r"(?<![\w.`])m[ie]\s*\(")


class Imputation(Value):
    """How the values of a column that are not known exactly are distributed: `impute={"x": "~ z + (1 | g)"}`.

    Attributes
    ----------
    formula : str
        One-sided formula of the mean of the column (of its logarithm, of a lognormal one).
    family : str
        One whose record says that it is `imputable`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.from_formula("y ~ mi(x)", impute={"x": "~ z"}).impute
    {'x': Imputation(formula='~ z', family='gaussian')}
    """

    formula: str = "~ 1"
    family: str = DEFAULT_FAMILY

    @field_validator("family")
    @classmethod
    def _sampled_family(cls, family: str) -> str:
        able = [name for name, one in FAMILIES.items() if one.imputable]
        if family not in able:
            raise SpecError(
                f"Missing values of family '{family}' are not drawn with the parameters; {', '.join(able)} are. "
                "For counts and categories impute the column several times beforehand, and fit the list of tables: "
                "bm.fit(spec, [table1, table2, ...])."
            )
        return family

    @field_validator("formula")
    @classmethod
    def _one_sided(cls, formula: str) -> str:
        if not formula.strip().startswith("~"):
            raise SpecError(f'The formula of an imputed column is one-sided, "~ z + (1 | g)", not "{formula}".')
        return formula.strip()


@dataclass(frozen=True, slots=True)
class InexactColumn:
    """A call of mi(x) or me(x, sd) in a formula.

    Attributes
    ----------
    column : str
        x.
    error : str or None
        The column of standard deviations of its errors, of me().
    """

    column: str
    error: str | None


def read_imputations(given: Any) -> Any:
    """Return the imputations of columns that a user gave as texts or tables (SpecError)."""
    if not isinstance(given, Mapping):
        raise SpecError('impute is a table of columns, each with a formula: impute={"x": "~ z"}.')
    return {str(name): Imputation(formula=one) if isinstance(one, str) else one for name, one in given.items()}


def inexact_columns(terms: Iterable[Term]) -> tuple[InexactColumn, ...]:
    """Return the columns of mi() and me() in population formulas (SpecError where they stand elsewhere, or in two ways)."""
    found: dict[str, InexactColumn] = {}
    exact: set[str] = set()
    terms = tuple(terms)
    if not any(_CALLS.search(text) for term in terms for text in (*term.formulas, *term.expressions)):
        return ()
    for term in terms:
        for text in term.formulas:
            for piece in _pieces(text):
                own = [call for call in calls(piece.tree) if piece.called(call) in (MISSING, MEASURED)]
                read = set(piece.columns)
                for call in own:
                    one = _read_call(piece, call)
                    if term.part != POPULATION:
                        raise SpecError(
                            f"{piece.show(call)} stands in '{term}': it is possible in the population part only."
                        )
                    if found.setdefault(one.column, one) != one:
                        raise SpecError(f"Column '{one.column}' is in mi() or me() in two ways; write one of them.")
                    read -= {one.column, one.error}
                exact |= read
        for text in term.expressions:
            if _CALLS.search(text):
                raise SpecError(f"'{term}' has mi() or me(), which are possible in the population part only.")
    both = [name for name in found if name in exact]
    if both:
        raise SpecError(
            f"Column '{both[0]}' is written as {_written(found[both[0]])} and by itself. Write it in one way."
        )
    return tuple(found.values())


def check_imputations(terms: Iterable[Term], impute: Mapping[str, Imputation], response: str) -> None:
    """Refuse imputations of columns that no mi() or me() names, and of the response (SpecError)."""
    measured = {one.column: one.error for one in inexact_columns(terms)}
    found = list(measured)
    extra = [name for name in impute if name not in found]
    if extra:
        have = enumerate_words(found) if found else "none"
        raise SpecError(f"impute names '{extra[0]}', which is in no mi() or me() of the formula (in these: {have}).")
    if response in found:
        raise SpecError(
            f"'{response}' is the response: its missing values are predicted with missing=\"impute\", without mi()."
        )
    for name in found:
        text = impute.get(name, Imputation()).formula
        if response in {token.word for token in tokenise(text)}:
            raise SpecError(
                f"The formula of '{name}' in impute has the response '{response}', which the model ties to '{name}' already. "
                "Leave it out."
            )
        if measured.get(name) and FAMILIES[impute.get(name, Imputation()).family].discrete:
            raise SpecError(
                f"'{name}' is measured with errors of known SD, me({name}, {measured[name]}), which events do not have: give it "
                "another family in impute, or write mi()."
            )
        if _CALLS.search(text):
            raise SpecError(
                f"The formula of '{name}' in impute has mi() or me(); these formulas take complete columns. Impute the table "
                "several times beforehand, and fit the list of tables."
            )


def _pieces(text: str) -> list[Any]:
    """Return the pieces of a formula; none of one that cannot be read, or not yet, as a dot before there are data."""
    try:
        return list(read_formula(text).pieces.values())
    except SpecError:
        return []


def _read_call(piece: Any, call: Any) -> InexactColumn:
    names = [piece.show(argument).strip("`") for argument in call.args]
    wanted = 1 if piece.called(call) == MISSING else 2
    if len(names) != wanted or any(name not in piece.columns for name in names):
        form = "mi(x)" if wanted == 1 else "me(x, sd)"
        raise SpecError(
            f"'{piece.show(call)}': the form is {form}, of columns, not of expressions. Compute them beforehand."
        )
    return InexactColumn(names[0], names[1] if wanted == 2 else None)


def _written(one: InexactColumn) -> str:
    return f"mi({one.column})" if one.error is None else f"me({one.column}, {one.error})"
