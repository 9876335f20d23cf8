"""Notes on a design that can be fitted: what a statistician would point out."""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.errors import enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import count_of
from bayesmixed.families.parameter_functions import function_of
from bayesmixed.formulas.evaluation import evaluate_expression
from bayesmixed.prior_distributions import FEW_LEVELS
from bayesmixed.tables.column_names import quote_name
from bayesmixed.terms.block_parts import RELATED
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.contract import ADDITION
from bayesmixed.terms.directions import spans
from bayesmixed.terms.piece_bases import has_two_values
from bayesmixed.terms.predictors import Predictor

_MANY = 20
"""Number of levels above which the levels of a factor are rarely compared."""
_FAR = 7.0
"""SDs of a column between its mean and 0 beyond which intercepts and slopes of groups can hardly be told apart."""
_APART = 15.0
"""Units of a log link by which an offset seldom differs from the logarithm of the response."""


def advise(
    design: Design, rows: int | None = None, moments: Mapping[str, tuple[Array, Array]] | None = None
) -> Iterator[str]:
    """Yield what a statistician would point out about a design that can be fitted.

    Parameters
    ----------
    design : Design
        Rows that show all levels and combinations.
    rows, moments : int and mapping, optional
        If these are only some of the rows: their total number, and means and SDs over all of the columns of each group term.
    """
    rows = design.rows if rows is None else rows
    for number, label in enumerate(design.categories, 1):
        if not np.any(count_of(design.response, number)):
            yield (
                f"Category '{label}' of '{design.spec.response}' does not occur: "
                f"its {'coefficients' if design.family.template else 'thresholds'} depend on the prior alone. If it could not "
                f"have occurred, leave it out{'' if design.family.template else ' or merge it with its neighbour'}."
            )
    unseen = design.family.unseen(np.asarray(design.response), _settled(design))
    if unseen:
        yield f"'{design.spec.response}' holds {unseen}"
    for predictor, group in design.group_blocks():
        if group.single:
            yield from _advise_on_observation_effects(design, predictor, "obs()")
            continue
        levels = len(group.levels)
        first, *others = predictor.sd_keys(group)
        entry = design.priors[first]
        if levels * (1 + others.count(first)) < FEW_LEVELS and entry.source == "default":
            yield (
                f"'{group.name}' has {levels} levels: its SD depends mostly on the prior ({entry.prior}); try "
                "other priors, state one, or make the factor fixed."
            )
        if np.all(group.sizes == 1) and group.takes != RELATED and not design.known_errors:
            yield f"'{group.name}' has one row in each level: it acts as an observation-level effect, like obs()."
            yield from _advise_on_observation_effects(design, predictor, group.name)
        if _spanned(group, predictor):
            yield (
                f"The population part already has a coefficient for each level of '{group.name}': its SD depends on "
                "the prior alone. Keep the factor fixed or random, not both."
            )
        own = {column for part in group.structured for column in part.columns}
        means = group.mean_columns(predictor.population.labels).any(axis=0)
        for column, label in enumerate(group.labels):
            if column not in own and not means[column] and not _has_mean(group.matrix[:, column], label, predictor):
                mean = label.removesuffix("[linear]")  # of a curve of each level: a curve
                yield (
                    f"The effect of '{label}' varies between levels of '{group.name}' around 0, because the population "
                    f"part has no '{mean}'. Usually its mean is wanted too: add it to the formula."
                )
        own_moments = moments[group.name] if moments else _moments(group.matrix, design.observed.row_shares)
        yield from _ask_to_centre(group, design, *own_moments)
    yield from _ask_for_logarithms(design)
    for predictor in design.predictors.values():
        yield from _say_dropped(predictor)
        for piece in predictor.population.state.pieces.values():
            if design.family.has_categories and re.match(r"cs\s*\(", piece.text):
                yield (
                    f"'{piece.text}' is a spline here, a curve that all categories share, not what cs() is in brms: effects that "
                    'differ between thresholds, threshold="~ x". A curve can also be written '
                    f"c{piece.text[1:].replace('s', 'r', 1)} or s(...)."
                )
            levels = len(piece.levels or ())
            if levels > _MANY and 2 * levels > rows:
                yield (
                    f"'{piece.text}' has {levels} levels in {rows} rows, each with its own coefficient, learned "
                    f"from hardly more than one row. Levels of (1 | {_in_formula(piece.text, design)}) would share one "
                    "distribution."
                )
        for term in design.spec.terms_of(predictor.parameter) or ():
            yield from term.advise(predictor.learned(term.name), predictor.population)
        for name in predictor.population.basis.written_away:
            yield (
                f"'{name}' is never 0, but the formula leaves out terms without it: the default prior of its coefficient "
                f"is one of values at {name} = 0. Add these terms, or state a prior."
            )
        for name in predictor.population.basis.crossed_away:
            yield (
                f"'{name}' enters an interaction or power and is never 0: the other effects in it are effects at "
                f"{name} = 0. center({_in_formula(name, design)}) makes them effects at its mean."
            )


