"""Outlines of terms: columns, indices and nesting read from formulas, before there are data."""

from collections.abc import Mapping, Sequence

from bayesmixed.equations.outline import (
    Outline,
    PredictorOutline,
    assign_indices,
    first_of_factor,
    sum_indices,
    with_others,
)
from bayesmixed.equations.residual_equations import state_residual
from bayesmixed.equations.rules import define_symbols, state_rules
from bayesmixed.equations.symbols import Expression, Symbol
from bayesmixed.families import Family
from bayesmixed.families.links import Link
from bayesmixed.formulas.notation import safe_name
from bayesmixed.formulas.written import read_formula
from bayesmixed.parameter_keys import INTERCEPT, ParameterKey, names_of
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms import Term
from bayesmixed.terms.block_parts import SEVERAL
from bayesmixed.terms.contract import ADDITION, CURVES, LEVELS, known_factors, population_formulas, rules_by_parameter
from bayesmixed.terms.limits import Censoring, Truncation
from bayesmixed.terms.outlines import Column, GroupOutline, Indices
from bayesmixed.terms.prior_rules import Known
from bayesmixed.terms.residual_correlations import Residual
from bayesmixed.terms.weights import Weights


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
    limits: tuple[Censoring | Truncation, ...] = (),
    residual: Residual | None = None,
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
    columns = {safe_name(term.name): set(term.factor_columns) for term in every if term.factor_columns}
    firsts = first_of_factor(columns)
    indices = sum_indices(
        with_others(_find_indices({name: columns[name] for name in dict.fromkeys(firsts.values())}), firsts),
        dict.fromkeys(safe_name(term.name) for term in every if term.takes == SEVERAL),
    )
    declared = known_factors(every, factors, priors)
    order = [parameter.name for parameter in family.parameters if parameter.name in predictors]
    order += [name for name in predictors if name not in order]
    endings = {name: name if rank else "" for rank, name in enumerate(order)}
    known = {n: Known(names_of(n, order[0]), declared, priors, not family.takes_intercept(n)) for n in order}
    outlines = tuple(
        _outline_predictor(name, endings[name], predictors[name], links[name], indices, known[name]) for name in order
    )
    rules = rules_by_parameter({name: predictors[name] for name in order}, known)
    stated = state_rules(outlines, family, priors, rules, weights) | state_residual(residual, priors)
    first = [(letters, name) for name, letters in indices.letters.items() if firsts.get(name, name) == name]
    counted = (*first, (indices.row, "rows"))
    definitions = tuple(define_symbols(outlines, family, stated))
    return Outline(
        response, trials, family, outlines, stated, definitions, indices.row, counted, weights, limits, residual
    )


def _find_indices(columns: Mapping[str, set[str]]) -> Indices:
    """Return indices by the names of factors: a:b lies in a, and in b."""
    inside = {name: [other for other in columns if columns[other] < columns[name]] for name in columns}
    covered = {name: columns[name] == set().union(*(columns[other] for other in inside[name])) for name in columns}
    finest = any(columns[name] == set().union(*columns.values()) for name in columns)
    # Every pair of levels of two crossed factors is assumed to occur once, as in Y_ij | p_i, w_j; with data the rows are counted.
    return assign_indices(columns, inside, covered, replicated=finest or len(columns) < 2)


def _outline_predictor(
    parameter: str, ending: str, terms: Sequence[Term], link: Link, indices: Indices, known: Known
) -> PredictorOutline:
    labels = [label for formula in population_formulas(terms) for label in read_formula(formula).terms()]
    labels += [label for term in terms for label in term.lines]
    centred = INTERCEPT in labels and ParameterKey(known.names.beta, INTERCEPT) not in known.priors
    level = "" if INTERCEPT in labels else next((label for label in labels if label in known.factors), "")
    if known.cut:
        labels, centred = [label for label in labels if label != INTERCEPT], False
    groups: dict[str, GroupOutline] = {}
    for term in (term for term in terms if term.part == LEVELS):
        own = term.outline(indices, known.factors)
        groups[own.name] = groups[own.name].join(own) if own.name in groups else own
    return PredictorOutline(
        parameter=parameter,
        ending=ending,
        link=link,
        columns=tuple(Column(label, indices.row, label == level) for label in labels),
        means=tuple(
            Expression("mean", (Symbol(label, word=True),)) if centred and label != INTERCEPT else None
            for label in labels
        ),
        groups=tuple(groups.values()),
        curves=tuple(term.outline(indices, known.factors) for term in terms if term.part == CURVES),
        offsets=tuple(text for term in terms if term.part == ADDITION for text in term.expressions),
    )
