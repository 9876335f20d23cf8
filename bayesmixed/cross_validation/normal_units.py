"""Units whose rows are normal given their effects: densities and the law of each row given the others, in closed form."""

from dataclasses import dataclass

import numpy as np

from bayesmixed.cross_validation.left_out_units import LeftOutUnits, same_sets
from bayesmixed.cross_validation.row_densities import copies_of, residual_of, response_of, row_values
from bayesmixed.families.links import Array
from bayesmixed.integration.layers import Integers, sum_rows
from bayesmixed.terms.residual_rows import inverse_root


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the rows of each unit, of which those of some of its rows can be added up.

    Attributes
    ----------
    products : (S, J, q, q) array
        A'A of the effects' columns times the root of their covariance, in residual SDs.
    shared : (S, J, q) array
        A'r with the residuals r.
    log : (S, J) array
        Log-density of the rows as if these effects were zero.
    """

    products: Array
    shared: Array
    log: Array

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.products + other.products, self.shared + other.shared, self.log + other.log)

    @property
    def root(self) -> Array:
        """Inverse of the Cholesky root of I + A'A, (S, J, q, q)."""
        inner = self.products + np.eye(self.products.shape[-1])
        return 1.0 / np.sqrt(inner) if inner.shape[-1] == 1 else np.linalg.inv(np.linalg.cholesky(inner))

    @property
    def densities(self) -> Array:
        """Log-density of the rows of each unit, (S, J), the effects integrated out."""
        root = self.root
        half = np.squeeze(root @ self.shared[..., None], -1)
        return (
            self.log + 0.5 * np.sum(half**2, axis=-1) + np.sum(np.log(np.diagonal(root, axis1=-2, axis2=-1)), axis=-1)
        )


@dataclass(frozen=True, slots=True)
class NormalRows:
    """Rows of units with one set of effects each, independent given these, in residual SDs.

    Attributes
    ----------
    index : (n,) integer array
        Unit of each row.
    copies : (n,) array
        How many rows each stands for.
    constant : (n,) array
        What the log-density of a row has besides that of a normal one.
    sd : (S, n) or (S, 1) array
        Residual SDs.
    residual : (S, n) array
        What is left of the working response, times the root of `copies`.
    columns : q arrays (S, n)
        The effects' columns times the root of their covariance, in the same unit.
    """

    index: Integers
    copies: Array
    constant: Array
    sd: Array
    residual: Array
    columns: tuple[Array, ...]

    @property
    def sums(self) -> Sums:
        """Sums over the rows of each unit."""
        q, count = len(self.columns), int(self.index.max()) + 1
        products = np.empty((len(self.residual), count, q, q))
        for k in range(q):
            for m in range(k + 1):
                products[..., k, m] = products[..., m, k] = self._sum(self.columns[k] * self.columns[m])
        shared = np.stack([self._sum(column * self.residual) for column in self.columns], axis=-1)
        whole = np.bincount(self.index, weights=self.copies * self.constant)
        if self.sd.shape[-1] == 1:
            spread = np.log(self.sd) * np.bincount(self.index, weights=self.copies)
        else:
            spread = self._sum(self.copies * np.log(self.sd))
        return Sums(products, shared, whole - 0.5 * self._sum(np.square(self.residual)) - spread)

    def _sum(self, values: Array) -> Array:
        """Return sums over the rows of each unit, (S, J)."""
        steps = np.diff(self.index)
        if np.all(steps >= 0):
            return np.asarray(np.add.reduceat(values, np.append(0, np.flatnonzero(steps) + 1), axis=-1))
        return sum_rows(values, self.index)

    def given_others(self, sums: Sums) -> tuple[Array, Array]:
        """Return the residual of each row given the others of its unit, and one by its SD, (S, n) each, the first in this SD."""
        root = sums.root
        shared = np.squeeze(root @ sums.shared[..., None], -1)
        spare, left = self.residual, np.ones(1)
        for k in range(len(self.columns)):
            half = np.zeros(1)
            for m in range(k + 1):
                half = half + self.columns[m] * np.take(root[..., k, m], self.index, axis=1)
            spare = spare - half * np.take(shared[..., k], self.index, axis=1)
            left = left - half * half
        scale = np.sqrt(left)
        return spare / scale, scale / self.sd


def normal_rows(units_out: LeftOutUnits) -> NormalRows:
    """Return the rows of units for which `has_sums`."""
    family, mu = units_out.design.family, units_out.design.mu.parameter
    values, (y, trials), copies = row_values(units_out, units_out.etas), response_of(units_out), copies_of(units_out)
    weight = (np.sqrt(copies) if np.any(copies != 1.0) else 1.0) / values[family.scale]
    loadings = [source.loadings[..., k] for source in units_out.layers[0].sources for k in range(source.width)]
    return NormalRows(
        units_out.units,
        copies,
        np.broadcast_to(family.constant(y, trials), copies.shape),
        values[family.scale],
        (family.working(y) - values[mu]) * weight,
        tuple(own * weight for own in loadings),
    )


