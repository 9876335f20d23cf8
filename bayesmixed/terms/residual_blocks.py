"""The correlated residuals of a design: groups, the places of their rows, and what the rows of a group say about each other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.errors import DataError
from bayesmixed.families.links import Array
from bayesmixed.parameter_keys import ParameterKey, VariableNames
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.factors import Table, as_label, encode, group_levels
from bayesmixed.terms.block_parts import Part
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.correlations import exchangeable_root
from bayesmixed.terms.covariances import ANY, ORDER, ROUNDING, CovarianceParameter
from bayesmixed.terms.places import MOST_LAGS, equal_steps
from bayesmixed.terms.residual_correlations import RESIDUAL, ROWS, Residual
from bayesmixed.terms.structures import Structure

MOST_VISITS = 20
"""Most visits whose correlations are estimated one by one: 190."""
CORRELATIONS = VariableNames("").correlations(RESIDUAL)
"""Name of the correlation matrix of visits in the draws."""
DIMS = ("residual_visit", "residual_visit_2")
"""Its dimensions."""


@dataclass(frozen=True, slots=True)
class ResidualBlock:
    """The groups within which residuals of n rows are correlated.

    Attributes
    ----------
    residual : Residual
        What the spec says.
    structure : Structure
        Correlations of K places: visits, or the distinct steps of times; where each value depends on the one before,
        and where all are equal, three places that have the smallest and the largest distance.
    units : (n,) integer array
        Group of each row.
    levels : tuple of str
        Labels of the groups.
    places : (n,) array
        Where each row stands in its group: the number of its visit, or its time in steps.
    """

    residual: Residual
    structure: Structure
    units: NDArray[np.intp]
    levels: tuple[str, ...]
    places: Array

    @property
    def name(self) -> str:
        """The name of the grouping factor in results."""
        return self.residual.name

    @property
    def equal(self) -> bool:
        """Whether all rows of a group are equally correlated."""
        return self.structure.covariance.root is exchangeable_root

    @property
    def chained(self) -> bool:
        """Whether a row depends on those before by way of the last of them."""
        return self.structure.covariance.neighbour is not None

    @property
    def dense(self) -> bool:
        """Whether correlations are those of a matrix, of which no recursion is used; the draws hold it."""
        return not (self.equal or self.chained)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Number of rows of the group of each row, (n,)."""
        return np.bincount(self.units, minlength=1)[self.units]

    @property
    def free(self) -> bool:
        """Whether correlations are estimated one by one."""
        return self.structure.covariance.correlated(self.structure.width)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the visits; none of times at any distances."""
        return self.structure.names

    @property
    def parameters(self) -> dict[ParameterKey, CovarianceParameter]:
        """Its parameters but for correlations that are estimated one by one, by their names in the draws."""
        names = VariableNames("")
        return {names.structure(one.name, RESIDUAL): one for one in self.structure.parameters}

    @property
    def matrix(self) -> CorrelationMatrix:
        """The correlations of the K visits."""
        part = Part(tuple(range(self.structure.width)), self.free)
        return CorrelationMatrix(self.name, CORRELATIONS, DIMS[0], (RESIDUAL,), (self.labels,), (part,))

    def take(self, rows: NDArray[np.intp]) -> "ResidualBlock":
        """Return that of some of the rows."""
        return replace(self, units=self.units[rows], places=self.places[rows])

    @property
    def order(self) -> NDArray[np.intp]:
        """The rows by group and place, (n,)."""
        return np.lexsort((self.places, self.units))

    @property
    def ranks(self) -> NDArray[np.intp]:
        """How many rows of its group come before each row, (n,)."""
        order = self.order
        units = self.units[order]
        starts = np.flatnonzero(np.append(True, units[1:] != units[:-1])) if len(units) else np.empty(0, dtype=np.intp)
        found = np.empty(len(units), dtype=np.intp)
        found[order] = np.arange(len(units)) - np.repeat(starts, np.diff(np.append(starts, len(units))))
        return found

    @property
    def before(self) -> tuple[NDArray[np.intp], Array]:
        """The row of its group before each row, and its distance, (n,); of a first row itself, and 1."""
        order, ranks = self.order, self.ranks
        earlier = np.empty(len(order), dtype=np.intp)
        earlier[order] = np.concatenate([order[:1], order[:-1]])
        earlier = np.where(ranks == 0, np.arange(len(order)), earlier)
        return earlier, np.where(ranks == 0, 1.0, self.places - self.places[earlier])

    @property
    def patterns(self) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """The different sets of places of a group: numbers of the places, (m,), and the rows of all groups that have
        them, (S, m)."""
        order = self.order
        starts = np.flatnonzero(self.ranks[order] == 0)
        codes = np.searchsorted([place[0] for place in self.structure.places], self.places).astype(np.intp)
        found: dict[tuple[int, ...], list[NDArray[np.intp]]] = {}
        for rows in np.split(order, starts[1:]):
            found.setdefault(tuple(codes[rows].tolist()), []).append(rows)
        return [(np.array(places, dtype=np.intp), np.stack(rows)) for places, rows in found.items()]

    def correlations(self, values: Mapping[str, Array]) -> Array:
        """Return the correlations of the K places, (..., K, K), for parameters (...) by name in the draws."""
        if self.free:
            return values[CORRELATIONS]
        own = {one.name: values[key] for key, one in self.parameters.items()}
        return self.structure.correlations(own)


def build_residual(residual: Residual, table: Table, like: ResidualBlock | None, missing: int = 0) -> ResidualBlock:
    """Return the groups and places of the rows; with `like`, places are those of the fit.

    Raises
    ------
    DataError
        A group has two rows at one place, steps between times differ where they must be equal, there are too many visits,
        or a visit was not in the fit.
    """
    units, levels = group_levels(table.data, residual.factor_columns)
    if residual.place == ROWS:
        if missing and residual.record.columns == ORDER:
            raise DataError(
                f"residual '{residual}' takes the rows of '{residual.name}' in their order, and {missing} rows with missing "
                f"values were left out, so that steps are not known. Add a column of times: {residual.record.call}(time | "
                f"{residual.by})."
            )
        places = _running(units)
        structure = _structure(residual, ROWS, units, places, (), 1.0) if like is None else like.structure
        return _checked_size(ResidualBlock(residual, structure, units, levels, places), like)
    column, inside = table.data[residual.place], quote_name(residual.place)
    numbers = None if residual.as_levels or residual.record.columns == ANY else _numbers(column)
    if numbers is None:
        if residual.record.columns not in (ANY, ORDER):
            raise DataError(
                f"'{residual.place}' holds no numbers, and covariance '{residual.covariance}' is of the distances of numbers."
            )
        codes, labels = encode(column)
        if like is not None and not like.equal:
            codes = _known(residual, like, labels)[codes]
            labels = like.labels
        places, step = codes.astype(float), 0.0
    else:
        values, codes = np.unique(numbers, return_inverse=True)
        step, steps = (1.0, values)
        if residual.record.lags:
            step, steps = (
                equal_steps(residual.place, values, residual.record) if like is None else _replay(like, values)
            )
        places, labels = steps[codes], tuple(encode(pd.Series(values))[1])
        if residual.record.columns == ORDER and not residual.record.lags:
            step, places = _own_steps(residual, units, numbers, None if like is None else like.structure.step)
    _check_repeats(residual, units, levels, places, column)
    if like is None:
        structure = _structure(residual, inside, units, places, labels, step)
    else:
        structure = like.structure
        if numbers is not None and residual.record.lags and np.ptp(places) > structure.lags:
            raise DataError(
                f"'{residual.place}' spans {np.ptp(places):g} steps in rows to predict, and the fit knows correlations of up "
                f"to {structure.lags}."
            )
    return _checked_size(ResidualBlock(residual, structure, units, levels, places), like)


def _structure(
    residual: Residual, inside: str, units: NDArray[np.intp], places: Array, labels: tuple[str, ...], step: float
) -> Structure:
    """Return the correlations of the places that have rows."""
    if residual.record.neighbour is not None:
        return _spanned(residual, inside, units, places, () if step else labels, step)
    if residual.record.root is exchangeable_root:
        size = int(np.bincount(units).max())
        return Structure(residual.covariance, inside, tuple((float(place),) for place in range(size)), (), step)
    return _listed(residual, inside, places, labels, step)


def _checked_size(block: ResidualBlock, like: ResidualBlock | None) -> ResidualBlock:
    largest = int(block.sizes.max(initial=0))
    if like is not None and block.equal and largest > block.structure.width:
        raise DataError(
            f"A '{block.name}' has {largest} rows to predict, and those of the fit had at most {block.structure.width}: "
            "correlations of so many rows may be impossible. Predict fewer at a time."
        )
    return block


def _numbers(column: pd.Series) -> Array | None:
    """Return the numbers of a column, also where they are labels; None where it holds other text."""
    try:
        found = (
            column.astype(str).astype(float) if isinstance(column.dtype, pd.CategoricalDtype) else column.astype(float)
        )
    except (ValueError, TypeError):
        return None
    return np.asarray(found, dtype=float) if np.all(np.isfinite(found)) else None


def _running(units: NDArray[np.intp]) -> Array:
    """Return the number of each row among those of its group, from 0."""
    return np.asarray(pd.Series(units).groupby(units).cumcount(), dtype=float)


def _spanned(
    residual: Residual, inside: str, units: NDArray[np.intp], places: Array, labels: tuple[str, ...], step: float
) -> Structure:
    """Return a structure of three places with the smallest and the largest distance of rows of a group; of levels it knows
    all."""
    own = pd.Series(places).groupby(units)
    gaps = np.diff(places[np.lexsort((places, units))])[np.diff(np.sort(units)) == 0]
    near, far = (float(gaps.min()), float((own.max() - own.min()).max())) if len(gaps) else (1.0, 1.0)
    found = ((0.0,), (near,), (far,)) if far > near else ((0.0,), (near,))
    return Structure(residual.covariance, inside, found, labels, step)


def _listed(residual: Residual, inside: str, places: Array, labels: tuple[str, ...], step: float) -> Structure:
    """Return a structure of all places (DataError where there are too many)."""
    record, steps = residual.record, np.arange(places.max() + 1.0)
    most = MOST_LAGS if record.lags else MOST_VISITS
    if len(steps) > most:
        raise DataError(
            f"'{residual.place}' has {len(np.unique(places))} distinct values, {np.ptp(places):g} steps apart at most; residual "
            f"covariance '{residual.covariance}' takes at most {most}. Take ar1({residual.place} | {residual.by}) or "
            f"ou({residual.place} | {residual.by})."
        )
    if step:
        labels = tuple(encode(pd.Series(float(labels[0]) + step * steps))[1])
    return Structure(residual.covariance, inside, tuple((float(place),) for place in steps), labels, step)


def _known(residual: Residual, like: ResidualBlock, labels: Iterable[str]) -> NDArray[np.intp]:
    places = {label: place for place, label in enumerate(like.labels)}
    new = [label for label in labels if label not in places]
    if new:
        raise DataError(
            f"'{residual.place}' is {new[0]} in rows to predict, which is not among its values in the fit: the correlations of "
            "its residuals are not known."
        )
    return np.array([places[label] for label in labels], dtype=np.intp)


def _replay(like: ResidualBlock, values: Array) -> tuple[float, Array]:
    """Return the step of the fit, and times in steps from the first of these rows."""
    steps = (values - values[0]) / like.structure.step
    whole = np.round(steps)
    near = np.abs(steps - whole) < 1e-6 * np.maximum(1.0, np.abs(steps))
    if not near.all():
        raise DataError(
            f"'{like.residual.place}' is {values[~near][0]:g} in rows to predict, between the steps of the fit, of "
            f"{like.structure.step:g} from {values[0]:g}: residuals there have no correlation."
        )
    return like.structure.step, whole


def _own_steps(residual: Residual, units: NDArray[np.intp], numbers: Array, known: float | None) -> tuple[float, Array]:
    """Return the smallest distance of two rows of a group, or the step of the fit, and times in steps from the first row of
    each group: groups need not begin on one grid (DataError where distances are not whole steps)."""
    own = pd.Series(numbers).groupby(units)
    since = numbers - own.transform("min").to_numpy(dtype=float)
    gaps = np.diff(numbers[np.lexsort((numbers, units))])[np.diff(np.sort(units)) == 0]
    gaps = gaps[gaps > 0.0]
    step = known if known is not None else float(gaps.min()) if len(gaps) else 1.0
    steps = since / step
    far = np.abs(steps - np.round(steps)) > ROUNDING * len(numbers) * np.maximum(1.0, steps)
    if far.any():
        worst = int(np.argmax(np.abs(steps - np.round(steps))))
        said = "smallest distance" if known is None else "step of the fit"
        raise DataError(
            f"The values of '{residual.place}' in a '{residual.name}' are not in equal steps: two of its rows are "
            f"{since[worst]:g} apart, which is {steps[worst]:.3g} times the {said}, {step:.3g}. Take "
            f"ou({residual.place} | {residual.by}) for times at any distances, or ar1(factor({residual.place}) | "
            f"{residual.by}) for levels in order."
        )
    return step, np.round(steps)


def _check_repeats(
    residual: Residual, units: NDArray[np.intp], levels: tuple[str, ...], places: Array, column: pd.Series
) -> None:
    pairs = pd.DataFrame({"unit": units, "place": places})
    twice = pairs.duplicated(keep=False).to_numpy()
    if twice.any():
        first = int(np.argmax(twice))
        where = f"'{levels[units[first]]}' at {residual.place} {as_label(column.iloc[first])}"
        raise DataError(
            f"residual '{residual}': {int(twice.sum())} rows share their group and their {residual.place} with another one "
            f"(first: {where}). Each {residual.name} has one row at each {residual.place}: name the groups within which that "
            "holds, as a:b, or leave repeated rows out."
        )
