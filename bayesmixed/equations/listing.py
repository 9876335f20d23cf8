"""The equations of a model as symbols: response, linear predictors, effects of groups, priors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from bayesmixed.equations.curves import curve_deviations, curve_symbol, list_curve, spectrum_symbols
from bayesmixed.equations.effects import (
    GroupTerm,
    correlation_symbols,
    list_coefficients,
    list_deviations,
    list_distributions,
    list_joint_distributions,
    number_of,
    population_means,
    short_name,
    standard_deviation,
    structure_symbols,
    tied_letters,
)
from bayesmixed.equations.outline import Outline, PredictorOutline, StatedPrior
from bayesmixed.equations.residual_equations import list_residual, residual_symbol
from bayesmixed.equations.symbols import Equation, Expression, Node, Symbol
from bayesmixed.errors import check_choice
from bayesmixed.families.parameter_functions import function_of
from bayesmixed.parameter_keys import CENTRED_INTERCEPT, INTERCEPT, ParameterKey
from bayesmixed.terms.outlines import Column, GroupOutline
from bayesmixed.terms.weights import ERROR

MOST_TERMS = 12
MOST_IN_BRACES = 5
MOST_LISTED = 4


@dataclass(frozen=True, slots=True)
class Equations:
    """All equations of a model.

    Attributes
    ----------
    model, priors, definitions : tuple of Equation
        From the response down to the effects of groups; the prior of each parameter; symbols in the priors.
    indices : tuple of (str, str)
        Index letters, and what they count.
    """

    model: tuple[Equation, ...]
    priors: tuple[Equation, ...]
    definitions: tuple[Equation, ...]
    indices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Style:
    """A way of writing the same model.

    Attributes
    ----------
    effects : callable
        The group terms of a predictor.
    braces : bool
        Whether braces distinguish fixed and random effects.
    """

    effects: Callable[[PredictorOutline], list[GroupTerm]]
    braces: bool


STYLES: Mapping[str, Style] = {
    "conditional": Style(list_deviations, braces=False),
    "additive": Style(list_deviations, braces=True),
    "population": Style(list_coefficients, braces=False),
}


def list_equations(outline: Outline, style: str = "conditional") -> Equations:
    """Return the equations of a model as symbols, for any notation.

    Parameters
    ----------
    style : {"conditional", "additive", "population"}
        Deviations of groups from population effects; the same in one sum with braces; or coefficients of groups
        around population means.

    Raises
    ------
    SpecError
        There is no such style.
    """
    check_choice("Style {}", style, STYLES)
    chosen = STYLES[style]
    terms = {predictor.parameter: chosen.effects(predictor) for predictor in outline.predictors}
    tied = tied_letters(outline.predictors)
    model: list[Equation] = []
    priors: list[Equation] = []
    whole = chosen.braces and _is_location(outline)
    if not whole:
        model += _likelihood(outline, terms)
        model += list_residual(outline)
    for predictor in outline.predictors:
        placed = terms[predictor.parameter]
        if whole and predictor is outline.predictors[0]:
            model += _sum_with_error(outline, predictor, placed)
            model += list_residual(outline)
        else:
            model.append(_linear_predictor(outline, predictor, placed, chosen.braces))
        model += [distribution for curve in predictor.curves for distribution in list_curve(predictor, curve)]
        for term in placed:
            sets = [members for members in tied.get(term.group.name, []) if predictor in members]
            letters = {part.letter for part in term.group.parts if part.letter} if sets else set()
            model += list_distributions(predictor, term, letters)
            for members in sets if sets and predictor is sets[0][-1] else ():
                model += list_joint_distributions(members, terms, term.group.name)
        priors += _predictor_priors(outline.priors, predictor, placed)
    priors += _further_priors(outline)
    return Equations(tuple(model), tuple(priors), outline.definitions, outline.counted)


# Distributions that have a short name, by PyMC's name, and which of their parameters are written as squares.
_SHORT: Mapping[str, tuple[str, tuple[str, ...]]] = {"Normal": ("N", ("sigma",))}


def _likelihood(outline: Outline, terms: Mapping[str, list[GroupTerm]]) -> Iterator[Equation]:
    """Yield the distribution of the response, and its variance where it does not follow from the name of the distribution."""
    name, arguments = _distribution(outline)
    effects = [effect for placed in terms.values() for term in placed if term.shown for effect in term.effects]
    response: Node = _column(outline.response, outline.row, short="Y")
    left = Expression("given", (response, *effects)) if effects else response
    yield Equation(left, "~", Expression("call", tuple(arguments), name), "; ".join(one.note for one in outline.limits))
    if outline.family.variance_text:
        parameters = tuple(_parameter(outline, parameter.name) for parameter in outline.family.parameters)
        variance = Expression("formula", parameters, outline.family.variance_text)
        yield Equation(Expression("call", (left,), "Var"), "=", variance)


def _distribution(outline: Outline) -> tuple[str, list[Node]]:
    family = outline.family
    name = family.title or family.distribution or "".join(word.capitalize() for word in family.name.split("_"))
    name += outline.predictors[0].link.name.capitalize() if family.cuts else ""
    name, squares = _SHORT.get(name, (name, ()))
    arguments: list[Node] = [_column(str(outline.trials), outline.row, short="m")] if outline.family.has_trials else []
    if outline.family.counted:
        arguments = [_column("n" if outline.trials is None else str(outline.trials), outline.row, short="n")]
    if isinstance(outline.trials, int):
        arguments = [Symbol(str(outline.trials))]
    arguments += [_argument(outline, p.name, squared=p.name in squares) for p in outline.family.parameters]
    if outline.family.template:
        counted = int(outline.family.counted)
        odds = Expression("call", (Symbol("0"), *arguments[counted:]), "softmax")
        arguments = [*arguments[:counted], odds]
    return name, arguments


def _argument(outline: Outline, name: str, squared: bool) -> Node:
    """Return the symbol of a parameter; the residual scale is divided where rows have precisions, and their errors added."""
    symbol, weights = _parameter(outline, name, squared), outline.weights
    if weights is None or not weights.of_scale or name != outline.family.scale:
        return symbol
    if weights.are_errors:
        error = replace(_column(weights.column, outline.row), squared=squared)
        if weights.kind == ERROR:
            return error
        total = Expression("sum", (symbol, error))
        return total if squared else Expression("formula", (_parameter(outline, name), error), "sqrt({0}^2 + {1}^2)")
    divisor = weights.column if squared else f"sqrt({weights.column})"
    return Expression("ratio", (symbol, _column(divisor, outline.row)))


def _parameter(outline: Outline, name: str, squared: bool = False) -> Symbol:
    """Return the symbol of a parameter of the family, with the index of rows where it has a predictor."""
    modelled = name in [
        one for p in outline.predictors for one in (p.parameter, outline.family.shared_name(p.parameter))
    ]
    short = "pi" if outline.family.parameter(name).meaning == "probability" else ""
    return Symbol(name, index=outline.row if modelled else "", squared=squared, short=short)


def _column(name: str, index: str, short: str = "") -> Symbol:
    """Return the symbol of a column, or of an expression of columns."""
    words = f"({name})" if " " in name and not name.endswith((")", "]", "`")) else name
    return Symbol(words, index=index, word=True, short=short)


def _is_location(outline: Outline) -> bool:
    """Return whether the response is its mean plus an error."""
    return outline.family.additive and outline.predictors[0].link.name == "identity"


def _sum_with_error(outline: Outline, predictor: PredictorOutline, terms: Sequence[GroupTerm]) -> Iterator[Equation]:
    error = Symbol("epsilon", index=outline.row)
    response = _column(outline.response, outline.row, short="y")
    braced = [*_braced(outline, predictor, terms), _brace(error, "random error")]
    yield Equation(response, "=", Expression("sum", tuple(braced)))
    name, arguments = _distribution(outline)
    location = outline.family.parameters[0].name
    centred = [Symbol("0") if argument.name == location else argument for argument in arguments]
    yield Equation(error, "~", Expression("call", tuple(centred), name), "; ".join(one.note for one in outline.limits))


def _linear_predictor(
    outline: Outline, predictor: PredictorOutline, terms: Sequence[GroupTerm], braces: bool
) -> Equation:
    left = Expression("link", (_parameter(outline, predictor.parameter),), predictor.link.text)
    if braces:
        return Equation(left, "=", Expression("sum", tuple(_braced(outline, predictor, terms))))
    family, name = outline.family, predictor.parameter
    threshold = bool(family.cuts) and family.shared_name(name) == family.shared
    parts: list[Node] = []
    if threshold:
        parts.append(Symbol(family.shared, label=name.removeprefix(family.shared).removeprefix("_")))
    parts += _population(predictor, terms, MOST_TERMS)
    parts += [node for term in terms if term.shown and not term.takes for node in _times_columns(term)]
    parts += [curve_symbol(predictor, curve) for curve in predictor.curves]
    parts += [_column(offset, outline.row) for offset in predictor.offsets]
    note = "each with coefficients of its own" if threshold and name == family.shared else ""
    note = "columns count from their means over the rows" if name in family.relative else note
    return Equation(left, "=", Expression("sum", tuple(parts)), note)


def _population(predictor: PredictorOutline, terms: Sequence[GroupTerm], most: int) -> list[Node]:
    """Return the products of population columns, with group coefficients in place of those that a group takes."""
    taken = {
        label: effect
        for term in terms
        for label, effect in zip(term.group.labels, term.effects, strict=True)
        if term.takes
    }
    nodes = [
        _times(taken.get(column.label, _coefficient(predictor, column.label)), column) for column in predictor.columns
    ]
    return _elide(nodes, most)


def _times_columns(term: GroupTerm) -> Iterator[Node]:
    for effect, column in zip(term.effects, term.group.columns, strict=True):
        yield _shared(effect, column, term.group) if term.group.several else _times(effect, column)


def _shared(effect: Symbol, column: Column, group: GroupOutline) -> Node:
    """Return the sum of the effects of all levels times the shares that a row has in them."""
    share = Symbol("w", index=f"{column.index}{group.index}", label=group.name)
    total = Expression("total", (share, effect), group.index)
    if column.place or column.label == "Intercept":
        return total
    return Expression("product", (total, _column(column.label, column.index)))


def _times(symbol: Symbol, column: Column) -> Node:
    if column.level:
        return replace(symbol, index=column.index)
    known = _column(column.label, column.index)
    return symbol if column.place or column.label == "Intercept" else Expression("product", (symbol, known))


def _braced(outline: Outline, predictor: PredictorOutline, terms: Sequence[GroupTerm]) -> Iterator[Node]:
    fixed = _population(predictor, terms, MOST_IN_BRACES)
    if fixed:
        words = "fixed effects" if len(fixed) > 1 else "fixed effect"
        yield _brace(
            Expression("sum", tuple(fixed)), "fixed intercept" if predictor.labels == ("Intercept",) else words
        )
    for term in terms:
        effects = tuple(_times_columns(term))
        level = "individual" if term.group.single else short_name(predictor, term.group)
        words = f"{level}-level random effect" + ("s" if len(effects) > 1 else "")
        yield _brace(Expression("sum", effects), words)
    for curve in predictor.curves:
        yield _brace(curve_symbol(predictor, curve), "smooth curve")
    for offset in predictor.offsets:
        yield _brace(_column(offset, outline.row), "known")


def _brace(node: Node, words: str) -> Expression:
    return Expression("brace", (node,), words)


def _coefficient(predictor: PredictorOutline, label: str) -> Symbol:
    of_levels = [column.label for column in predictor.columns if column.level]
    if label in of_levels:
        return Symbol("beta", label=label, parameter=predictor.ending)
    return Symbol("beta", number=number_of(predictor, label), parameter=predictor.ending)


def _keys(predictor: PredictorOutline) -> Iterator[str]:
    """Yield the keys of the priors of a predictor."""
    names = predictor.names
    yield from names.population(predictor.labels)
    if INTERCEPT in predictor.labels:
        yield ParameterKey(names.beta, CENTRED_INTERCEPT)
    for curve in predictor.curves:
        yield from names.sds(curve.name, curve.labels)
        yield from (key for key, _ in spectrum_symbols(predictor, curve))
    for group in predictor.groups:
        yield names.correlations(group.name)
        yield from names.sds(group.name, group.labels)
        yield from (key for key, _ in structure_symbols(predictor, group))


def _predictor_priors(
    priors: Mapping[str, StatedPrior], predictor: PredictorOutline, terms: Sequence[GroupTerm]
) -> Iterator[Equation]:
    coefficients = {label: _coefficient(predictor, label) for label in predictor.labels}
    for term in terms:
        if term.takes:
            root = next(group for group in predictor.groups if set(group.labels) == set(term.takes))
            coefficients |= dict(zip(term.takes, population_means(predictor, root), strict=True))
    stated: list[tuple[Node, StatedPrior]] = []
    names = predictor.names
    for label, symbol in coefficients.items():
        centred = priors.get(ParameterKey(names.beta, CENTRED_INTERCEPT)) if label == INTERCEPT else None
        left = symbol if centred is None else _intercept_at_means(predictor, coefficients)
        prior = priors.get(ParameterKey(names.beta, label)) if centred is None else centred
        stated += [] if prior is None else [(left, prior)]
    for prior, alike in groupby(stated, key=lambda pair: pair[1]):
        yield _prior([symbol for symbol, _ in alike], prior)
    for curve in predictor.curves:
        deviations = zip(curve_deviations(predictor, curve), names.sds(curve.name, curve.labels), strict=True)
        stated = [(symbol, priors[key]) for symbol, key in deviations]
        for prior, alike in groupby(stated, key=lambda pair: pair[1]):
            yield _prior([symbol for symbol, _ in alike], prior)
        yield from (_prior([symbol], priors[key]) for key, symbol in spectrum_symbols(predictor, curve))
    for group in predictor.groups:
        structured = dict(structure_symbols(predictor, group))
        for key, symbol in structured.items():
            if key in priors:
                yield _prior([symbol], priors[key])
        for label, key in zip(group.labels, names.sds(group.name, group.labels), strict=True):
            own = priors.get(key)
            if own is not None and key not in structured:
                yield _prior([standard_deviation(predictor, group, label)], own)
        own = priors.get(names.correlations(group.name))
        if own is not None:
            yield _prior(correlation_symbols(predictor, group), own)


def _further_priors(outline: Outline) -> Iterator[Equation]:
    """Yield the priors of parameters without predictor, and those that are stated for a column only data tell."""
    known = {key for predictor in outline.predictors for key in _keys(predictor)}
    errors = outline.weights is not None and outline.weights.kind == ERROR
    for key, prior in outline.priors.items():
        if key not in known and not (errors and key == outline.family.scale):
            yield _prior([_prior_subject(outline, key)], prior)


def _prior_subject(outline: Outline, key: str) -> Node:
    """Return what has a prior: a parameter of the family, a function of one, or a name that only data explain."""
    for parameter in outline.family.parameters:
        function = function_of(key, parameter.name)
        if function is not None:
            return Expression("link", (replace(_parameter(outline, parameter.name), index=""),), function.text)
    own = residual_symbol(key) if outline.residual is not None else None
    return own or Symbol(key, word=True)


def _intercept_at_means(predictor: PredictorOutline, coefficients: Mapping[str, Symbol]) -> Node:
    terms: list[Node] = [coefficients["Intercept"]]
    for column, mean in zip(predictor.columns, predictor.means, strict=True):
        if mean is not None:
            terms.append(Expression("product", (mean, coefficients[column.label])))
    return Expression("sum", tuple(_elide(terms, MOST_LISTED)))


def _prior(symbols: Sequence[Node], prior: StatedPrior) -> Equation:
    left = symbols[0] if len(symbols) == 1 else Expression("list", tuple(_elide(symbols, MOST_LISTED)))
    if prior.name == "Fixed":
        return Equation(left, "=", prior.arguments[0], prior.note)
    return Equation(left, "~", Expression("prior", prior.arguments, prior.name), prior.note)


def _elide(nodes: Sequence[Node], most: int) -> list[Node]:
    """Return all nodes; if there are too many, the first ones, dots and the last one."""
    return list(nodes) if len(nodes) <= most else [*nodes[: most // 2], Symbol("…"), nodes[-1]]