def has_sums(units_out: LeftOutUnits) -> bool:
    """Return whether the rows of each unit are normal, and independent given one set of effects."""
    if units_out.design.residual is not None or len(units_out.layers) != 1 or not is_normal(units_out):
        return False
    return same_sets(units_out.layers[0].index, units_out.units)


def is_normal(units_out: LeftOutUnits) -> bool:
    """Return whether rows, and the effects that leave, are normal, on the scale of the working response."""
    design = units_out.design
    entered = {name for layer in units_out.layers for source in layer.sources for name in source.by_parameter}
    return design.family.is_normal_under(design.mu.link) and entered <= {design.mu.parameter} and not units_out.events


def normal_unit(units_out: LeftOutUnits, rows: Integers) -> tuple[Array, Array, Array]:
    """Return log p(y), V^-1 (w - eta) and the diagonal of V^-1 for one unit: (S,), (S, m), (S, m).

    w is the response on the scale on which it is normal. V = D + A A' with A the effects' columns times their root; all
    through the q x q matrix I + A' D^-1 A. A row that stands for k equal ones has k copies in V: as one of variance
    D / k, but for constants. Correlated residuals are made independent by the inverse root of their correlations first.
    """
    family, mu = units_out.design.family, units_out.design.mu.parameter
    values = row_values(units_out, {name: eta[:, rows] for name, eta in units_out.etas.items()}, rows)
    y, trials = (part[rows] for part in response_of(units_out))
    sd = np.broadcast_to(values[family.scale], values[mu].shape)
    copies = copies_of(units_out)[rows]
    residual = np.sqrt(copies) * (family.working(y) - values[mu]) / sd
    scaled = np.sqrt(copies)[:, None] * _effect_columns(units_out, rows) / sd[..., None]
    inverse: Array | None = None
    if units_out.design.residual is not None:
        inverse = inverse_root(residual_of(units_out, rows), units_out.residual)
        residual, scaled = (inverse @ residual[..., None])[..., 0], inverse @ scaled
    inner = np.eye(scaled.shape[-1]) + np.swapaxes(scaled, -1, -2) @ scaled
    chol = np.linalg.cholesky(inner)
    half = np.linalg.solve(chol, np.swapaxes(scaled, -1, -2))
    shared = (half @ residual[..., None])[..., 0]
    spare = residual - (np.swapaxes(half, -1, -2) @ shared[..., None])[..., 0]
    determinant = np.sum(copies * np.log(sd), axis=-1) + np.sum(np.log(np.diagonal(chol, axis1=-2, axis2=-1)), axis=-1)
    square = np.sum(residual**2, axis=-1) - np.sum(shared**2, axis=-1)
    log = -0.5 * square - determinant + np.sum(copies * family.constant(y, trials))
    if inverse is None:
        return log, spare / sd, (1.0 - np.sum(half**2, axis=-2)) / sd**2
    log = log + np.sum(np.log(np.diagonal(inverse, axis1=-2, axis2=-1)), axis=-1)
    back = (np.swapaxes(inverse, -1, -2) @ spare[..., None])[..., 0]
    known = np.sum(inverse**2, axis=-2) - np.sum((half @ inverse) ** 2, axis=-2)
    return log, back / sd, known / sd**2


def normal_in_turn(units_out: LeftOutUnits, rows: Integers) -> tuple[Array, Array]:
    """Return mean and SD of the working response of each row of a unit given the ones before it, (S, m) each."""
    family, mu = units_out.design.family, units_out.design.mu.parameter
    values = row_values(units_out, {name: eta[:, rows] for name, eta in units_out.etas.items()}, rows)
    sd = np.broadcast_to(values[family.scale], values[mu].shape)
    inverse = inverse_root(residual_of(units_out, rows), units_out.residual)
    root = sd[..., None] * np.linalg.inv(inverse)
    effects = _effect_columns(units_out, rows)
    whole = np.linalg.cholesky(root @ np.swapaxes(root, -1, -2) + effects @ np.swapaxes(effects, -1, -2))
    y, _ = response_of(units_out)
    residual = family.working(y[rows]) - values[mu]
    spread = np.diagonal(whole, axis1=-2, axis2=-1)
    z = np.linalg.solve(whole, residual[..., None])[..., 0]
    return values[mu] + residual - spread * z, spread


def _effect_columns(units_out: LeftOutUnits, rows: Integers) -> Array:
    """Return the columns of all effects of a unit times the root of their covariance, (S, m, q)."""
    draws = len(next(iter(units_out.etas.values())))
    blocks = [np.zeros((draws, len(rows), 0))]
    for layer in units_out.layers:
        present, sets = np.unique(layer.index[rows], return_inverse=True)
        for source in layer.sources:
            block = np.zeros((draws, len(rows), len(present), source.loadings.shape[-1]))
            block[:, np.arange(len(rows)), sets] = source.loadings[:, rows]
            blocks.append(block.reshape(draws, len(rows), -1))
    return np.concatenate(blocks, axis=-1)


def unit_rows(units_out: LeftOutUnits) -> list[Integers]:
    """Return the rows of each unit."""
    order = np.argsort(units_out.units, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(units_out.units[order])) + 1)
