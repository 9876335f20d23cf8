"""Checks of a design before any sampling, each with its own error."""

from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.design.design import CATEGORY, Design
from bayesmixed.errors import DataError, SpecError, enumerate_words, shorten
from bayesmixed.families import Family
from bayesmixed.families.links import Array
from bayesmixed.formulas.notation import join_factors, safe_name
from bayesmixed.formulas.pieces import EvaluatedFormula
from bayesmixed.parameter_keys import names_of
from bayesmixed.preparation.correlated_residuals import check_correlations
from bayesmixed.preparation.residual_effects import check_residual_effects
from bayesmixed.preparation.structure_checks import check_structures
from bayesmixed.preparation.threshold_checks import check_threshold_effects
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.factors import Table, as_label, encode
from bayesmixed.terms.block_parts import RELATED
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.contract import CURVES, STEPS
from bayesmixed.terms.directions import are_apart, find_directions
from bayesmixed.terms.empty_cells import EmptyCells, reduce_columns
from bayesmixed.terms.piece_bases import has_two_values
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.relations import PARTIAL, Factor, count_anew, relate

_PREFIXES = ("sd", "b", "corr", "z", "centred_sd", "centred_b", "partial_corr", "coefficient")


def check_response(family: Family, name: str, y: Array, trials: Array | float, rows: pd.Index) -> None:
    """Refuse a response outside the family's support.

    Raises
    ------
    DataError
        The message gives the number of bad rows, the first of them and its value.
    """
    bad = np.flatnonzero(~family.accepts(y, trials))
    if len(bad):
        raise DataError(
            f"Family '{family.name}' needs {family.support} in '{name}'; {len(bad)} of {len(y)} rows are not "
            f"(first: row {rows[bad[0]]}, value {y[bad[0]]:g}"
            + (f" of {np.broadcast_to(trials, y.shape)[bad[0]]:g} trials" if family.has_trials else "")
            + f"). {family.hint}".rstrip()
        )


def check_variation(family: Family, name: str, y: Array, trials: Array | float) -> None:
    """Refuse a response that is the same in all rows (DataError)."""
    if not family.counted and np.ptp(y) == 0 and (family.scale or (len(y) > 1 and np.ptp(np.asarray(trials)) == 0)):
        raise DataError(f"Response '{name}' is {y[0]:g} in all {len(y)} rows; there is no variation to explain.")


def check_trials(name: str | int, trials: Array, rows: pd.Index) -> None:
    """Refuse numbers of trials that are not positive whole numbers (DataError)."""
    bad = np.flatnonzero(~((trials >= 1) & (trials == np.floor(trials))))
    if len(bad):
        raise DataError(
            f"Trials '{name}' must be whole numbers from 1; {len(bad)} of {len(trials)} rows are not "
            f"(first: row {rows[bad[0]]}, value {trials[bad[0]]:g})."
        )


def check_names(spec: ModelSpec, family: Family) -> None:
    """Refuse grouping factors and responses whose names cannot be used in results (SpecError)."""
    scalars = [parameter.name for parameter in family.parameters if parameter.name not in spec.predictors]
    variables, dims = scalars, ["row"]
    if family.cuts:
        variables, dims = [*variables, *(f"centred_{name}" for name in family.cuts)], [*dims, "cut"]
    dims += [CATEGORY] if family.counted else []
    for parameter, terms in spec.predictors_of(family).items():
        names = names_of(parameter, family.first)
        variables += [names.beta, f"centred_{names.beta}"]
        dims.append(f"{names.beta}_effect")
        for name in dict.fromkeys(safe_name(term.name) for term in terms if term.name):
            variables += [f"{prefix}_{name}{names.suffix}" for prefix in _PREFIXES]
            dims += [f"{name}{names.suffix}_effect", f"{name}{names.suffix}_effect_2"]
        curves = [term.name for term in terms if term.part in (CURVES, STEPS)]
        again = [name for name in curves if curves.count(name) > 1]
        if again:
            raise SpecError(f"Term '{again[0]}' occurs twice in the predictor of '{parameter}'. Leave one out.")
    grouped = [term for term in spec.terms if term.label_columns]
    grouping = {(join_factors(term.factor_columns), term.name): term for term in grouped}.values()
    shared = [safe_name(term.name) for term in grouping] + [
        *{safe_name(term.name) for term in spec.terms if term.single}
    ]
    twice = [name for name in (*shared, *variables) if shared.count(name) > 1 or variables.count(name) > 1]
    if twice:
        raise SpecError(f"Two terms would both have the name '{twice[0]}' in the results. Rename a grouping column.")
    groups = {safe_name(term.name): term.label_columns for term in grouping}
    taken = {*variables, *dims, *(parameter.name for parameter in family.parameters)}
    for name, columns in groups.items():
        if spec.response in columns and len(columns) == 1:
            raise SpecError(f"Response '{name}' is on the right side of its own formula, as a grouping factor.")
        if name in taken:
            raise _taken("Grouping factor", name)
    if safe_name(spec.response) in {*variables, *dims}:
        raise _taken("Response", spec.response)


