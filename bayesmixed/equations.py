"""The equations of a model: response, linear predictors, effects of groups, priors."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design import Design, Predictor, RealisedPrior
from bayesmixed.links import Array
from bayesmixed.symbols import TEXT, Equation, Expression, Node, Symbol
from bayesmixed.terms.blocks import GroupBlock

WIDTH = 100
MOST_TERMS = 12
MOST_LISTED = 4


@dataclass(frozen=True, slots=True)
class Equations:
    """All equations of a model.

    Attributes
    ----------
    model, priors : tuple of Equation
        From the response down to the effects of groups; the prior of each parameter.
    indices : tuple of (str, str)
        Index letters, and what they count.
    """

    model: tuple[Equation, ...]
    priors: tuple[Equation, ...]
    indices: tuple[tuple[str, str], ...]


def list_equations(design: Design) -> Equations:
    """Return the equations of a design as symbols, for any notation."""
    indices = _find_indices(design)
    model = [_likelihood(design, indices)]
    priors: list[Equation] = []
    for predictor in design.predictors.values():
        model.append(_linear_predictor(design, predictor, indices))
        for group in predictor.groups:
            model += _effects_law(predictor, group, indices)
        priors += _predictor_priors(design, predictor)
    priors += [_prior([Symbol(name)], design.priors[name]) for name in design.scalars if name in design.priors]
    counted = [(indices.letters[name], f"{len(g.levels)} levels of {name}") for name, g in indices.groups.items()]
    return Equations(tuple(model), tuple(priors), (*counted, (indices.row, f"{design.rows} rows")))


def write_equations(design: Design) -> str:
    """Return the equations of a model as plain text.

    The conditional distribution of the response given the effects of groups comes first, then the linear predictors,
    the distributions of the effects, and the priors with the numbers that are used. β are population effects; b, or
    the name of a factor, are effects of groups; z are effects of observations; σ are standard deviations. The draws
    call σ_herd `sd_herd`, and the β before Days `beta[Days]`.
    """
    equations = list_equations(design)
    lines = [line for equation in equations.model for line in _wrap(equation)]
    lines += ["", "Priors", *_align(equations.priors)] if equations.priors else []
    counted = ", ".join(f"{letters} for {meaning}" for letters, meaning in equations.indices)
    return "\n".join([*lines, "", f"Indices: {counted}"])


def _wrap(equation: Equation) -> list[str]:
    left = f"{equation.left.write(TEXT)} {equation.relation} "
    return textwrap.wrap(
        left + equation.right.write(TEXT),
        WIDTH,
        subsequent_indent=" " * len(left),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _align(equations: Sequence[Equation]) -> list[str]:
    cells = [(e.left.write(TEXT), f"{e.relation} {e.right.write(TEXT)}", e.note) for e in equations]
    widths = [max(len(row[column]) for row in cells) for column in range(2)]
    return [f"  {left:{widths[0]}} {right:{widths[1]}}   {note}".rstrip() for left, right, note in cells]


@dataclass(frozen=True, slots=True)
class _Indices:
    """Index letters by grouping factor and for rows: i and j where crossed, i and ij where nested."""

    letters: Mapping[str, str]
    groups: Mapping[str, GroupBlock]
    row: str

    def of_column(self, values: Array) -> str:
        """Return the index of a column: that of the coarsest factor within whose levels it is constant."""
        for name, group in sorted(self.groups.items(), key=lambda item: len(item[1].levels)):
            one_value = np.empty(len(group.levels))
            one_value[group.index] = values
            if np.array_equal(one_value[group.index], values):
                return self.letters[name]
        return self.row

    def of_group(self, group: GroupBlock) -> str:
        """Return the index of a group's effects."""
        return self.row if group.observation else self.letters[group.name]


