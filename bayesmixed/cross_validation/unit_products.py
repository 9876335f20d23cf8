"""Cross-products of the rows of each unit, which say all that densities of units of normal rows need."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayesmixed.cross_validation.left_out_units import Leaving
from bayesmixed.cross_validation.normal_units import Sums, has_sums
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.linear_predictors import effect_root
from bayesmixed.families.links import Array
from bayesmixed.integration.layers import Integers
from bayesmixed.terms.block_parts import ONE


@dataclass(frozen=True, slots=True)
class UnitProducts:
    """Cross-products over the rows of each unit of what is left of the response, population columns and columns of effects.

    Attributes
    ----------
    columns : (n, 1 + p + q) array
        What is left of the response, population columns made orthonormal, so that columns far from 0 lose no digits, and
        columns of effects.
    products : (J, 1 + p + q, 1 + p + q) array
        Of these columns, each row as often as it counts.
    counts, constants : (J,) arrays
        Number of rows, and what their log-densities have besides those of normal ones.
    shift : (S, p) array
        Coefficients of the orthonormal columns, less those that were taken from the response.
    root : (S, q, q) array
        What makes the effects of independent standard normal numbers.
    sd : (S,) array
        Residual SD.
    """

    columns: Array
    products: Array
    counts: Array
    constants: Array
    shift: Array
    root: Array
    sd: Array

    def sums(self, units: Integers) -> Sums:
        """Return the sums of some units that `normal_rows` would give."""
        own, p = self.products[units], 1 + self.shift.shape[1]
        variance = np.square(self.sd)[:, None]
        inner = np.einsum("skl,jkm,smn->sjln", self.root, own[:, p:, p:], self.root, optimize=True)
        crossed = own[:, p:, 0] - np.einsum("jkm,sm->sjk", own[:, p:, 1:p], self.shift, optimize=True)
        shared = np.einsum("skl,sjk->sjl", self.root, crossed, optimize=True)
        moved = np.einsum("sm,jmn->sjn", self.shift, own[:, 1:p, 1:p], optimize=True)
        squares = own[:, 0, 0] - 2.0 * self.shift @ own[:, 0, 1:p].T + np.einsum("sjn,sn->sj", moved, self.shift)
        log = self.constants[units] - 0.5 * squares / variance - self.counts[units] * np.log(self.sd)[:, None]
        return Sums(inner / variance[..., None, None], shared / variance[..., None], log)

    def given_others(self, rows: Integers, index: Integers) -> tuple[Array, Array, Array]:
        """Return the residual of each row given the others of its unit, in its SD, one by this SD, and the logarithm of that,
        (S, m) each, for rows sorted by unit, each once; `index` has the unit of each, (m,)."""
        starts = np.append(0, np.flatnonzero(np.diff(index)) + 1)
        sums, p = self.sums(index[starts]), 1 + self.shift.shape[1]
        half, sd = sums.root, self.sd[:, None]
        means = np.squeeze(np.swapaxes(half, -1, -2) @ (half @ sums.shared[..., None]), -1)
        effects = np.einsum("skl,sjl->sjk", self.root, means, optimize=True)
        loadings = np.einsum("sjml,skl->sjmk", half, self.root, optimize=True) / sd[..., None, None]
        z, root, log_root = (np.empty((len(sd), len(rows))) for _ in range(3))
        ends = np.append(starts[1:], len(rows))
        for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
            own = self.columns[rows[start:end]].T
            entered = own[p:] if np.any(own[p:] != own[p:, :1]) else own[p:, :1]
            left = 1.0 - np.sum(np.square(loadings[:, place] @ entered), axis=1)
            scale = np.sqrt(left)
            inside = np.hstack([np.ones_like(sd), -self.shift, -effects[:, place]]) / sd
            z[:, start:end] = (inside / scale) @ own if scale.shape[1] == 1 else (inside @ own) / scale
            scale = scale / sd
            root[:, start:end], log_root[:, start:end] = scale, np.log(scale)
        return z, root, log_root


def find_products(leaving: Leaving, posterior: xr.Dataset) -> UnitProducts | None:
    """Return the cross-products of the rows of all units, None where they do not say all: rows are not normal with one SD, or
    effects stay that differ within units."""
    design, mu = leaving.design, leaving.design.mu
    if len(design.predictors) > 1 or mu.curves or mu.drawn or design.latent or leaving.columns[mu.parameter]:
        return None
    alone = all(group.takes == ONE and leaving.owned[mu.b(group)][group.occurs].all() for group in mu.groups)
    if not (alone and mu.groups and mu.population.labels) or design.observed.row_scale is not None:
        return None
    one = leaving.at(posterior.isel(chain=[0], draw=[0]))
    if not has_sums(one):
        return None
    beta = values_of(posterior, mu.beta)
    beta = beta.reshape(-1, beta.shape[-1])
    response = np.asarray(design.response, dtype=float)
    working = design.family.working(response) - mu.offset
    left = working - mu.population.matrix @ beta.mean(axis=0)
    orthonormal, triangle = np.linalg.qr(mu.population.matrix)
    columns = np.column_stack([left, orthonormal, *(group.centred_matrix for group in mu.groups)])
    copies, index, count = design.observed.row_counts, leaving.units.index, len(leaving.units.labels)
    weighted = columns * copies[:, None]
    products = np.empty((count, columns.shape[1], columns.shape[1]))
    for k in range(columns.shape[1]):
        for m in range(k + 1):
            products[:, k, m] = products[:, m, k] = np.bincount(index, weighted[:, k] * columns[:, m], count)
    constants = np.broadcast_to(design.family.constant(response, design.trials), copies.shape)
    return UnitProducts(
        columns,
        products,
        np.bincount(index, copies, count),
        np.bincount(index, copies * constants, count),
        (beta - beta.mean(axis=0)) @ triangle.T,
        _joint_root(leaving, posterior),
        values_of(posterior, design.family.scale).reshape(-1),
    )


def _joint_root(leaving: Leaving, posterior: xr.Dataset) -> Array:
    """Return the roots of the covariances of all effects of a unit, block by block, (S, q, q)."""
    design, mu = leaving.design, leaving.design.mu
    roots = [effect_root(design, mu, group, posterior) for group in mu.groups]
    roots = [root.reshape(-1, *root.shape[2:]) for root in roots]
    size = sum(root.shape[-1] for root in roots)
    found, start = np.zeros((len(roots[0]), size, size)), 0
    for root in roots:
        end = start + root.shape[-1]
        found[:, start:end, start:end] = root
        start = end
    return found