def _taken(what: str, name: str) -> SpecError:
    return SpecError(
        f"{what} '{name}' has a name that the results use. Rename the column, e.g. "
        f'data.rename(columns={{"{name}": "{name}_"}}), and write {name}_ in the formula.'
    )


def check_columns(columns: Iterable[str]) -> None:
    """Refuse a column whose name cannot be used in the tree of draws (SpecError)."""
    for name in columns:
        if as_label(name) != name:
            raise SpecError(
                f"Column '{shorten(as_label(name))}' has a name that cannot be stored in a file. Rename the column."
            )


def check_design(design: Design, rows: int | None = None) -> tuple[str, ...]:
    """Refuse what the data cannot identify; return a note for each pair of factors whose labels may be reused.

    Parameters
    ----------
    design : Design
        Rows that show all levels and combinations.
    rows : int, optional
        Total number of rows, if these are only some of them.

    Raises
    ------
    DataError
        One level, collinear columns, slopes that do not vary within groups, reused labels, and similar problems.
    """
    check_residual_effects(design, design.rows if rows is None else rows)
    for name, levels in design.table.levels.items():
        if len(levels) < 2:
            raise DataError(f"Factor '{name}' has one level ('{levels[0]}'); it explains nothing. Leave it out.")
    for predictor in design.predictors.values():
        _check_levels_of_pieces(predictor)
        if not _is_determined(predictor):
            _check_empty_cells(design, predictor)
            _check_collinearity(predictor)
        for group in predictor.groups:
            _check_group(group, predictor)
            if group.compared:
                _check_empty_cells_of_groups(design, group)
        _check_twins(predictor)
    check_threshold_effects(design)
    return (*check_correlations(design), *_check_labels(design))


def _check_group(group: GroupBlock, predictor: Predictor) -> None:
    name = group.name
    structures = [part.structure for part in group.structured if part.structure is not None]
    equal = [one for one in structures if one.covariance.equal and one.width > 1]
    if len(group.levels) < 2 and len(equal) < len(group.parts):
        raise DataError(
            f"Grouping factor '{name}' has one level ('{group.levels[0]}'); an SD between levels needs several."
        )
    twice = sorted({label for label in group.labels if group.labels.count(label) > 1})
    if twice:
        raise DataError(
            f"Two group terms of '{name}' have the column {enumerate_words(twice)}; their SDs cannot be distinguished. "
            "Keep it in one of them, e.g. (1 | g) + (0 + x | g)."
        )
    if not group.labels:
        raise SpecError(f"The group term of '{name}' has no columns. Write (1 | {name}) or (x | {name}).")
    check_structures(group)
    inside = {column for part in group.structured for column in part.columns}
    for column, label in enumerate(group.labels):
        values = group.matrix[:, column]
        if column in group.intercepts or group.single or column in inside:
            continue
        if group.is_constant(values):
            raise DataError(
                f"'{label}' is constant within every level of '{name}', so its effect cannot vary between levels. "
                f"Take it out of ({'+'.join(group.labels)} | {name}); it can stay in the population part."
            )
        independent = any(not part.correlated for part in group.parts if column in part.columns)
        two_valued = has_two_values(values)
        if independent and group.intercept is not None and not two_valued and (values.min() > 0 or values.max() < 0):
            raise DataError(
                f"({'+'.join(group.labels)} || {name}): independent intercepts and slopes depend on where '{label}' is 0, "
                f"and 0 lies outside its range ({values.min():g} to {values.max():g}). Write center({label}), or use '|'."
            )


