"""Predictor: the linear predictor of one parameter, its columns, terms, and the names of their variables."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array, Link
from bayesmixed.parameter_keys import CENTRED_INTERCEPT, ParameterKey, VariableNames
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.covariances import CovarianceParameter
from bayesmixed.terms.curve_block import CurveBlock
from bayesmixed.terms.drawn_values import DrawnValues, TableValues
from bayesmixed.terms.monotonic import MonotonicBlock
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.scaled_matrices import scaled_inverse
from bayesmixed.terms.spectra import Spectrum
from bayesmixed.terms.structures import Structure


@dataclass(frozen=True, slots=True)
class Predictor:
    """The linear predictor of one parameter of the family.

    Attributes
    ----------
    parameter : str
        "mu", "sigma", ...
    suffix : str
        Ending of its variables' names: "" for the first parameter, "_sigma" for sigma.
    link : Link
        Link between the parameter and the predictor.
    population : PopulationBlock
        Population columns, p of them.
    centre : (p,) array
        Column means at which the prior of the intercept, or of thresholds, is stated; zero: as written.
    groups : tuple of GroupBlock
        One per grouping factor.
    curves : tuple of CurveBlock
        Normal coefficients that are the same for all rows; their lines are population columns.
    offset : (n,) array
        Sum of the offsets.
    cut : bool
        Thresholds replace its intercept.
    drawn : tuple of DrawnValues or TableValues
        Columns of which values are drawn with the parameters, or differ between imputed tables.
    relative : bool
        Its level is that of other parameters: its columns count from the means over the rows of the fit.
    own_levels : bool
        Dimensions of levels are its own, as beside predictors of other rows with other levels.
    steps : tuple of MonotonicBlock
        Ordered predictors, whose steps are population columns with a joint prior.
    """

    parameter: str
    suffix: str
    link: Link
    population: PopulationBlock
    centre: Array
    groups: tuple[GroupBlock, ...]
    curves: tuple[CurveBlock, ...]
    offset: Array
    cut: bool = False
    drawn: tuple[DrawnValues | TableValues, ...] = ()
    relative: bool = False
    own_levels: bool = False
    steps: tuple[MonotonicBlock, ...] = ()

    @property
    def names(self) -> VariableNames:
        """What its variables are called."""
        return VariableNames(self.suffix)

    @property
    def beta(self) -> str:
        """Name of the population coefficients in the draws."""
        return self.names.beta

    @property
    def normal_blocks(self) -> tuple[NormalBlock, ...]:
        """Curves and group terms: all whose coefficients are normal."""
        return (*self.curves, *self.groups)

    def block(self, name: str) -> NormalBlock | None:
        """Return the block of a term with normal coefficients by its name in results, None where it has none."""
        return next((block for block in self.normal_blocks if block.name == name), None)

    def learned(self, name: str) -> NormalBlock | MonotonicBlock | None:
        """Return the block of a term by its name in results, None where it has none."""
        return self.block(name) or next((block for block in self.steps if block.name == name), None)

    def take(self, rows: NDArray[np.intp]) -> "Predictor":
        """Return the predictor of some of its rows."""
        return replace(
            self,
            population=self.population.take(rows),
            groups=tuple(group.take(rows) for group in self.groups),
            curves=tuple(curve.take(rows) for curve in self.curves),
            offset=self.offset[rows],
            drawn=tuple(one.take(rows) for one in self.drawn),
            steps=tuple(one.take(rows) for one in self.steps),
        )

    def sd(self, group: NormalBlock) -> str:
        """Return the name of a term's standard deviations in the draws."""
        return self.names.sd(group.dim)

    def sd_keys(self, group: NormalBlock) -> tuple[ParameterKey, ...]:
        """Return the keys of the priors of a term's standard deviations: "sd_herd[Intercept]", "sd_s(x)"."""
        return self.names.sds(group.dim, group.coordinates.labels if group.labels else ())

    def distinct_sds(self, group: NormalBlock) -> dict[ParameterKey, int]:
        """Return the first column that has each standard deviation of a term, by the name of that as written."""
        name = self.sd(group)
        return {ParameterKey(name, label or None): column for column, label in group.distinct_sds}

    def sd_names(self, group: NormalBlock) -> tuple[ParameterKey, ...]:
        """Return the names of a term's standard deviations as written."""
        return self.names.sds(group.dim, group.labels)

    def b(self, group: NormalBlock) -> str:
        """Return the name of a term's effects in the draws."""
        return self.names.effects(group.dim)

    def corr(self, group: NormalBlock) -> str:
        """Return the name of the matrix in the draws that holds the correlations of a term's effects."""
        return self.correlations(group).name

    def correlations(self, group: NormalBlock) -> CorrelationMatrix:
        """Return the matrix that holds the correlations of a term's effects, beside those with effects in other predictors
        to which letters tie them."""
        if isinstance(group, GroupBlock) and group.tie is not None:
            return group.tie
        names, dim = self.names, self.effect_dim(group)
        return CorrelationMatrix(
            group.name, names.correlations(group.dim), dim, (self.parameter,), (group.labels,), group.parts
        )

    def sd_places(self, group: NormalBlock) -> dict[ParameterKey, int]:
        """Return the first column that has each standard deviation of a term, by the key of its prior."""
        keys = self.sd_keys(group)
        return {key: keys.index(key) for key in keys}

    def structure_parameters(
        self, group: NormalBlock
    ) -> tuple[tuple[ParameterKey, Structure | Spectrum, CovarianceParameter], ...]:
        """Return the parameters of the covariance structures, or of the spectrum, of a term: key, what it belongs to, and what it
        is in the catalogue."""
        structures: list[Structure | Spectrum] = [
            part.structure for part in group.structured if part.structure is not None
        ]
        structures += [] if group.spectrum is None else [group.spectrum]
        return tuple(
            (self.names.structure(one.name, group.dim), structure, one)
            for structure in structures
            for one in structure.parameters
        )

    def relative_sds(self, block: NormalBlock, values: Mapping[str, Array]) -> Array:
        """Return the SD of each coefficient of a term in units of that of its column, (..., J, 1) or (..., J, K), from the
        parameters of its spectrum by key; ones without a spectrum."""
        spectrum = block.spectrum
        if spectrum is None:
            return np.ones((len(block.levels), 1))
        own = {one.name: np.asarray(values[key])[..., None] for key, _, one in self.structure_parameters(block)}
        found = np.asarray(spectrum.sds(own, np))
        return found if block.labels else found[..., None]

    def structured_correlations(self, group: NormalBlock, values: Mapping[str, Array]) -> Array:
        """Return the correlations of a term's effects from the parameters of its structures by key, (..., K, K); those that
        are estimated one by one are 0."""
        found: Array = np.eye(group.width)
        for part in group.structured:
            structure = part.structure
            if structure is None or not structure.correlated:
                continue
            own = {one.name: values[self.names.structure(one.name, group.dim)] for one in structure.parameters}
            block = structure.correlations(own)
            found = np.broadcast_to(
                found, (*np.broadcast_shapes(found.shape[:-2], block.shape[:-2]), *found.shape[-2:])
            ).copy()
            found[..., np.array(part.columns)[:, None], np.array(part.columns)] = block
        return found

    def effect_dim(self, group: NormalBlock) -> str:
        """Return the name of the dimension of a term's columns."""
        return f"{group.dim}{self.suffix}_effect"

    def b_dims(self, group: NormalBlock) -> tuple[str, ...]:
        """Return the dimensions of a term's effects: levels, and columns unless it is a single curve."""
        common = group.shared and not self.own_levels
        levels = group.level_dim if common else f"{group.level_dim}{self.suffix}"
        return (levels, self.effect_dim(group))[: len(group.shape)]

    def coords(self) -> dict[str, list[str]]:
        """Return the labels of the dimensions of coefficients, effects, SDs and correlations."""
        coords = {f"{self.beta}_effect": list(self.population.labels)}
        for group in self.normal_blocks:
            coords |= dict(zip(self.b_dims(group), (list(group.levels), list(group.labels)), strict=False))
            matrix = self.correlations(group)
            if group.correlated:
                coords |= {dim: list(matrix.labels) for dim in matrix.dims}
        return coords

    def coordinate_coords(self) -> dict[str, list[str]]:
        """Return the labels of the dimensions of coordinates that are not coefficients and effects as written."""
        coords = {} if self.as_written else {f"{self.beta}_coordinate": list(self.population.coordinates.labels)}
        moved = (group for group in self.groups if group.centred)
        coords |= {self.coordinate_dim(group): list(group.coordinates.labels) for group in moved}
        shared = (group for group in self.groups if len(self.sd_places(group)) < group.width)
        return coords | {self.distinct_dim(group): list(self.sd_places(group)) for group in shared}

    def distinct_dim(self, group: NormalBlock) -> str:
        """Return the name of the dimension of a term's distinct standard deviations, where columns share them."""
        return f"{group.dim}{self.suffix}_sd"

    def coordinate_dim(self, group: NormalBlock) -> str:
        """Return the name of the dimension of a term's columns at the centre."""
        return f"{group.dim}{self.suffix}_coordinate" if group.centred else self.effect_dim(group)

    @property
    def keys(self) -> tuple[ParameterKey, ...]:
        """Keys of the priors of the coordinates of the population part: "beta[Intercept_centred]", "beta[x]"."""
        return self.names.population(self.population.coordinates.labels)

    @property
    def centred(self) -> bool:
        """Whether one coordinate is the mean of the predictor over rows, not an intercept as written."""
        return CENTRED_INTERCEPT in self.population.coordinates.labels

    @property
    def as_written(self) -> bool:
        """Whether the coordinates are the coefficients as written."""
        return self.population.as_written

    @property
    def transform(self) -> Array:
        """(p, q) matrix T: coefficients as written are T times the coordinates."""
        return self.population.transform

    @property
    def inverse_transform(self) -> Array:
        """(q, p) matrix: coordinates of coefficients as written."""
        return scaled_inverse(self.transform)

    @property
    def row_matrix(self) -> Array:
        """(n, p) columns that multiply the coefficients as written."""
        return self.population.matrix - self.centre if self.relative else self.population.matrix

    @property
    def centred_matrix(self) -> Array:
        """(n, q) columns that multiply the coordinates of the population part."""
        return self.population.coordinate_matrix
