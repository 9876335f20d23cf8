"""The dot of a formula, all other columns of the data, written out once these are known."""

from collections.abc import Collection, Iterable

from bayesmixed.errors import SpecError, shorten
from bayesmixed.formulas.names import read_columns
from bayesmixed.formulas.tokens import Token, tokenise
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.spec.parsing import parse_terms
from bayesmixed.tables.column_names import quote_name
from bayesmixed.terms.contract import POPULATION


def has_dots(spec: ModelSpec) -> bool:
    """Return whether a population formula has a dot."""
    return any(_dots(formula) for term in spec.terms if term.part == POPULATION for formula in term.formulas)


def write_out_dots(spec: ModelSpec, columns: Iterable[str]) -> ModelSpec:
    """Return the spec in which a dot in a population formula is the sum of all columns of the data that have no other part:
    not the response, trials, weights, offsets, grouping factors and covariates of smooths.

    Raises
    ------
    SpecError
        No column is left.
    """
    if not has_dots(spec):
        return spec
    names = [str(name) for name in columns]
    taken = _taken(spec, names)
    others = [quote_name(name) for name in names if name not in taken]
    if not others:
        raise SpecError(f"'{shorten(spec.formula)}': the data have no other columns for the '.' to stand for.")
    predictors = {
        name: tuple(
            parse_terms(_written_out(term.formulas[0], others))[0] if term.part == POPULATION else term
            for term in terms
        )
        for name, terms in spec.predictors.items()
    }
    return spec.replace(predictors=predictors)


def _taken(spec: ModelSpec, names: Collection[str]) -> set[str]:
    """Return the columns that have a part of their own in the model."""
    texts = [spec.response, *(text for term in spec.terms if term.part != POPULATION for text in term.expressions)]
    found = {column for text in texts for column in read_columns(text, names)}
    found |= {name for term in spec.terms for name in term.label_columns}
    return found | {*spec.addition_columns}


def _dots(formula: str) -> list[Token]:
    return [token for token in tokenise(formula) if token.is_sign(".")]


def _written_out(formula: str, others: list[str]) -> str:
    """Return a formula in which each dot is a sum in brackets; without brackets where nothing but signs of sums is beside."""
    written = formula
    for token in reversed(_dots(written)):
        before, after = written[: token.start].rstrip(), written[token.end :].lstrip()
        if before[-1:] not in "+-*/:(" or after[:1] not in "+-*/:^)":
            raise SpecError(
                f"'.' in '{shorten(written)}' is all other columns of the data: join it with other terms by + - * / : ^."
            )
        alone = before.endswith("+") and after[:1] in ("", "+", "-")
        joined = " + ".join(others)
        formula = formula[: token.start] + (joined if alone else f"({joined})") + formula[token.end :]
    return formula
