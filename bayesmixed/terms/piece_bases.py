"""Pieces of formulas on the basis of default priors: contrasts of factors, centred numbers, orthogonal directions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.formulas.pieces import Piece
from bayesmixed.tables.factors import natural_key


@dataclass(frozen=True, slots=True)
class PieceBasis:
    """What a piece of a formula contributes to columns of the basis.

    Attributes
    ----------
    text : str
        The piece.
    levels : bool
        A factor.
    power : (str, int) or None
        Piece and exponent of a whole power.
    discrete : bool
        A factor, or a number with two values, which counts as one.
    constant : bool
        Constants are in the span of its columns.
    centre : (w,) array
        Origin of its columns: mean, middle of two values, zero for factors; of a power that of its base.
    map : (w, r) array
        From the columns at the origin to those of the basis: orthonormal zero-sum contrasts, the identity for one
        number, directions of sd 1/2 for several.
    steps : (r,) array
        One step of these columns, in the default prior of a coefficient.
    map_as_written, steps_as_written : (w, r'), (r',) arrays
        The same for columns whose origin stays as written.
    span : (float, float)
        Lowest and highest value of a single number.
    """

    text: str
    levels: bool
    power: tuple[str, int] | None
    discrete: bool
    constant: bool
    centre: Array
    map: Array
    steps: Array
    map_as_written: Array
    steps_as_written: Array
    span: tuple[float, float]

    def columns(self, values: Mapping[str, Array], *, centred: bool) -> Array:
        """Return the (n, r) columns for the values of the pieces of a formula in some rows."""
        if centred and self.power is not None:
            base, exponent = self.power
            return np.asarray((values[base] - self.centre) ** exponent)
        own = values[self.text] - self.centre if centred and np.any(self.centre) else values[self.text]
        return _times(own, self.map if centred else self.map_as_written)


def _times(columns: Array, matrix: Array) -> Array:
    """Return columns times a matrix, written column by column."""
    return columns * matrix[0] if matrix.shape == (1, 1) else np.asarray((matrix.T @ columns.T).T)


def learn_piece(piece: Piece, values: Mapping[str, Array]) -> PieceBasis:
    """Return what a piece contributes to the basis, learned from the values of all pieces in the rows of a fit."""
    own = values[piece.text]
    if piece.levels is not None:
        return factor_basis(piece)
    if own.shape[1] > 1:
        return _several_numbers(piece.text, own)
    number, span = own[:, 0], (float(own.min()), float(own.max()))
    if piece.power is not None and piece.power[0] in values:
        base = values[piece.power[0]][:, 0]
        centre = float(base.mean())
        return number_basis(piece, centre, column_step((base - centre) ** piece.power[1]), column_step(number), span)
    two = span[0] < span[1] and has_two_values(number)
    centre = sum(span) / 2.0 if two else float(number.mean())
    return number_basis(piece, centre, column_step(number), column_step(number), span, two=two)


def factor_basis(piece: Piece) -> PieceBasis:
    """Return the zero-sum contrasts of a factor, its levels sorted."""
    levels = piece.levels or ()
    order = sorted(range(len(levels)), key=lambda k: natural_key(levels[k]))
    place = np.argsort(order)
    contrasts = _contrasts(len(levels))[place]
    ones, zeros = np.ones(contrasts.shape[1]), np.zeros(len(levels))
    return PieceBasis(piece.text, True, None, True, True, zeros, contrasts, ones, contrasts, ones, (0.0, 0.0))


def number_basis(
    piece: Piece | PieceBasis,
    centre: float,
    step: float,
    step_as_written: float,
    span: tuple[float, float],
    *,
    two: bool = False,
) -> PieceBasis:
    """Return the column of a single number; one with `two` values has contrasts of plus and minus one over root two."""
    factor = np.sqrt(2.0) if two else 1.0
    steps, as_written = np.array([step / factor]), np.array([step_as_written / factor])
    one = np.ones((1, 1))
    return PieceBasis(piece.text, False, piece.power, two, False, np.array([centre]), one, steps, one, as_written, span)


def column_step(column: Array) -> float:
    """Return one step for the default prior of a slope: 2 sd, or the range of a two-valued column."""
    if has_two_values(column):
        return float(np.ptp(column)) or 1.0
    unit = 2.0 ** np.floor(np.log2(np.abs(column).max()))  # in which squares neither vanish nor overflow
    return float(2.0 * unit * np.std(column / unit, ddof=1))


def has_two_values(column: Array) -> bool:
    """Return whether a column has at most two values."""
    return bool(np.all((column == column.min()) | (column == column.max())))


def _several_numbers(text: str, values: Array) -> PieceBasis:
    ones = np.ones(len(values))
    constant = np.allclose(values @ np.linalg.lstsq(values, ones, rcond=None)[0], ones, atol=1e-9)
    centre = values.mean(axis=0)
    map_centred = _orthogonal_map(values - centre) * np.sqrt(len(values) - 1) / 2.0
    map_as_written = _orthogonal_map(values) * np.sqrt(len(values)) / 2.0
    steps, as_written = (np.ones(found.shape[1]) for found in (map_centred, map_as_written))
    return PieceBasis(
        text, False, None, False, constant, centre, map_centred, steps, map_as_written, as_written, (0.0, 0.0)
    )


def _orthogonal_map(values: Array) -> Array:
    """Return the (w, r) map from columns to orthonormal ones, each made of a column and those before it."""
    diagonal = np.abs(np.diag(np.linalg.qr(values, mode="r")))
    kept = np.flatnonzero(diagonal > 1e-9 * np.max(diagonal, initial=0.0))
    triangle = np.linalg.qr(values[:, kept], mode="r")
    found = np.zeros((values.shape[1], len(kept)))
    found[kept] = np.linalg.inv(triangle * np.sign(np.diag(triangle))[:, None])
    return found


def _contrasts(levels: int) -> Array:
    """Return the (K, K - 1) orthonormal contrasts of each level with those before it."""
    found = np.zeros((levels, levels - 1))
    for k in range(1, levels):
        found[:k, k - 1], found[k, k - 1] = -1.0, k
        found[:, k - 1] /= np.sqrt(k * (k + 1.0))
    return found