def _find_indices(design: Design) -> _Indices:
    groups = {group.name: group for _, group in design.group_blocks() if not group.observation}
    above = {name: [other for other in groups if _is_nested(groups[name], groups[other])] for name in groups}
    letters: dict[str, str] = {}
    fresh = iter("ijklmnpqrstuvwxyz")
    for name in sorted(groups, key=lambda name: len(above[name])):
        letters[name] = _join(letters[other] for other in above[name])
        if _count([groups[other].index for other in above[name]]) < len(groups[name].levels):
            letters[name] += next(fresh)
    row = _join(letters.values())
    if len(groups) < 2 or _count([group.index for group in groups.values()]) < design.rows:
        row += next(fresh)
    return _Indices(letters, groups, row)


def _is_nested(inner: GroupBlock, outer: GroupBlock) -> bool:
    levels = len(inner.levels)
    return len(outer.levels) < levels and _count([inner.index, outer.index]) == levels


def _count(codes: Sequence[NDArray[np.intp]]) -> int:
    """Return the number of combinations of levels that occur."""
    return len(np.unique(np.column_stack(codes), axis=0)) if codes else 0


def _join(indices: Iterable[str]) -> str:
    return "".join(sorted(set("".join(indices))))


# Distributions that have a short name, by PyMC's name, and which of their parameters are written as squares.
_SHORT: Mapping[str, tuple[str, tuple[str, ...]]] = {"Normal": ("N", ("sigma",))}


def _likelihood(design: Design, indices: _Indices) -> Equation:
    name, squares = _SHORT.get(design.family.distribution, (design.family.distribution, ()))
    arguments = [_column(str(design.spec.trials), indices.row)] if design.family.has_trials else []
    if isinstance(design.spec.trials, int):
        arguments = [Symbol(str(design.spec.trials))]
    for parameter in design.family.parameters:
        index = indices.row if parameter.name in design.predictors else ""
        arguments.append(Symbol(parameter.name, index=index, squared=parameter.name in squares))
    effects = [e for predictor, group in design.group_blocks() for e in _effects(predictor, group, indices)]
    response: Node = _column(design.spec.response, indices.row)
    left = Expression("given", (response, *effects)) if effects else response
    return Equation(left, "~", Expression("call", tuple(arguments), name))


def _column(name: str, index: str) -> Symbol:
    """Return the symbol of a column, or of an expression of columns."""
    return Symbol(f"({name})" if " " in name and not name.endswith((")", "]", "`")) else name, index=index, word=True)


def _linear_predictor(design: Design, predictor: Predictor, indices: _Indices) -> Equation:
    population = predictor.population
    terms = _elide(list(_times(population.labels, _coefficients(predictor), population.matrix, indices)), MOST_TERMS)
    for group in predictor.groups:
        terms += _times(group.labels, _effects(predictor, group, indices), group.matrix, indices)
    offsets = [term.expression for term in design.spec.predictors[predictor.parameter] if term.kind == "offset"]
    terms += [_column(expression, indices.row) for expression in offsets]
    left = Expression("link", (Symbol(predictor.parameter, index=indices.row),), predictor.link.text)
    return Equation(left, "=", Expression("sum", tuple(terms)))


def _times(labels: Sequence[str], symbols: Sequence[Symbol], matrix: Array, indices: _Indices) -> Iterator[Node]:
    for label, symbol, values in zip(labels, symbols, matrix.T, strict=True):
        column = _column(label, indices.of_column(values))
        yield symbol if label == "Intercept" else Expression("product", (symbol, column))


def _coefficients(predictor: Predictor) -> list[Symbol]:
    label = predictor.suffix.removeprefix("_")
    return [Symbol("beta", number=_number(predictor, name), label=label) for name in predictor.population.labels]


def _number(predictor: Predictor, label: str, further: Sequence[str] = ()) -> str:
    """Return the number of a column: 0 for the intercept, those without a population effect last."""
    labels = list(dict.fromkeys(["Intercept", *predictor.population.labels, *further]))
    return str(labels.index(label))


def _effects(predictor: Predictor, group: GroupBlock, indices: _Indices) -> list[Symbol]:
    """Return the effects of a group, one per column: b0_i goes with β0, b1_i with β1."""
    others = [other.name for other in predictor.groups if other.name != group.name and not other.observation]
    short = group.name.split(":")[-1]
    factor = group.name if short in (other.split(":")[-1] for other in others) else short
    name = "z" if group.observation else (factor if others else "b")
    return [
        Symbol(
            name,
            number="" if group.labels == ("Intercept",) else _number(predictor, label, group.labels),
            label=predictor.suffix.removeprefix("_"),
            index=indices.of_group(group),
            word=True,
        )
        for label in group.labels
    ]


