"""Outlines of terms: columns, indices and nesting read from formulas, before there are data."""

from collections.abc import Mapping, Sequence

from bayesmixed.equations.outline import (
    Column,
    CurveOutline,
    GroupOutline,
    Indices,
    Outline,
    PredictorOutline,
    assign_indices,
    sum_indices,
)
from bayesmixed.equations.rules import define_symbols, state_rules
from bayesmixed.equations.symbols import Expression, Symbol
from bayesmixed.families import Family
from bayesmixed.links import Link
from bayesmixed.parameter_keys import INTERCEPT, ParameterKey, names_of
from bayesmixed.priors import Prior
from bayesmixed.terms import Term
from bayesmixed.terms.basis_outlines import (
    TermOutline,
    is_correlated,
    outline_group,
    outline_population,
    stated_factors,
)
from bayesmixed.terms.block_parts import Part
from bayesmixed.terms.contract import ADDITION, CURVES, LEVELS, POPULATION, population_formulas
from bayesmixed.terms.notation import safe_name
from bayesmixed.terms.written import read_formula
from bayesmixed.weights import Weights


def outline_terms(
    predictors: Mapping[str, Sequence[Term]],
    *,
    response: str,
    trials: str | int | None,
    family: Family,
    links: Mapping[str, Link],
    factors: Sequence[str],
    priors: Mapping[str, Prior],
    weights: Weights | None = None,
) -> Outline:
    """Return the outline of a model without data: one column for each term of a formula, default priors as rules.

    Parameters
    ----------
    predictors : mapping
        Terms by parameter.
    factors : sequence of str
        Columns that are known to be factors.
    priors : mapping
        The user's.

    Raises
    ------
    SpecError
        A formula cannot be read.
    """
    every = [term for terms in predictors.values() for term in terms]
    indices = sum_indices(
        _find_indices({safe_name(term.name): set(term.factor_columns) for term in every if term.factor_columns}),
        dict.fromkeys(safe_name(term.name) for term in every if term.label_columns and not term.factor_columns),
    )
    declared = {*factors, *(name for term in every for name in term.factors())}
    declared |= {n for term in every for formula in term.formulas for n in stated_factors(formula, priors)}
    order = [parameter.name for parameter in family.parameters if parameter.name in predictors]
    outlines = tuple(
        _outline_predictor(name, predictors[name], links[name], declared, indices, priors, name if rank else "", family)
        for rank, name in enumerate(order)
    )
    stated = state_rules(outlines, family, priors, _bases(predictors, declared, order[0], priors))
    counted = (*((letters, name) for name, letters in indices.letters.items()), (indices.row, "rows"))
    definitions = tuple(define_symbols(outlines, family, stated))
    return Outline(response, trials, family, outlines, stated, definitions, indices.row, counted, weights)


def _bases(
    predictors: Mapping[str, Sequence[Term]], declared: set[str], first: str, priors: Mapping[str, Prior]
) -> dict[tuple[str, str], list[TermOutline]]:
    """Return the terms on which default priors are stated, by parameter and grouping factor."""
    found: dict[tuple[str, str], list[TermOutline]] = {(name, ""): [] for name in predictors}
    for name, terms in predictors.items():
        names = names_of(name, first)
        for term in terms:
            if term.part == POPULATION:
                found[name, ""] = outline_population(term.formulas[0], declared, names.beta, priors)
            elif term.part == LEVELS:
                group = safe_name(term.name)
                found[name, group] = [
                    *found.get((name, group), []),
                    *outline_group(term.formulas[0], declared, term.correlated, names.scales_of(group), priors),
                ]
    return found


def _find_indices(columns: Mapping[str, set[str]]) -> Indices:
    """Return indices by the names of factors: a:b lies in a, and in b."""
    inside = {name: [other for other in columns if columns[other] < columns[name]] for name in columns}
    covered = {name: columns[name] == set().union(*(columns[other] for other in inside[name])) for name in columns}
    finest = any(columns[name] == set().union(*columns.values()) for name in columns)
    # Two crossed factors are taken to meet once, as in Y_ij | p_i, w_j; with data the rows are counted.
    return assign_indices(columns, inside, covered, replicated=finest or len(columns) < 2)


def _outline_predictor(
    parameter: str,
    terms: Sequence[Term],
    link: Link,
    declared: set[str],
    indices: Indices,
    priors: Mapping[str, Prior],
    ending: str,
    family: Family,
) -> PredictorOutline:
    labels = [label for formula in population_formulas(terms) for label in _columns(formula)]
    labels += [label for term in terms for label in term.lines]
    centred = "Intercept" in labels and ParameterKey(names_of(ending, "").beta, INTERCEPT) not in priors
    level = "" if "Intercept" in labels else next((label for label in labels if label in declared), "")
    if family.cuts and not ending:
        labels, centred = [label for label in labels if label != "Intercept"], False
    columns = [Column(label, indices.row, _mean(label) if centred else None, label == level) for label in labels]
    groups: dict[str, GroupOutline] = {}
    for term in (term for term in terms if term.part == LEVELS):
        own = _outline_group(term, declared, indices)
        groups[own.name] = _join_parts(groups.get(own.name), own)
    offsets = tuple(text for term in terms if term.part == ADDITION for text in term.expressions)
    curves = tuple(CurveOutline(safe_name(t.name), indices.row, (), t.around) for t in terms if t.part == CURVES)
    return PredictorOutline(parameter, ending, link, tuple(columns), tuple(groups.values()), curves, offsets)


def _mean(label: str) -> Expression | None:
    return None if label == "Intercept" else Expression("mean", (Symbol(label, word=True),))


def _outline_group(term: Term, declared: set[str], indices: Indices) -> GroupOutline:
    labels = _columns(term.formulas[0])
    part = Part(tuple(range(len(labels))), is_correlated(term.formulas[0], declared, term.correlated))
    columns = tuple(Column(label, indices.row) for label in labels)
    name, short = safe_name(term.name), term.factor_columns[-1] if term.factor_columns else ""
    letters = indices.row if term.single else indices.letters[name]
    inside, several = tuple(indices.inside.get(name, ())), bool(term.label_columns) and not term.factor_columns
    return GroupOutline(name, letters, columns, (part,), term.single, inside, 0, short or name, several)


def _join_parts(first: GroupOutline | None, second: GroupOutline) -> GroupOutline:
    """Join two terms of one factor; their columns are independent of each other."""
    if first is None:
        return second
    shift = len(first.columns)
    moved = [Part(tuple(column + shift for column in part.columns), part.correlated) for part in second.parts]
    return GroupOutline(
        first.name,
        first.index,
        (*first.columns, *second.columns),
        (*first.parts, *moved),
        False,
        first.inside,
        0,
    )


def _columns(formula: str) -> list[str]:
    """Return the terms of a formula, the intercept first."""
    return read_formula(formula).terms()