def _check_twins(predictor: Predictor) -> None:
    """Refuse two factors that make the same groups and share a column: their SDs cannot be distinguished."""
    for first, second in combinations(predictor.groups, 2):
        shared = [label for label in first.labels if label in second.labels]
        if not shared or len(first.levels) != len(second.levels):
            continue
        places = first.parents(second)
        if places is not None and second.parents(first) is not None and not _differ(first, second, places):
            raise DataError(
                f"'{first.name}' and '{second.name}' make the same groups, so their effects on {enumerate_words(shared)} "
                "cannot be distinguished. Keep one of the two."
            )


def _differ(first: GroupBlock, second: GroupBlock, places: NDArray[np.intp]) -> bool:
    """Return whether the covariances of levels of two factors with the same groups are not the same up to a variance."""
    if RELATED not in (first.takes, second.takes):
        return False
    one, other = first.level_covariances, second.level_covariances[np.ix_(places, places)]
    return not np.allclose(
        one * np.trace(other), other * np.trace(one), rtol=0.0, atol=1e-9 * np.trace(one) * np.trace(other)
    )


def _check_levels_of_pieces(predictor: Predictor) -> None:
    """Refuse factors that a formula computes and that have one level: they would disappear from the model without notice."""
    states = (predictor.population.state, *(state for group in predictor.groups for state in group.states if state))
    for piece in (piece for state in states for piece in state.pieces.values()):
        if piece.levels is not None and len(piece.levels) < 2:
            raise DataError(
                f"Factor '{piece.text}' has one level ('{piece.levels[0]}'); it explains nothing. Leave it out."
            )


def _check_empty_cells(design: Design, predictor: Predictor) -> None:
    """Refuse products of factors with combinations that no row has, where that makes the columns collinear."""
    block = predictor.population
    empty = None if block.reduction.drops else _find_empty(block.state, block.matrix, design.table)
    if empty:
        raise DataError(
            f"There are no rows with {_say_cells(empty)}, so the data do not determine all effects of "
            f"'{':'.join(empty[0].factors)}'. Leave the interaction out, make one factor of the combinations that "
            'occur, or use empty_cells="drop" to fit the model without the coefficients that are not determined.'
        )


def _check_empty_cells_of_groups(design: Design, group: GroupBlock) -> None:
    """Refuse products of factors with empty combinations in the columns of a group term."""
    for part, state in zip(group.parts, group.states, strict=True):
        empty = _find_empty(state, group.matrix[:, list(part.columns)], design.table)
        if empty:
            raise DataError(
                f"There are no rows with {_say_cells(empty)}, so the data do not determine the SDs of all columns of "
                f"({'+'.join(group.labels)} | {group.name}). Leave the interaction out of the group term, or make one "
                'factor of the combinations that occur; empty_cells="drop" drops population coefficients alone.'
            )


def _find_empty(state: EvaluatedFormula, matrix: Array, table: Table) -> tuple[EmptyCells, ...]:
    """Return the empty combinations of levels that make columns linearly dependent."""
    # The rank takes long in many rows, and only products of factors have combinations.
    if all(len(term.pieces) < 2 for term in state.terms) or len(find_directions(matrix)[0]) == matrix.shape[1]:
        return ()
    written = np.asarray(state.matrix(table), dtype=float).reshape(table.rows, -1)
    reduction = reduce_columns(state, written, state.piece_values(table))
    return reduction.empty if reduction.drops else ()


def _say_cells(empty: Iterable[EmptyCells]) -> str:
    return "; ".join(one.text for one in empty)


