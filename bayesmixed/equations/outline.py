"""Outlines: what equations need to know about a model, the same with and without data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bayesmixed.equations.symbols import Equation, Node, Symbol
from bayesmixed.families import Family
from bayesmixed.families.links import Link
from bayesmixed.parameter_keys import VariableNames, names_of
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.limits import Censoring, Truncation
from bayesmixed.terms.outlines import Column, CurveOutline, GroupOutline, Indices
from bayesmixed.terms.residual_correlations import Residual
from bayesmixed.terms.weights import Weights


@dataclass(frozen=True, slots=True)
class PredictorOutline:
    """The linear predictor of one parameter.

    Attributes
    ----------
    parameter : str
        "mu", "sigma", ...
    ending : str
        The parameter, but "" for the first one, whose effects have no mark.
    link : Link
        Link between the parameter and the predictor.
    columns : tuple of Column
        Population columns.
    means : tuple of (Node or None)
        For each its mean at the intercept's prior; None where it is not centred.
    groups : tuple of GroupOutline
        One per grouping factor.
    curves : tuple of CurveOutline
        Curves.
    offsets : tuple of str
        Known additions.
    """

    parameter: str
    ending: str
    link: Link
    columns: tuple[Column, ...]
    means: tuple[Node | None, ...]
    groups: tuple[GroupOutline, ...]
    curves: tuple[CurveOutline, ...]
    offsets: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the population columns."""
        return tuple(column.label for column in self.columns)

    @property
    def names(self) -> VariableNames:
        """What its variables are called in the draws."""
        return names_of(self.ending, "")


@dataclass(frozen=True, slots=True)
class StatedPrior:
    """A prior whose arguments are numbers or, where only the rule is known, symbols."""

    name: str
    arguments: tuple[Node, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outline:
    """A model as its equations see it.

    Attributes
    ----------
    response : str
        Column, or an expression of columns.
    trials : str, int or None
        Column or number of trials.
    family : Family
        Conditional distribution of the response.
    predictors : tuple of PredictorOutline
        The first parameter first.
    priors : mapping
        By the names of the draws: "beta[Days]", "beta[Intercept_centred]", "sd_herd[Intercept]", "sigma".
    definitions : tuple of Equation
        What the symbols in priors stand for.
    row : str
        Index of rows.
    counted : tuple of (str, str)
        Indices, and what they count.
    weights : Weights or None
        Column of weights and what they mean.
    limits : tuple of Censoring or Truncation
        Of the response.
    residual : Residual or None
        How residuals are correlated within groups.
    """

    response: str
    trials: str | int | None
    family: Family
    predictors: tuple[PredictorOutline, ...]
    priors: Mapping[str, StatedPrior]
    definitions: tuple[Equation, ...]
    row: str
    counted: tuple[tuple[str, str], ...]
    weights: Weights | None = None
    limits: tuple[Censoring | Truncation, ...] = ()
    residual: Residual | None = None


class Outlined(Protocol):
    """What has equations: a spec, a design."""

    def outline(self) -> Outline:
        """Return what the equations need to know."""
        ...


def assign_indices(
    columns: Mapping[str, Iterable[str]],
    inside: Mapping[str, Sequence[str]],
    covered: Mapping[str, bool],
    replicated: bool,
) -> Indices:
    """Return index letters of grouping factors.

    Parameters
    ----------
    columns : mapping
        Columns whose combinations are the levels of each factor.
    inside : mapping
        Factors in which each factor is nested.
    covered : mapping
        Whether the outer factors already distinguish the levels of a factor.
    replicated : bool
        Whether the levels of all factors leave several rows alike.
    """
    letters: dict[str, str] = {}
    fresh = iter("ijklmnpqrstuvwxyz")
    for name in sorted(inside, key=lambda name: len(inside[name])):
        known = {column for other in inside[name] for column in columns[other]}
        own = max(1, len(set(columns[name]) - known))
        letters[name] = _join([letters[other] for other in inside[name]])
        letters[name] += "" if covered[name] else "".join(next(fresh) for _ in range(own))
    row = _join(list(letters.values()))
    return Indices(letters, row + (next(fresh) if replicated else ""), inside)


def first_of_factor(columns: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return for each term the first one of the same columns, whose levels are the same."""
    firsts: dict[frozenset[str], str] = {}
    return {name: firsts.setdefault(frozenset(own) or frozenset([name]), name) for name, own in columns.items()}


def with_others(indices: Indices, firsts: Mapping[str, str]) -> Indices:
    """Return indices with those of further terms of the same factors, which are those of the first one."""
    letters = {name: indices.letters[first] for name, first in firsts.items()}
    return Indices(letters, indices.row, {name: indices.inside[first] for name, first in firsts.items()})


def sum_indices(indices: Indices, names: Iterable[str]) -> Indices:
    """Return indices with those of factors of which rows have several levels: these are summation indices."""
    used = set("".join(indices.letters.values()) + indices.row)
    free = (letter for letter in "lmnpqrstuvwxyz" if letter not in used)
    return Indices({**indices.letters, **dict(zip(names, free, strict=False))}, indices.row, indices.inside)


def state_prior(prior: Prior, about: str, source: str) -> StatedPrior:
    """Return a prior with its numbers."""
    numbers = (Symbol(prior.words, word=True),) if prior.words else tuple(Symbol(f"{v:.4g}") for v in prior.arguments)
    note = about if source == "default" else f"{about} (given by the {source})"
    return StatedPrior(prior.name, numbers, note.strip())


def _join(indices: Sequence[str]) -> str:
    return "".join(sorted(set("".join(indices))))