def _effects_law(predictor: Predictor, group: GroupBlock, indices: _Indices) -> Iterator[Equation]:
    effects = _effects(predictor, group, indices)
    for part in group.parts:
        chosen = [effects[column] for column in part.columns]
        deviations = [_deviation(predictor, group, group.labels[column]) for column in part.columns]
        if not part.correlated:
            for effect, deviation in zip(chosen, deviations, strict=True):
                variance = Symbol(deviation.name, label=deviation.label, squared=True)
                yield Equation(effect, "~", Expression("call", (Symbol("0"), variance), "N"))
            continue
        name = f"{group.name}{predictor.suffix}"
        covariance, diagonal, correlation = (Symbol(letter, label=name) for letter in ("Sigma", "D", "R"))
        yield Equation(Expression("tuple", tuple(chosen)), "~", Expression("call", (Symbol("0"), covariance), "N"))
        yield Equation(covariance, "=", Expression("product", (diagonal, correlation, diagonal)))
        yield Equation(diagonal, "=", Expression("call", tuple(deviations), "diag"))


def _deviation(predictor: Predictor, group: GroupBlock, label: str) -> Symbol:
    column = "" if group.labels == ("Intercept",) else f"[{label}]"
    return Symbol("sigma", label=f"{group.name}{predictor.suffix}{column}")


def _predictor_priors(design: Design, predictor: Predictor) -> Iterator[Equation]:
    stated: list[tuple[Node, RealisedPrior]] = []
    for label, symbol in zip(predictor.population.labels, _coefficients(predictor), strict=True):
        centred = design.priors.get(f"{predictor.beta}[{label}_centred]") if label == "Intercept" else None
        left = symbol if centred is None else _intercept_at_means(predictor)
        stated.append((left, design.priors[f"{predictor.beta}[{label}]"] if centred is None else centred))
    for _, alike in groupby(stated, key=lambda pair: (str(pair[1].prior), pair[1].source, pair[1].about)):
        pairs = list(alike)
        yield _prior([symbol for symbol, _ in pairs], pairs[0][1])
    for group in predictor.groups:
        for label in group.labels:
            entry = design.priors[f"{predictor.sd(group)}[{label}]"]
            yield _prior([_deviation(predictor, group, label)], entry)
        if group.correlated:
            yield _prior([Symbol("R", label=f"{group.name}{predictor.suffix}")], design.priors[predictor.corr(group)])


def _intercept_at_means(predictor: Predictor) -> Node:
    symbols = dict(zip(predictor.population.labels, _coefficients(predictor), strict=True))
    terms: list[Node] = [symbols["Intercept"]]
    largest = np.abs(predictor.population.matrix).max(axis=0)
    for symbol, mean, size in zip(symbols.values(), predictor.centre, largest, strict=True):
        if abs(mean) > 1e-9 * size:
            terms.append(Expression("product", (Symbol(f"{mean:.3g}"), symbol)))
    return Expression("sum", tuple(_elide(terms, MOST_LISTED)))


def _prior(symbols: Sequence[Node], entry: RealisedPrior) -> Equation:
    left = symbols[0] if len(symbols) == 1 else Expression("list", tuple(_elide(symbols, MOST_LISTED)))
    note = entry.about if entry.source == "default" else f"{entry.about} (given by the {entry.source})"
    numbers = tuple(Symbol(f"{value:.4g}") for value in entry.prior.arguments)
    if entry.prior.name == "Fixed":
        return Equation(left, "=", numbers[0], note)
    return Equation(left, "~", Expression("call", numbers, entry.prior.name), note)


def _elide(nodes: Sequence[Node], most: int) -> list[Node]:
    """Return all nodes; of too many the first ones, dots and the last one."""
    return list(nodes) if len(nodes) <= most else [*nodes[: most // 2], Symbol("…"), nodes[-1]]
