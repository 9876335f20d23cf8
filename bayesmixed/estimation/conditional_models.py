"""The parameters of a marginal likelihood, and the model of the effects given a value of these."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design.design import CUTS, Design
from bayesmixed.design.row_likelihoods import RowLikelihood, likelihood_of_rows
from bayesmixed.design.thresholds import own_shifts
from bayesmixed.estimation.edges import CovariancePlaces
from bayesmixed.estimation.precisions import PrecisionPattern
from bayesmixed.estimation.row_densities import (
    CompiledRows,
    NormalRows,
    RecordRows,
    RowDensity,
    is_compiled,
    merged_rows,
)
from bayesmixed.estimation.term_columns import TermColumns, numerical_slopes
from bayesmixed.families.links import Array
from bayesmixed.integration.layers import Layer, Source
from bayesmixed.kernels.joint.decoding import decode, term_root
from bayesmixed.kernels.joint.layouts import Layout, lay_out_coordinates
from bayesmixed.kernels.joint.packed_designs import cut_columns
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.scaled_matrices import scaled_inverse

_SPREAD = 0.3
"""About the standard error of logarithms of SDs, and of predictors of further parameters."""
_LEAST = 0.3
"""Smallest SDs at which searches start, in errors of one effect."""


@dataclass(frozen=True, slots=True)
class ConditionalModel:
    """Rows given effects, in units in which the effects are independent standard normal numbers.

    Attributes
    ----------
    parameters : MarginalParameters
        Whose values are known here.
    full : (dimension,) array
        All coordinates, effects zero.
    density : RowDensity
        The rows, m of them.
    eta, further : (m,) and (m, P - 1) arrays
        Predictor of the first parameter without effects, and of the others.
    values : (m, M) array
        What multiplies the effects that each row takes.
    """

    parameters: "MarginalParameters"
    full: Array
    density: RowDensity
    eta: Array
    further: Array
    values: Array

    @property
    def quadratic(self) -> bool:
        """Whether log-densities of rows are quadratic in the predictor."""
        return isinstance(self.density, NormalRows) or self.parameters.quadratic

    def system(self, *, joint: bool) -> tuple[PrecisionPattern, Array, Array]:
        """Return which effects rows take, what multiplies them, and what penalises each; with `joint` the coefficients of the
        first parameter that are not fixed, without a penalty, before them."""
        pattern = self.parameters.pattern(joint=joint)
        population = self.parameters.population if joint else np.zeros((len(self.eta), 0))
        values = np.ascontiguousarray(np.hstack([population, self.values])) if joint else self.values
        count = population.shape[1]
        return pattern, values, np.repeat([0.0, 1.0], [count, pattern.size - count])

    def derivatives(self, eta: Array, *, mixed: bool = False) -> Array:
        """Return what `RowDensity.derivatives` does, at a predictor of the first parameter."""
        with np.errstate(all="ignore"):
            return self.density.derivatives(eta, self.further, mixed=mixed)

    def expected_information(self, eta: Array) -> Array:
        """Return the expected information of each row."""
        if isinstance(self.density, NormalRows):
            return self.density.weight
        return self.parameters.likelihood(self.full).expected_information(eta)

    def around(self, eta: Array) -> "ConditionalModel":
        """Return the normal model that rows are replaced by around predictors: working responses with known variances."""
        weight = self.expected_information(eta)
        score = self.derivatives(eta)[:, 1]
        return replace(self, density=NormalRows(eta + score / weight, weight))


class MarginalParameters:
    """The d parameters of a design that stay when its effects are integrated out.

    Coefficients are in the coordinates of their priors, SDs and dispersions on their logarithms or links, correlations
    and thresholds as the engines have them: all real numbers.

    Attributes
    ----------
    layout : Layout
        Where they stand among the coordinates of the design.
    places : (d,) integer array
        Those coordinates.
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        self.layout: Layout = lay_out_coordinates(design, {})
        self.places: NDArray[np.int64] = np.concatenate([slots.own for slots in self.layout.slots]).astype(np.int64)
        self._first = self.layout.predictors[design.mu.parameter]
        self.rows = merged_rows(design)
        self.quadratic = design.family.is_normal_under(design.mu.link)
        self._patterns: dict[bool, PrecisionPattern] = {}

    @cached_property
    def of_coefficients(self) -> NDArray[np.bool_]:
        """(d,) which are coefficients of the first parameter."""
        return np.isin(self.places, self._first.beta.own)

    def edges(self, chosen: NDArray[np.bool_]) -> tuple[list[CovariancePlaces], NDArray[np.int64]]:
        """Return where covariances of effects, and further parameters with an end, stand among the chosen parameters, (d,).

        These are dispersions, and correlations beside SDs that are fixed."""
        order = np.full(self.layout.dimension, -1)
        order[self.places[chosen]] = np.arange(chosen.sum())
        found, further = [], [slots.own for slots in self.layout.scalars.values()]
        for term in self._first.terms:
            parts = [part for part in term.placement.group.parts if part.correlated]
            partials = dict(zip((part.columns for part in parts), term.partials, strict=True))
            for part in term.placement.group.parts:
                sds = term.sd.places[list(part.columns)]
                whole = part.columns in partials and bool(np.all(sds >= 0))
                ends = partials[part.columns].own if whole else sds[:0]
                found.append(CovariancePlaces(order[sds[sds >= 0]], order[ends]))
                if part.columns in partials and not whole:
                    further.append(partials[part.columns].own)
        return found, order[np.concatenate([np.zeros(0, dtype=np.int64), *further])]

    def lifted(self, point: Array) -> Array:
        """Return a point with SDs of at least the error with which rows tell one effect: at zero no search has a slope."""
        full, model = self.coordinates(point), self.at(point)
        weight = model.expected_information(model.eta)[:, None]
        for term, columns in zip(self._first.terms, self._columns, strict=True):
            told = np.bincount(
                columns.places.ravel(), (weight * columns.raw**2).ravel(), minlength=len(term.guide) * columns.width
            )
            error = 1.0 / np.sqrt(np.median(np.maximum(told, 1e-300).reshape(-1, columns.width), axis=0))
            term.sd.write(full, np.maximum(term.sd.read(full), _LEAST * error))
        return full[self.places]

    @property
    def free(self) -> NDArray[np.bool_]:
        """(p,) which coefficients of the first parameter are not fixed."""
        return self._first.beta.free

    @cached_property
    def population(self) -> Array:
        """(m, p) columns of the coefficients of the first parameter that are not fixed."""
        return self.design.mu.centred_matrix[self.rows.kept][:, self.free]

    @property
    def log_volume(self) -> float:
        """What a restricted log-likelihood has besides the determinant: coefficients are flat as they are written, whatever the
        coordinates of their priors."""
        free = self.free
        slope = np.linalg.slogdet(self.design.mu.inverse_transform[np.ix_(free, free)])[1]
        return float(0.5 * np.sum(free) * np.log(2.0 * np.pi) - slope)

    @cached_property
    def effects(self) -> int:
        """Number of effects."""
        return sum(term.effects.stop - term.effects.start for term in self._first.terms)

    @cached_property
    def _columns(self) -> list[TermColumns]:
        blocks = [term.placement.group for term in self._first.terms]
        return [TermColumns(block.loadings(self.rows.kept), block.width) for block in blocks]

    def pattern(self, *, joint: bool) -> PrecisionPattern:
        """Return which effects rows take together; with `joint` coefficients of the first parameter before them."""
        if joint not in self._patterns:
            before = self.population.shape[1] if joint else 0
            starts = before + np.cumsum([0, *(term.effects.stop - term.effects.start for term in self._first.terms)])
            places = [columns.places + start for columns, start in zip(self._columns, starts, strict=False)]
            own = [np.tile(np.arange(before), (len(self.rows.kept), 1)), *places]
            self._patterns[joint] = PrecisionPattern(np.hstack(own).astype(np.int64), before + self.effects)
        return self._patterns[joint]

    def coordinates(self, point: Array) -> Array:
        """Return all coordinates at a point (d,), effects zero."""
        found = np.zeros(self.layout.dimension)
        found[self.places] = point
        return found

    def scale(self, point: Array, covariance: Array | None) -> Array:
        """Return a root, (d, d), of about the covariance of the parameters near a point.

        Parameters
        ----------
        covariance : array, optional
            Of the coefficients of the first parameter, if it is known.
        """
        spread = np.full(len(self.places), _SPREAD)
        for further in self.layout.predictors.values():
            size = np.sqrt(np.mean(further.predictor.centred_matrix[:, further.beta.free] ** 2, axis=0))
            spread[np.isin(self.places, further.beta.own)] = _SPREAD / np.where(size > 0.0, size, 1.0)
        found = np.diag(spread)
        free, model = self._first.beta.free, self.at(point)
        if covariance is None and np.any(free):
            weight = model.expected_information(model.eta)
            covariance = np.zeros((len(free), len(free)))
            covariance[np.ix_(free, free)] = scaled_inverse(self.population.T @ (weight[:, None] * self.population))
        if covariance is not None:
            own = self.of_coefficients
            chosen = covariance[np.ix_(free, free)]
            sds = np.sqrt(np.abs(np.diagonal(chosen)))
            values, axes = np.linalg.eigh(chosen / np.outer(sds, sds))
            found[np.ix_(own, own)] = sds[:, None] * axes * np.sqrt(np.maximum(values, 1e-12))
        return found

    def at(self, point: Array) -> ConditionalModel:
        """Return the model of the effects at a point."""
        full, predictor, rows = self.coordinates(point), self.design.mu, self.rows.kept
        values = [columns.values(root[0]) for columns, root in zip(self._columns, self._roots(full[None]), strict=True)]
        return ConditionalModel(
            parameters=self,
            full=full,
            density=self._compiled or RecordRows(self.likelihood(full)),
            eta=predictor.offset[rows] + predictor.centred_matrix[rows] @ self._first.beta.read(full),
            further=self._further(full),
            values=np.ascontiguousarray(np.hstack(values)) if values else np.zeros((len(rows), 0)),
        )

    @cached_property
    def _compiled(self) -> CompiledRows | None:
        return CompiledRows(self.design, self.rows) if is_compiled(self.design) else None

    def likelihood(self, full: Array) -> RowLikelihood:
        """Return the rows as their record gives them."""
        return likelihood_of_rows(
            self.design,
            self._known(full, self.rows.kept),
            response=self.rows.response,
            trials=self.rows.trials,
            rows=self.rows.kept,
            counts=1.0 if self.rows.weights is None else self.rows.weights,
        )

    def _further(self, full: Array) -> Array:
        """Return the predictors of all parameters but the first, (m, P - 1), and of thresholds what compiled rows have."""
        design, rows = self.design, self.rows.kept
        found = np.zeros((len(rows), len(self._others) + cut_columns(design)))
        for k, name in enumerate(self._others):
            if name in self.layout.scalars:
                slots = self.layout.scalars[name]
                found[:, k] = full[slots.own[0]] if slots.free[0] else slots.map.to_coordinates(slots.fixed)[0]
            else:
                further = self.layout.predictors[name]
                found[:, k] = further.predictor.offset[rows] + further.predictor.centred_matrix[
                    rows
                ] @ further.beta.read(full)
            if name == design.family.scale and design.observed.scale_factor is not None:
                found[:, k] += np.log(design.observed.scale_factor[rows])
        if design.family.at_risk:
            found[:, len(self._others) :] = self.layout.cuts.read(full)
        elif design.family.cuts:
            ends = np.concatenate([[-np.inf], self.layout.cuts.read(full), [np.inf]])
            category = np.rint(self.rows.response).astype(int)
            found[:, -2], found[:, -1] = ends[category], ends[category - 1]
        return found

    @property
    def _others(self) -> list[str]:
        """The parameters of compiled rows but the first, thresholds left out."""
        return [one.name for one in self.design.family.parameters if not one.cut][1:]

    def slopes(self, full: Array, of_first: Array, of_further: Array, of_values: Array) -> Array:
        """Return derivatives in the parameters, (d,), of what has derivatives in the predictors and in `values`."""
        found, rows = np.zeros(self.layout.dimension), self.rows.kept
        found[self._first.beta.own] = self.population.T @ of_first
        for bar, name in zip(of_further.T, self._others, strict=False):
            if name in self.layout.scalars:
                found[self.layout.scalars[name].own] = bar.sum()
            else:
                further = self.layout.predictors[name]
                found[further.beta.own] = further.predictor.centred_matrix[rows][:, further.beta.free].T @ bar
        cuts = self.layout.cuts
        if len(cuts):
            if self.design.family.at_risk:
                of_cuts = of_further[:, -len(cuts) :].sum(axis=0)
            else:
                category = np.rint(self.rows.response).astype(int)
                ends = np.bincount(category, of_further[:, -2], minlength=len(cuts) + 2)
                ends += np.bincount(category - 1, of_further[:, -1], minlength=len(cuts) + 2)
                of_cuts = ends[1:-1]
            found[cuts.own] = numerical_slopes(cuts.read, full, cuts.own) @ of_cuts
        start = 0
        for term, columns in zip(self._first.terms, self._columns, strict=True):
            count = columns.places.shape[1]
            of_root = columns.slopes(of_values[:, start : start + count])
            start += count
            own = np.concatenate([slots.own for slots in (term.sd, *term.partials)])
            change = numerical_slopes(lambda points, term=term: term_root(points, term), full, own)
            found[own] += np.einsum("akl,kl->a", change, of_root)
        return found[self.places]

    def layers(self, points: Array) -> tuple[Layer, ...]:
        """Return the levels of the group terms with their effects at points (S, d), the outermost first."""
        full = np.array([self.coordinates(point) for point in points])
        found = []
        for term, root in zip(self._first.terms, self._roots(full), strict=True):
            group = term.placement.group
            levels, columns = group.read_rows()
            loadings = np.einsum("nk,skl->snl", columns, root)
            found.append(Layer(levels, (Source(self.design.mu.parameter, loadings),), (group.name,)))
        return tuple(sorted(found, key=lambda layer: int(layer.index.max())))

    def rows_at(self, points: Array) -> tuple[RowLikelihood, Array]:
        """Return the rows, and the predictors of the first parameter without effects (S, n), at points (S, d)."""
        full = [self.coordinates(point) for point in points]
        known = [self._known(one) for one in full]
        others = {name: np.stack([np.atleast_1d(one[name]) for one in known]) for name in known[0]}
        mu = self.design.mu
        eta = np.stack([mu.offset + mu.centred_matrix @ self._first.beta.read(one) for one in full])
        return likelihood_of_rows(self.design, others), eta

    def roots_as_written(self, point: Array) -> Iterator[tuple[NormalBlock, Array]]:
        """Yield each term with the matrix, (K, K), that makes effects as written of the standardised ones of a level."""
        for term, root in zip(self._first.terms, self._roots(self.coordinates(point)[None]), strict=True):
            yield term.placement.group, term.placement.group.transform @ root[0]

    def named(self, point: Array) -> dict[str, float]:
        """Return the parameters as written, by their names in the draws."""
        found: dict[str, float] = {}
        effects = {predictor.b(block) for predictor, block in self.design.normal_blocks()}
        coords = {"cut": self.design.cut_labels}
        for predictor in self.design.predictors.values():
            coords |= predictor.coords()
        decoded = decode(self.layout, self.coordinates(point)[None])
        if CUTS in decoded:
            own = np.stack(np.broadcast_arrays(*own_shifts(self.design, lambda one: decoded[one.beta][1])), axis=-1)
            decoded[CUTS] = (("cut",), decoded[CUTS][1] + own)
        for name, (dims, values) in decoded.items():
            if name in effects:
                continue
            if ParameterKey.read(name).of_correlations:
                labels = coords[dims[0]]
                pairs = [(i, k) for i in range(len(labels)) for k in range(i)]
                found |= {ParameterKey(name, f"{labels[k]}, {labels[i]}"): float(values[0, i, k]) for i, k in pairs}
            elif dims:
                keys = (ParameterKey(name, label) for label in coords[dims[0]])
                found |= dict(zip(keys, values[0].tolist(), strict=True))
            else:
                found[name] = float(values[0])
        return found

    def _roots(self, full: Array) -> list[Array]:
        return [term_root(full, term) for term in self._first.terms]

    def _known(self, full: Array, rows: Any = slice(None)) -> dict[str, Any]:
        """Return all parameters of the family but the first, of some rows."""
        known: dict[str, Any] = {name: slots.read(full)[0] for name, slots in self.layout.scalars.items()}
        known |= dict(zip(self.design.family.cuts, self.layout.cuts.read(full), strict=True))
        for name, further in self.layout.predictors.items():
            predictor = further.predictor
            if predictor is not self.design.mu:
                eta = predictor.offset[rows] + predictor.centred_matrix[rows] @ further.beta.read(full)
                known[name] = predictor.link.inverse(eta)
        return known
