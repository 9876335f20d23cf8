"""Draws of the border of a normal model at many points, with a density that is known without a factor for each point.

In standardised units the border has the precision

    P = T' (w R - w^2 E' D E) T + I,  D = (L^-1 + w B)^-1 by level,

with the cross-products B, E and R of levels, levels with border, and border, the weight w of the rows, the covariance L of the
effects of a level, and the root T of that of the border. Draws have the precision Q = U'^-1 P0 U^-1 instead: P0 is P at one
point, of which there is a Cholesky factor, and U block diagonal such that Q and P have the same diagonal blocks. For many
levels, whose SD the data tell well, Q is close to P wherever that is likely. Terms with few levels come last: U states them in
the units of the data, and their prior is that of each point, which changes only the last columns of the factor. The mean of the
draws solves P by conjugate gradients.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import linalg

from bayesmixed.engines.normal_models import (
    Levels,
    NormalModel,
    Roots,
    apply_blocks,
    divide,
    eliminate,
    log_diagonals,
    small_cholesky,
)
from bayesmixed.families.links import Array

_CLOSE, _ROUNDS = 1e-3, 40
"""Squared distance from the mean, in SDs, that is let pass; rounds of conjugate gradients at most."""
_FEW, _SMALLEST = 64, 1e-9
"""Last columns of the border, of terms with few levels, at most; the smallest SD there over that of the factor."""
_MEAN, _BEND, _MOST_BENT = 1.354530806481315, 0.2824454236228295, 0.7
"""Of sqrt(1 + t^2), t standard normal, the mean and the coefficient of t^2 - 1 among Hermite polynomials."""


class Draws(NamedTuple):
    """Borders in standardised units, (S, r), and their log-densities, (S,)."""

    borders: Array
    densities: Array


class Shared:
    """Draws of the border of a model at any points, made with the Cholesky factor at one."""

    def __init__(self, model: NormalModel, middle: Roots) -> None:
        from scipy import sparse

        self.model, self.middle = model, middle
        self.cross_transposed = model.cross.T.tocsr()
        self.places = model.places
        size, width = len(model.rest_sums), model.blocks.shape[1]
        starts = [start for start, _, _ in self.places if size - start <= _FEW]
        self.split = min([*starts, self.places[-1][0]])
        self.blocks = [_Blocks(model, *place) for place in self.places if place[0] < self.split]
        left = eliminate(model, middle).left[..., 0]
        pointers, places = np.arange(len(left) + 1), np.arange(len(left))
        spread = sparse.bsr_array((left, places, pointers), shape=(len(left) * width,) * 2)
        weight = float(middle.weight[0])
        dense = (weight * model.rest - weight**2 * (self.cross_transposed @ (spread @ model.cross))).toarray()
        dense = self.apply_roots(middle, self.apply_roots(middle, dense, True).T, True)
        dense[np.diag_indices(size)] += 1.0
        factor = linalg.cholesky(dense, lower=True, overwrite_a=True, check_finite=False)
        self.factor = np.asfortranarray(factor[: self.split, : self.split])
        self.beside, last = factor[self.split :, : self.split].copy(), factor[self.split :, self.split :]
        square = last @ last.T
        self.last = square + (_SMALLEST * (1.0 + 1e-6 * np.max(square, initial=0.0)) - 1.0) * np.eye(len(last))
        self.constant = float(np.sum(np.log(np.diagonal(self.factor)))) - 0.5 * size * np.log(2.0 * np.pi)
        self.roots_of_blocks = [small_cholesky(block) for block in self._diagonal(middle, left[..., None])]
        self.thirds: Array | None = None

    @np.errstate(all="ignore")
    def draw(self, roots: Roots, levels: Levels, noise: Array) -> Draws:
        """Return draws made from standard normal numbers (S, r); no numbers where roots are none, or overflow."""
        factor = self._factor(roots, levels)
        sums = np.broadcast_to(self.model.level_sums.reshape(-1, 1), (self.model.level_sums.size, len(noise)))
        right = roots.weight * self.model.rest_sums[:, None]
        right = right - roots.weight**2 * (self.cross_transposed @ apply_blocks(levels.left, sums))
        mean = self._solve(roots, levels, factor, self.apply_roots(roots, right, True) + self.model.means[:, None])
        away = self._backward(factor, noise.T.copy())
        densities = self.constant + factor.log_determinants - 0.5 * np.sum(noise**2, axis=1)
        if self.thirds is not None:
            densities -= self._bend(roots, factor, away)
        return Draws((mean + away).T, densities)

    def covariance(self) -> Array:
        """Return P0^-1."""
        size = self.split + len(self.last)
        factor = np.zeros((size, size))
        factor[: self.split, : self.split], factor[self.split :, : self.split] = self.factor, self.beside
        factor[self.split :, self.split :] = np.linalg.cholesky(self.last + np.eye(len(self.last)))
        inverse = linalg.lapack.dpotri(factor, lower=1)[0]
        return np.asarray(np.tril(inverse) + np.tril(inverse, -1).T)

    def correct(self, level_pulls: Array, pulls: Array, thirds: Array, covariance: Array) -> None:
        """Make draws right to the next order for rows whose log-likelihood has third derivatives.

        Parameters
        ----------
        level_pulls, pulls : (J, K), (r,) arrays
            What is added to the products with the response, to move modes to means.
        thirds : (r,) array
            Third derivatives of the log-likelihood in the effects of the border.
        covariance : (r, r) array
            P0^-1.
        """
        model = self.model
        self.model = replace(model, level_sums=model.level_sums + level_pulls, rest_sums=model.rest_sums + pulls)
        self.thirds, self.sds = thirds, np.sqrt(np.diagonal(covariance))

    def _bend(self, roots: Roots, factor: "_Factor", away: Array) -> Array:
        """Give deviations (r, S) the skewness of their effects, and return the logarithms of the derivatives of that.

        Those t of unit SD become t + e (sqrt(1 + t^2) - its mean), where a third derivative c, in SDs, makes the skewness c and
        asks for (c / 6) (t^2 - 1). Only of terms with one effect a level, and those that the factor serves as it is.
        """
        assert self.thirds is not None
        logs, start = np.zeros(away.shape[1]), 0
        for turn, root in zip(factor.turns[: len(self.blocks)], roots.terms, strict=False):
            part = slice(start, start + turn.shape[0] * turn.shape[1])
            start = part.stop
            if turn.shape[1] > 1:
                continue
            sds = turn[:, 0, 0] * self.sds[part, None]
            bent = self.thirds[part, None] * (sds * root[:, 0, 0]) ** 3 / (6.0 * _BEND)
            bent, t = np.clip(bent, -_MOST_BENT, _MOST_BENT), away[part] / sds
            long = np.sqrt(1.0 + t * t)
            away[part] = sds * (t + bent * (long - _MEAN))
            logs += np.log1p(bent * t / long).sum(axis=0)
        return logs

    def plain(self, roots: Roots, borders: Array) -> Array:
        """Return borders (S, r) in the units of the columns, (r, S)."""
        return self.apply_roots(roots, borders.T.copy(), False)

    def _solve(self, roots: Roots, levels: Levels, factor: "_Factor", right: Array) -> Array:
        """Return P^-1 times a right-hand side (r, S), by conjugate gradients with Q for a preconditioner."""
        found, residual = np.zeros(right.shape), right
        near = along = self._backward(factor, self._forward(factor, residual))
        squares = np.sum(residual * near, axis=0)
        for _ in range(_ROUNDS):
            product = self._multiply(roots, levels, along)
            step = _ratio(squares, np.sum(along * product, axis=0))
            found, residual = found + step * along, residual - step * product
            near = self._backward(factor, self._forward(factor, residual))
            before, squares = squares, np.sum(residual * near, axis=0)
            if not np.any(squares > _CLOSE):
                break
            along = near + _ratio(squares, before) * along
        return found

    def _multiply(self, roots: Roots, levels: Levels, vectors: Array) -> Array:
        """Return P times vectors (r, S)."""
        plain = self.apply_roots(roots, vectors.copy(), False)
        taken = self.cross_transposed @ apply_blocks(levels.left, self.model.cross @ plain)
        return vectors + self.apply_roots(
            roots, roots.weight * (self.model.rest @ plain) - roots.weight**2 * taken, True
        )

    def _factor(self, roots: Roots, levels: Levels) -> "_Factor":
        """Return the factors of Q."""
        turns, logs = [], np.zeros(len(roots.weight))
        for block, middle in zip(self._diagonal(roots, levels.left), self.roots_of_blocks, strict=True):
            own = small_cholesky(block)
            logs += log_diagonals(own).sum(axis=0) - log_diagonals(middle).sum()
            turns.append(np.moveaxis(divide(own.swapaxes(-1, -2), middle.swapaxes(-1, -2)), 1, -1))
        scale = np.sqrt(self.middle.weight / roots.weight)[:, None, None]
        added = np.zeros((len(logs), *self.last.shape))
        for (start, count, width), place in zip(self.places, range(len(self.places)), strict=True):
            if start < self.split or not count:
                continue
            turn = np.broadcast_to(scale, (len(logs), 1, 1))
            if place < len(roots.terms):
                middle = self.middle.terms[place][0]
                turn = divide(roots.terms[place] + _SMALLEST * middle, middle) * scale
            square = turn @ turn.swapaxes(-1, -2)
            logs -= count * log_diagonals(turn)
            turns.append(np.broadcast_to(np.moveaxis(turn, 0, -1), (count, width, width, len(logs))))
            for first in range(start - self.split, start - self.split + count * width, width):
                added[:, first : first + width, first : first + width] = square
        last = small_cholesky(self.last + added)
        return _Factor(turns, divide(last, np.eye(len(self.last))), logs + log_diagonals(last))

    def _forward(self, factor: "_Factor", vectors: Array) -> Array:
        """Return L^-1 times vectors (r, S), Q = L L'."""
        found = self._turn(factor, vectors, True)
        top = self._triangle(np.ascontiguousarray(found[: self.split]), False)
        rest = found[self.split :] - self.beside @ top
        return np.concatenate([top, np.einsum("sij,js->is", factor.last, rest)])

    def _backward(self, factor: "_Factor", vectors: Array) -> Array:
        """Return L'^-1 times vectors (r, S)."""
        rest = np.einsum("sji,js->is", factor.last, vectors[self.split :])
        top = self._triangle(vectors[: self.split] - self.beside.T @ rest, True)
        return self._turn(factor, np.concatenate([top, rest]), False)

    def _triangle(self, vectors: Array, transposed: bool) -> Array:
        """Replace vectors (., S) by the inverse of the first columns of the factor, or its transpose, times them."""
        if not vectors.size:
            return vectors
        solved = linalg.blas.dtrsm(1.0, self.factor, vectors.T, side=1, lower=1, trans_a=not transposed, overwrite_b=1)
        return np.asarray(solved.T)

    def _diagonal(self, roots: Roots, left: Array) -> list[Array]:
        """Return the diagonal blocks of P before the last columns, by term (levels, S, k, k)."""
        found = []
        for place, one in enumerate(self.blocks):
            block, root = np.moveaxis(one.read(roots.weight, left), -1, 1), roots.terms[place]
            found.append(root.swapaxes(1, 2) @ block @ root + np.eye(root.shape[-1]))
        return found

    def _turn(self, factor: "_Factor", vectors: Array, transposed: bool) -> Array:
        """Return U or U' times vectors (r, S)."""
        found, start = np.empty(vectors.shape), 0
        for turn in factor.turns:
            part = slice(start, start + turn.shape[0] * turn.shape[1])
            found[part] = apply_blocks(turn.swapaxes(1, 2) if transposed else turn, vectors[part])
            start = part.stop
        return found

    def apply_roots(self, roots: Roots, vectors: Array, transposed: bool) -> Array:
        """Replace vectors (r, .) by T or T' times them."""
        for (start, levels, width), root in zip(self.places, roots.terms, strict=False):
            part = vectors[start : start + levels * width].reshape(levels, width, -1)
            if width == 1:
                part *= root[:, 0, 0]
            else:
                part[:] = np.einsum("smk,lms->lks" if transposed else "skm,lms->lks", root, part)
        return vectors