def _settled(design: Design) -> set[str]:
    """Return the parameters that have a predictor or a user prior."""
    return {
        parameter.name
        for parameter in design.family.parameters
        if parameter.name in design.predictors or any(function_of(key, parameter.name) for key in design.spec.priors)
    }


def _advise_on_observation_effects(design: Design, predictor: Predictor, name: str) -> Iterator[str]:
    """Yield a note where a dispersion also allows extra variation of single rows."""
    dispersions = [
        parameter.name
        for parameter in design.family.parameters[1:]
        if parameter.link == "log" and parameter.name != design.family.scale
    ]
    if predictor is design.mu and dispersions:
        yield (
            f"{name} and '{dispersions[0]}' both allow extra variation of single rows: only the shape of the "
            "distribution distinguishes them. Usually one of the two is enough."
        )


def _in_formula(name: str, design: Design) -> str:
    """Return a column, or an expression of columns, as formulas write it."""
    return quote_name(name) if design.streamed is None and name in design.table.data else name


def _moments(columns: Array, shares: Array) -> tuple[Array, Array]:
    """Return means and SDs of columns, given the share of each row."""
    means = shares @ columns
    return means, np.sqrt(shares @ (columns - means) ** 2)


def _ask_to_centre(group: GroupBlock, design: Design, means: Array, spreads: Array) -> Iterator[str]:
    """Yield a note for each slope of a column far from 0, where the intercepts of the groups are that vary with it."""
    for column, label in enumerate(group.labels if group.intercept is not None else ()):
        middle, spread = float(means[column]), float(spreads[column])
        together = any({group.intercept, column} <= set(part.columns) and part.correlated for part in group.parts)
        if together and abs(middle) > _FAR * spread > 0.0 and _is_number(group, label):
            correlation = -np.sign(middle) / np.hypot(1.0, spread / middle)
            yield (
                f"'{label}' lies far from 0 (mean {middle:.5g}, SD {spread:.3g}): intercepts of '{group.name}' are values at "
                f"{label} = 0, and correlate about {correlation:.5f} with the slopes. Write "
                f"center({_in_formula(label, design)}), in the population part too."
            )


def _is_number(group: GroupBlock, label: str) -> bool:
    """Return whether a column of a group term is one of numbers, or an expression of them, with more than two values."""
    pieces = [state.pieces[label] for state in group.states if label in state.pieces]
    return any(piece.levels is None for piece in pieces) and not has_two_values(
        group.matrix[:, group.labels.index(label)]
    )


def _ask_for_logarithms(design: Design) -> Iterator[str]:
    """Yield a question for each offset under a log link that looks like an exposure itself."""
    for predictor in (design.mu,) if design.mu.link.name == "log" else ():
        terms = design.spec.terms_of(predictor.parameter) or ()
        for text in (text for term in terms if term.part == ADDITION for text in term.expressions):
            values = np.asarray(evaluate_expression(text, design.table), dtype=float)
            if np.any(values <= 0.0) or "log" in text:
                continue
            y = np.log(np.maximum(np.asarray(design.response, dtype=float), 0.0) + 0.5)
            spreads = [float(np.std(y - offset)) for offset in (values, np.log(values))]
            if abs(float(np.mean(values - y))) > _APART or spreads[0] > 1.0 + 3.0 * spreads[1]:
                yield (
                    f"offset({text}) multiplies the mean by exp({text}), by exp({np.median(values):.4g}) in the middle. Did you "
                    f"mean offset(log({text})), a mean proportional to {text}?"
                )


def note_extrapolation(design: Design) -> Iterator[str]:
    """Yield a note for each term that is evaluated beyond the range that it was fitted to."""
    for _, block in design.normal_blocks():
        yield from block.extrapolations()


def _say_dropped(predictor: Predictor) -> Iterator[str]:
    """Yield which coefficients a model with empty combinations of levels is fitted without."""
    reduction, labels = predictor.population.reduction, predictor.population.state.labels
    if reduction.drops:
        gone = predictor.names.population(label for k, label in enumerate(labels) if k not in reduction.kept)
        yield (
            f"There are no rows with {'; '.join(one.text for one in reduction.empty)}. The model is fitted without "
            f"{enumerate_words(gone)}: other coefficients of these factors are conditional on that, and predictions for the "
            "empty combinations are not estimable."
        )


def _spanned(group: GroupBlock, predictor: Predictor) -> bool:
    """Return whether the population columns can give every level of an intercept term a mean of its own."""
    matrix = predictor.population.matrix
    if predictor.cut:
        matrix = np.column_stack([np.ones(len(matrix)), matrix])
    if group.intercept is None or matrix.shape[1] < len(group.levels):
        return False
    indicators = group.indicators()
    return spans(matrix, indicators)


def _has_mean(values: Array, label: str, predictor: Predictor) -> bool:
    """Return whether the population part can hold the mean of the effects of a group column."""
    matrix = predictor.population.matrix
    if label == "Intercept" and predictor.cut:
        return True
    if label in predictor.population.labels or matrix.shape[1] == 0:
        return label in predictor.population.labels
    fitted = matrix @ np.linalg.lstsq(matrix, values, rcond=None)[0]
    return float(np.linalg.norm(values - fitted)) <= 1e-8 * float(np.linalg.norm(values))