def _is_determined(predictor: Predictor) -> bool:
    """Return whether a quick check shows that the population columns are linearly independent."""
    block = predictor.population
    constant = predictor.cut or "Intercept" in block.labels
    others = [k for k, label in enumerate(block.labels) if label != "Intercept"]
    return not others or are_apart(block.matrix[:, others], centred=constant)


def _check_collinearity(predictor: Predictor) -> None:
    from scipy.linalg import qr

    block = predictor.population
    if not block.labels:
        return
    centred = predictor.population.matrix.copy()
    if predictor.cut or "Intercept" in block.labels:
        others = [i for i, label in enumerate(block.labels) if label != "Intercept"]
        centred[:, others] -= centred[:, others].mean(axis=0)
    norms = np.linalg.norm(centred, axis=0)
    magnitude = np.linalg.norm(block.matrix, axis=0)
    flat = [label for label, n, m in zip(block.labels, norms, magnitude, strict=True) if n <= 1e-10 * max(m, 1e-300)]
    if flat:
        raise DataError(
            f"Population column {enumerate_words(flat)} is constant; it cannot be distinguished from the intercept. Leave it out."
        )
    scaled = centred / norms
    _, triangle, order = qr(scaled, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(triangle))
    rank = int(np.sum(diagonal > 1e-9 * diagonal[0]))
    # Powers of a year are nearly collinear, yet they determine their coefficients.
    whole = np.column_stack([np.ones(len(scaled)), block.matrix]) if predictor.cut else block.matrix
    if rank == len(block.labels) or len(find_directions(whole)[0]) == whole.shape[1]:
        return
    dependent = order[rank]
    weights = np.linalg.lstsq(scaled[:, order[:rank]], scaled[:, dependent], rcond=None)[0]
    partners, own = [block.labels[order[i]] for i in np.flatnonzero(np.abs(weights) > 1e-7)], block.labels[dependent]
    raise DataError(
        f"Population columns are collinear: '{own}' is a combination of {enumerate_words(partners)} "
        f"({len(block.labels)} columns, rank {rank}, {len(scaled)} rows). Leave one of them out."
        + "".join(
            f" {one.instead}" for one in predictor.curves if one.instead and {*partners, own} & {*one.line_labels}
        )
    )


def _check_labels(design: Design) -> Iterator[str]:
    """Yield a note for pairs of factors whose labels may be reused; refuse those where several rows of a pair show it."""
    for a, b, several in _reused(design):
        if several:
            raise DataError(
                f"The labels of '{b}' start again in every level of '{a}' (with different numbers of them), so '{b}' 1 "
                f"is probably a different unit in each '{a}'. Write (1 | {a}/{b}) for nested factors. If the labels do mean "
                f'the same unit everywhere, say so: crossed = ["{b}"] in the spec, or fit(..., crossed=["{b}"]).'
            )
        yield (
            f"The labels of '{b}' start again in every level of '{a}', up to different numbers. The model reads the labels as "
            f"crossed, as those of visits are: '{b}' 1 is the same in every '{a}'. If they are different units, write "
            f'(1 | {a}/{b}); if they are the same, say crossed = ["{b}"] to silence this note.'
        )


def _reused(design: Design) -> Iterator[tuple[str, str, bool]]:
    """Yield (outer, inner, several) where the inner labels start again in every outer level, up to different numbers.

    `several`: half of the pairs of labels or more have several rows, as classes have pupils and visits have not. Where
    every label occurs with every other one, the factors are taken as crossed.
    """
    names = dict.fromkeys(group.factors[0] for _, group in design.group_blocks() if len(group.factors) == 1)
    factors = [Factor(name, *encode(design.table.data[name])) for name in names]
    seen: set[frozenset[str]] = set()
    for inner in sorted(factors, key=lambda factor: len(factor.labels)):
        for outer in factors:
            names_of_both = frozenset((inner.name, outer.name))
            if inner is outer or names_of_both & {*design.spec.crossed} or names_of_both in seen:
                continue
            pair = relate(inner, outer)
            if pair.kind == PARTIAL and count_anew(pair, inner) is not None:
                seen.add(names_of_both)
                yield outer.name, inner.name, bool(np.mean(pair.rows > 1) >= 0.5)
