"""Columns of covariance structures over times and places: one for each distinct value, and its place among them."""

from dataclasses import dataclass, replace

import numpy as np

from bayesmixed.errors import DataError, SpecError
from bayesmixed.families.links import Array
from bayesmixed.formulas.written import read_formula
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.factors import Table, as_label, encode, is_number
from bayesmixed.terms.covariances import COORDINATES, ORDER, ROUNDING, Covariance, find_covariance
from bayesmixed.terms.structures import BETWEEN, Structure

MOST_PLACES = 100
"""Most distinct values: draws hold the correlations of each two."""
MOST_NEW = 200
"""Most values beyond those of the fit: effects there are drawn together, with covariances of each two."""
MOST_LAGS = 30
"""Most steps between times whose correlations are estimated lag by lag."""


@dataclass(frozen=True, slots=True)
class PlaceColumns:
    """Columns of a group term, one for each place.

    Attributes
    ----------
    labels : tuple of str
        "Days[0]", "Days[1]", ...
    matrix : (n, K) array
        1 where a row is at the place, else 0.
    structure : Structure
        Their covariance.
    """

    labels: tuple[str, ...]
    matrix: Array
    structure: Structure


def read_places(formula: str, covariance: str) -> tuple[tuple[str, ...], bool]:
    """Return the columns whose values are the places, several only of coordinates, and whether they are taken as levels in
    order, factor(x).

    Raises
    ------
    SpecError
        The formula is not one column, or coordinates, without an intercept.
    """
    written, record = read_formula(formula), find_covariance(covariance)
    pieces, several = list(written.pieces.values()), record.columns == COORDINATES
    if all(len(product) == 1 for product in written.products()) and (len(pieces) == 1 or (several and pieces)):
        names = tuple(piece.only_column for piece in pieces if piece.only_column is not None)
        levels = pieces[0].plain_factor
        if len(names) == len(pieces):
            return names, False
        if levels is not None and record.columns == ORDER:
            return (levels,), True
    if several:
        raise SpecError(
            f"Covariance '{covariance}' is of the distances of places, whose coordinates are columns of numbers: "
            f"{record.call}(0 + x + y | group), not {record.call}({formula} | group)."
        )
    inside = "times or levels in order" if record.columns == ORDER else "times"
    raise SpecError(
        f"Covariance '{covariance}' is of one column, whose values are {inside}: {record.call}(0 + time | group), "
        f"not {record.call}({formula} | group)."
    )


def place_columns(formula: str, covariance: Covariance, table: Table, like: Structure | None) -> PlaceColumns:
    """Return a column for each place; with `like`, those of the fit.

    Raises
    ------
    DataError
        There are too many places, steps between times differ where they must be equal, coordinates are not numbers, or a
        place was not in the fit and has no place in the covariance.
    """
    names, as_levels = read_places(formula, covariance.name)
    columns, step, inside = [table.data[name] for name in names], 0.0, " + ".join(map(quote_name, names))
    strangers = [name for name, column in zip(names, columns, strict=True) if not is_number(column)]
    if strangers and covariance.columns != ORDER:
        raise DataError(
            f"'{strangers[0]}' holds no numbers, and covariance '{covariance.name}' is of the distances of numbers."
            + " Write the coordinates as columns, (0 + x + y | group)." * (covariance.columns == COORDINATES)
        )
    if strangers or as_levels:
        codes, labels = encode(columns[0])
        places = np.arange(float(len(labels)))[:, None]
    else:
        numbers = np.column_stack([column.to_numpy(dtype=float) for column in columns])
        places, codes = np.unique(numbers, axis=0, return_inverse=True)
        labels = tuple(BETWEEN.join(map(as_label, place)) for place in places)
        if like is None:
            step = 1.0
            if covariance.columns == ORDER:
                step, steps = equal_steps(names[0], places[:, 0], covariance)
                places = steps[:, None]
    if like is not None:
        structure = _with_new(inside, like, labels)
        codes = np.array([structure.names.index(label) for label in labels], dtype=np.intp)[codes]
    else:
        most = MOST_LAGS if covariance.lags else MOST_PLACES
        if max(len(labels), np.ptp(places) * covariance.lags) > most:
            apart = f", {np.ptp(places):g} steps apart at most" * (covariance.columns == ORDER)
            instead = "Round it, or take a smooth, s(...)." if len(names) == 1 else "Round them, or take gp(x, y)."
            raise DataError(
                f"'{inside}' has {len(labels)} distinct values{apart}; covariance '{covariance.name}' takes at most {most}. "
                f"{instead}"
            )
        structure = Structure(
            covariance.name, inside, tuple(tuple(map(float, place)) for place in places), labels, step
        )
    matrix = np.zeros((table.rows, structure.width))
    matrix[np.arange(table.rows), codes] = 1.0
    prefix = f"({BETWEEN.join(map(quote_name, names))})" if len(names) > 1 else inside
    return PlaceColumns(tuple(f"{prefix}[{label}]" for label in structure.names), matrix, structure)


def _with_new(name: str, like: Structure, labels: tuple[str, ...]) -> Structure:
    """Return the structure of a fit with the places of further values behind its own (DataError if it has none there)."""
    further = [label for label in labels if label not in like.names]
    if further and not like.extends:
        reason = (
            "they are levels in order, not times"
            if like.step == 0.0
            else "its correlations with the others were not estimated"
            if like.covariance.lags
            else "each has an SD of its own"
        )
        raise DataError(
            f"'{name}' is {further[0]} in rows to predict, which is not among its values in the fit, and {reason}. Under "
            "covariances of times with one SD, such as ar1(0 + time | g), later ones can be predicted."
        )
    if len(further) > MOST_NEW:
        raise DataError(
            f"'{name}' has {len(further)} values in rows to predict that the fit lacks. Effects there are drawn together, up to "
            f"{MOST_NEW} at a time: predict fewer rows, or take a smooth or a process, gp(...), for a map of many places."
        )
    places = tuple(like.place_of(label) for label in further)
    return replace(like, places=like.places + places, names=(*like.names, *further))


def equal_steps(name: str, values: Array, covariance: Covariance) -> tuple[float, Array]:
    """Return the step of times, by which all their distances must divide, and times in units of it (DataError)."""
    if len(values) < 2 or covariance.columns != ORDER:
        return 1.0, values
    gaps = np.diff(values)
    step = float(gaps.min())
    steps = gaps / step
    if np.any(np.abs(steps - np.round(steps)) > ROUNDING * len(values) * np.maximum(1.0, steps)):
        worst = int(np.argmax(np.abs(steps - np.round(steps))))
        raise DataError(
            f"The values of '{name}' are not in equal steps: {as_label(values[worst])} to {as_label(values[worst + 1])} is "
            f"{steps[worst]:.3g} times the smallest step, {step:.3g}. Covariance '{covariance.name}' is for times in equal "
            f"steps, some of which may be missing. Round the times, or write factor({name}) to take them as levels in order."
        )
    places = np.concatenate([[0.0], np.cumsum(np.round(steps))])
    # The whole range has the smallest rounding error: far times are many steps away.
    return float((values[-1] - values[0]) / places[-1]), places
