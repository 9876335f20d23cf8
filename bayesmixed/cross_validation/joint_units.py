"""Units of several responses: rows of all of them that are left out together, and the effects that leave with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.cross_validation.left_out_units import (
    Leaving,
    LeftOutUnits,
    Sets,
    arrange,
    find_leaving,
    order_sets,
    without_layers,
)
from bayesmixed.cross_validation.units import OBSERVATION, find_units
from bayesmixed.design.joint_designs import JointDesign, Member
from bayesmixed.draws.joint_effects import joint_covariance
from bayesmixed.draws.kept import values_of
from bayesmixed.errors import DataError, SpecError
from bayesmixed.families.links import Array
from bayesmixed.formulas.notation import safe_name
from bayesmixed.integration.layers import Integers, Layer, Source
from bayesmixed.terms.relations import Factor
from bayesmixed.terms.scaled_matrices import matrix_root


@dataclass(frozen=True, slots=True)
class JointUnits:
    """A partition of the rows of several responses.

    Attributes
    ----------
    name : str
        "observation", a grouping factor or a column.
    labels : tuple
        Of the units; rows have their own labels.
    index : mapping of (n,) integer arrays
        Unit of each row, by response.
    """

    name: str
    labels: tuple[Any, ...]
    index: Mapping[str, Integers]

    @property
    def single(self) -> bool:
        """Whether units are rows."""
        return self.name == OBSERVATION

    @property
    def dim(self) -> str:
        """The dimension of units in arrays."""
        return "row" if self.single else safe_name(self.name)

    @property
    def said(self) -> str:
        """What is predicted when a unit is left out."""
        if self.single:
            return "all responses of a row in the known groups"
        return f"all responses of all rows of a new {self.name}, whose effects (and those nested in it) are unknown"

    def label(self, values: Array) -> xr.DataArray:
        """Return values of units, (J,), with their labels."""
        coords = {self.dim: list(self.labels)}
        return xr.DataArray(values, dims=(self.dim,), coords=coords, attrs={"unit": self.name, "estimand": self.said})


def find_joint_units(design: JointDesign, unit: str) -> JointUnits:
    """Return the partition of the rows of all responses that a word names; a response without the column has it from those that
    do, by the labels of rows.

    Raises
    ------
    SpecError
        It names nothing, or rows have weights; a response has rows of unknown units.
    DataError
        Rows have the same label, so that it is not known which belong together.
    """
    if unit == OBSERVATION:
        return _single_rows(design)
    found: dict[str, NDArray[np.object_]] = {}
    problem: SpecError | None = None
    for name, part in design.parts.items():
        try:
            own = find_units(part, unit, whole=True)
        except SpecError as error:
            problem = error
        else:
            found[name] = np.array(own.labels, dtype=object)[own.index]
    if problem is not None:
        _complete(design, unit, found, problem)
    labels = list(dict.fromkeys(label for name in design for label in dict.fromkeys(sorted(set(found[name])))))
    places = {label: place for place, label in enumerate(labels)}
    index = {name: np.array([places[label] for label in found[name]], dtype=np.intp) for name in design}
    return JointUnits(unit, tuple(labels), index)


def _complete(design: JointDesign, unit: str, found: dict[str, Any], problem: SpecError) -> None:
    """Add the units of the rows of responses that lack the column, from those that have it (SpecError, DataError)."""
    if not found:
        raise problem
    known: dict[Any, Any] = {}
    for name, own in found.items():
        known |= dict(zip(_row_labels(design, name), own, strict=True))
    for name in design:
        rows = _row_labels(design, name)
        if name not in found and not all(row in known for row in rows):
            raise SpecError(
                f"unit='{unit}': the model of '{name}' does not use it, and has rows that other responses lack, so their units "
                f"are not known. {problem}"
            )
        found.setdefault(name, np.array([known.get(row) for row in rows], dtype=object))


def _row_labels(design: JointDesign, name: str) -> pd.Index:
    """Return the labels of the rows of a response (DataError where two are the same)."""
    index = design[name].table.data.index
    if not index.is_unique:
        raise DataError(
            f"Two rows of '{name}' have the label {index[index.duplicated()][0]}, so it is not known which rows of the "
            "responses belong together. Fit to data.reset_index(drop=True)."
        )
    return index


def _single_rows(design: JointDesign) -> JointUnits:
    for part in design.parts.values():
        find_units(part, OBSERVATION)  # refuses weights
    indices = {name: _row_labels(design, name) for name in design}
    first, *others = indices.values()
    labels = first.append([index.difference(first, sort=False) for index in others]).drop_duplicates()
    labels = labels.sort_values() if pd.api.types.is_numeric_dtype(labels) else labels
    return JointUnits(
        OBSERVATION,
        tuple(labels),
        {name: labels.get_indexer(own).astype(np.intp) for name, own in indices.items()},
    )


@dataclass(frozen=True, slots=True)
class StackedRows:
    """Rows of all responses one below the other, for some draws, without the effects that leave with their units.

    Attributes
    ----------
    parts : mapping of LeftOutUnits
        Rows of each response.
    slices : mapping of slice
        Where they are.
    units : (n,) integer array
        Unit of each stacked row.
    etas : mapping of (S, n) arrays
        Predictors by response and parameter, "y1.mu".
    layers : tuple of Layer
        Effects that leave, larger sets first.
    """

    parts: Mapping[str, LeftOutUnits]
    slices: Mapping[str, slice]
    units: Integers
    etas: dict[str, Array]
    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class JointLeaving:
    """What leaves with each unit of several responses, found once for all draws.

    Attributes
    ----------
    design : JointDesign
    units : JointUnits
    own : mapping of Leaving
        By response; levels of effects that are tied between responses leave where all rows that have them, of all responses,
        lie in one unit.
    """

    design: JointDesign
    units: JointUnits
    own: Mapping[str, Leaving]

    def at(self, posteriors: Mapping[str, xr.Dataset], shared: xr.Dataset) -> StackedRows:
        """Return what is known of all rows at some posterior draws."""
        parts, slices, etas, start = {}, {}, {}, 0
        roots = self._roots(posteriors, shared)
        total = sum(part.rows for part in self.design.parts.values())
        sources: list[Sets] = []
        tied: dict[tuple[str, str, str], str] = {
            (one.response, one.parameter, one.group.name): name
            for name, members in self.design.members().items()
            for one in members
        }
        places: dict[str, int] = {}
        for name, leaving in self.own.items():
            part = self.design[name]
            here = slice(start, start + part.rows)
            slices[name], start = here, here.stop
            own_etas, own_sources, _ = leaving.effects(posteriors[name], None, roots[name])
            parts[name] = without_layers(part, posteriors[name], own_etas)
            for parameter, eta in own_etas.items():
                stacked = np.zeros((len(eta), total))
                stacked[:, here] = eta
                etas[f"{name}.{parameter}"] = stacked
            for factor, sets, source in own_sources:
                matrix = tied.get((name, source.parameter, factor), "")
                moved = _stack(source, name, here, total)
                index = np.full(total, -1)
                index[here] = sets if not matrix else self._common(matrix, name, source.parameter, sets)
                if matrix in places:
                    _, before, one = sources[places[matrix]]
                    joined = replace(one, others={**one.others, **moved.by_parameter})
                    sources[places[matrix]] = factor, np.maximum(before, index), joined
                    continue
                if matrix:
                    places[matrix] = len(sources)
                sources.append((factor, index, moved))
        units = np.concatenate([self.units.index[name] for name in self.design])
        _, inside = np.unique(units, return_inverse=True)
        layers = arrange(sources, order_sets([sets for _, sets, _ in sources], inside), inside)
        return StackedRows(parts, slices, units, etas, layers)

    def _roots(self, posteriors: Mapping[str, xr.Dataset], shared: xr.Dataset) -> dict[str, dict[str, Array]]:
        """Return what makes effects of the numbers of all responses, (chain, draw, K, W), by response and name of the effects."""
        found: dict[str, dict[str, Array]] = {name: {} for name in self.design}
        for name, members in self.design.members().items():
            root, start = matrix_root(joint_covariance(members, posteriors, values_of(shared, name))), 0
            for one in members:
                predictor, stop = self.design[one.response].predictors[one.parameter], start + one.group.width
                found[one.response][predictor.b(one.group)] = root[..., start:stop, :]
                start = stop
        return found

    def _common(self, matrix: str, response: str, parameter: str, sets: Integers) -> Integers:
        """Return levels of a response as places among those of all responses."""
        members = self.design.members()[matrix]
        labels = _every_level(members)
        own = next(one.group for one in members if (one.response, one.parameter) == (response, parameter))
        places = np.array([labels[level] for level in own.levels])
        return np.where(sets >= 0, places[sets], -1)


def _every_level(members: Sequence[Member]) -> dict[str, int]:
    levels = dict.fromkeys(level for one in members for level in one.group.levels)
    return {level: place for place, level in enumerate(levels)}


def _stack(source: Source, name: str, here: slice, total: int) -> Source:
    """Return effects of a response as they enter stacked rows."""
    found = {}
    for parameter, loadings in source.by_parameter.items():
        stacked = np.zeros((len(loadings), total, loadings.shape[-1]))
        stacked[:, here] = loadings
        found[f"{name}.{parameter}"] = stacked
    (first, loadings), *others = found.items()
    return Source(first, loadings, dict(others))


def find_joint_leaving(design: JointDesign, units: JointUnits) -> JointLeaving:
    """Return what leaves with each unit of a partition of the rows of all responses."""
    found = {}
    for name, part in design.parts.items():
        _, index = np.unique(units.index[name], return_inverse=True)
        labels = tuple(str(place) for place in range(int(index.max()) + 1))
        found[name] = find_leaving(part, Factor(units.name, index.astype(np.intp), labels))
    for members in design.members().values():
        owned = _owned_together(design, units, members)
        for one in members:
            b = design[one.response].predictors[one.parameter].b(one.group)
            leaving = found[one.response]
            own = np.array([owned.get(level, False) for level in one.group.levels])
            found[one.response] = replace(leaving, owned={**leaving.owned, b: own})
    return JointLeaving(design, units, found)


def _owned_together(design: JointDesign, units: JointUnits, members: Sequence[Member]) -> dict[str, bool]:
    """Return for each level of a factor whether all its rows, of all responses, lie in one unit."""
    seen: dict[str, set[int]] = {}
    for one in members:
        predictor = design[one.response].predictors[one.parameter]
        group = next(group for group in predictor.groups if group.name == one.group.name)
        rows, levels, _ = group.pairs()
        for level, unit in zip(levels, units.index[one.response][rows], strict=True):
            seen.setdefault(group.levels[level], set()).add(int(unit))
    return {level: len(found) == 1 for level, found in seen.items()}