class _Factor(NamedTuple):
    """Factors of Q at some points: U, by term (levels, k, k, S); the inverse of that of the last columns, (S, m, m);
    log-determinants but for a constant."""

    turns: list[Array]
    last: Array
    log_determinants: Array


class _Blocks:
    """The diagonal blocks of w R - w^2 E' D E of one term, as a linear function of D."""

    def __init__(self, model: NormalModel, start: int, levels: int, width: int) -> None:
        from scipy import sparse

        self.place, self.shape = slice(start, start + levels * width), (levels, width, width)
        rest = model.rest[self.place, self.place].tobsr(blocksize=(width, width)).tocsr()
        inner = model.blocks.shape[1]
        at = np.arange(levels) * width
        self.rest = np.stack(
            [np.stack([np.asarray(rest[at + i, at + k]).ravel() for k in range(width)], -1) for i in range(width)], 1
        )
        cross = model.cross[:, self.place].tocsc()
        columns = [[cross[a::inner, k::width].tocoo() for k in range(width)] for a in range(inner)]
        pieces: tuple[list[Array], list[Array], list[Array]] = ([], [], [])
        for a in range(inner):
            for b in range(inner):
                for k in range(width):
                    for m in range(width):
                        both = columns[a][k].multiply(columns[b][m]).tocoo()
                        pieces[0].append((both.col * width + k) * width + m)
                        pieces[1].append((both.row * inner + a) * inner + b)
                        pieces[2].append(both.data)
        rows, places, values = (np.concatenate(piece) for piece in pieces)
        shape = levels * width * width, model.blocks.size
        self.operator = sparse.coo_array((values, (rows, places)), shape=shape).tocsr()

    def read(self, weight: Array, left: Array) -> Array:
        """Return the blocks, (levels, k, k, S)."""
        taken = (self.operator @ left.reshape(self.operator.shape[1], left.shape[-1])).reshape(
            *self.shape, left.shape[-1]
        )
        return weight * self.rest[..., None] - weight**2 * taken


def _ratio(one: Array, other: Array) -> Array:
    """Return quotients, 0 where there is none."""
    return np.nan_to_num(one / other)
