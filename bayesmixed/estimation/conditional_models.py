"""The parameters of a marginal likelihood, and the model of the effects at a value of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design import Design
from bayesmixed.integration.layers import Layer, Source
from bayesmixed.kernels.decoding import decode, term_root
from bayesmixed.kernels.layouts import Layout, lay_out_coordinates
from bayesmixed.links import Array
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.row_likelihoods import RowLikelihood, likelihood_of_rows
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.scaled_matrices import scaled_inverse

_SPREAD = 0.3
"""About the standard error of logarithms of SDs, and of predictors of further parameters."""


@dataclass(frozen=True, slots=True)
class ConditionalModel:
    """Rows given effects, in units in which the effects are independent standard normal numbers.

    Attributes
    ----------
    rows : RowLikelihood
        With all parameters but the first known.
    eta : (n,) array
        Predictor of the first parameter without effects.
    columns : (n, q) sparse array
        What multiplies the effects.
    population : (n, p) array
        Columns of the coefficients of the first parameter that are not fixed.
    """

    rows: RowLikelihood
    eta: Array
    columns: Any
    population: Array

    def system(self, *, joint: bool) -> tuple[Any, Array]:
        """Return the columns of the effects and what penalises each; with `joint` those of coefficients, without a penalty,
        before them."""
        from scipy import sparse

        penalty = np.ones(self.columns.shape[1])
        if not joint:
            return self.columns, penalty
        columns = sparse.hstack([sparse.csr_array(self.population), self.columns], format="csr")
        return columns, np.concatenate([np.zeros(self.population.shape[1]), penalty])


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

    @cached_property
    def of_coefficients(self) -> NDArray[np.bool_]:
        """(d,) which are coefficients of the first parameter."""
        return np.isin(self.places, self._first.beta.own)

    @cached_property
    def _columns(self) -> list[Any]:
        return [term.placement.group.sparse_columns() for term in self._first.terms]

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
            weight = model.rows.expected_information(model.eta)
            covariance = np.zeros((len(free), len(free)))
            covariance[np.ix_(free, free)] = scaled_inverse(model.population.T @ (weight[:, None] * model.population))
        if covariance is not None:
            own = self.of_coefficients
            chosen = covariance[np.ix_(free, free)]
            sds = np.sqrt(np.abs(np.diagonal(chosen)))
            values, axes = np.linalg.eigh(chosen / np.outer(sds, sds))
            found[np.ix_(own, own)] = sds[:, None] * axes * np.sqrt(np.maximum(values, 1e-12))
        return found

    def at(self, point: Array) -> ConditionalModel:
        """Return the model of the effects at a point."""
        from scipy import sparse

        design, full = self.design, self.coordinates(point)
        beta = self._first.beta
        columns = [
            own @ sparse.kron(sparse.eye_array(len(term.placement.group.levels)), root[0], format="csr")
            for own, term, root in zip(self._columns, self._first.terms, self._roots(full[None]), strict=True)
        ]
        return ConditionalModel(
            rows=likelihood_of_rows(design, self._known(full)),
            eta=design.mu.offset + design.mu.centred_matrix @ beta.read(full),
            columns=sparse.hstack(columns, format="csr") if columns else sparse.csr_array((design.rows, 0)),
            population=design.mu.centred_matrix[:, beta.free],
        )

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
        models = [self.at(point) for point in points]
        names = models[0].rows.others
        others = {name: np.stack([np.atleast_1d(model.rows.others[name]) for model in models]) for name in names}
        return likelihood_of_rows(self.design, others), np.stack([model.eta for model in models])

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
        for name, (dims, values) in decode(self.layout, self.coordinates(point)[None]).items():
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

    def _known(self, full: Array) -> dict[str, Any]:
        """Return all parameters of the family but the first."""
        known: dict[str, Any] = {name: slots.read(full)[0] for name, slots in self.layout.scalars.items()}
        known |= dict(zip(self.design.family.cuts, self.layout.cuts.read(full), strict=True))
        for name, further in self.layout.predictors.items():
            predictor = further.predictor
            if predictor is not self.design.mu:
                eta = predictor.offset + predictor.centred_matrix @ further.beta.read(full)
                known[name] = predictor.link.inverse(eta)
        return known
