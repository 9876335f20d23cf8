"""Quick approximations of a posterior, from which engines take parameterisations and starting points."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesmixed.design.default_priors import group_unit
from bayesmixed.design.design import Design
from bayesmixed.design.row_likelihoods import keep_inside, likelihood_of_rows
from bayesmixed.estimation.complete_pooling import REFRESHED, fit_pooled, further_modes, normal_priors, residual_scale
from bayesmixed.families.links import Array
from bayesmixed.terms.block_parts import ONE
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor

LARGEST = 4000
_WORK = 1e10
"""Multiplications that a round may take beyond the largest size: few where one factor has nearly all coefficients."""
_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class QuasiLikelihoodMode:
    """Mode of coefficients and effects of the first parameter at SDs that maximise an approximate marginal density.

    Attributes
    ----------
    beta : (p,) array
        Coefficients at the centre.
    covariance : (p, p) array
        Their approximate posterior covariance.
    effects : dict of (J, K) arrays
        Group effects at the centre, by factor.
    sds : dict of (K,) arrays
        SDs at the centre, by factor.
    precisions : dict of (J, K, K) arrays
        What the data say about a level: the precision of its effects given coefficients and the other factors, but with
        the effects nested in the level integrated out.
    effective : dict of (K,) arrays
        Effective number of effects, J - tr Var(b | y) / SD^2, everything integrated out.
    values : dict of arrays
        The further parameters of the family.
    information : (n,) array
        Expected information of each row about its linear predictor.
    """

    beta: Array
    covariance: Array
    effects: dict[str, Array]
    sds: dict[str, Array]
    precisions: dict[str, Array]
    effective: dict[str, Array]
    values: dict[str, Array]
    information: Array

    def factors(self, name: str) -> Array:
        """Return the expected shrinkage factors of a factor, (J, K): 1 - Var(b | y) / SD^2, all but the level known."""
        precision = self.precisions[name] + np.diag(1.0 / self.sds[name] ** 2)
        variance = np.diagonal(np.linalg.inv(precision), axis1=-2, axis2=-1)
        return np.clip(1.0 - variance / self.sds[name] ** 2, 0.0, 1.0)


def quasi_likelihood_mode(design: Design) -> QuasiLikelihoodMode | None:
    """Return the quick mode of a design, or None where it has more than 4,000 coefficients, many outside of one factor.

    Penalised quasi-likelihood with the variance updates of Schall (1991, Biometrika 78:719): Fisher scoring for all
    coefficients at given SDs, then SD^2 = b'b / (J - tr Var(b | y) / SD^2). Correlations are taken as zero. The SDs are
    those of a marginal density; the mode of the joint density would be at 0 or far too large.
    """
    from scipy import sparse

    predictor, family = design.mu, design.family
    groups = predictor.normal_blocks
    matrix = _joint_matrix(predictor)
    size = matrix.shape[1]
    width = len(predictor.keys)
    slots = _slots(predictor, width)
    largest = _largest_block(groups, slots)
    rest = size - (largest[0].stop - largest[0].start)
    if size > LARGEST and size * rest**2 > _WORK:
        return None
    start = fit_pooled(design)
    location, precision = normal_priors(design, predictor)
    coefficients = np.concatenate([predictor.inverse_transform @ start.beta, np.zeros(size - width)])
    unit = group_unit(design, predictor)
    sds = {g.name: 0.5 * unit / g.scales for g in groups}
    floor = {name: 1e-3 * sd for name, sd in sds.items()}
    y = np.asarray(design.response)
    values = dict(start.values)
    overdispersed = any(group.single for group in groups)
    for number in range(_ROUNDS):
        penalty = np.concatenate([precision, *(np.tile(1.0 / sds[g.name] ** 2, len(g.levels)) for g in groups)])
        target = np.concatenate([location, np.zeros(size - width)])
        eta = predictor.offset + matrix @ coefficients
        values[predictor.parameter] = predictor.link.inverse(keep_inside(predictor.link, eta))
        if number in REFRESHED and not overdispersed:
            values |= further_modes(design, values)
        rows = likelihood_of_rows(design, values, rough=True)
        weight, score = rows.expected_information(eta), rows.score(eta)
        hessian = (matrix.T @ matrix.multiply(weight[:, None]) + sparse.diags(penalty)).tocsr()
        inverse = _invert(hessian, largest)
        step = inverse.solve(matrix.T @ score - penalty * (coefficients - target))
        reach = float(np.max(np.abs(matrix @ step)))
        coefficients = coefficients + step * min(1.0, 3.0 * (predictor.link.unit or np.inf) / max(reach, 1e-300))
        variances = inverse.diagonal()
        change, free, used = 0.0, float(width), dict(sds)
        for group in groups:
            effects = coefficients[slots[group.name]].reshape(len(group.levels), -1)
            spread = variances[slots[group.name]].reshape(effects.shape)
            known = np.maximum(np.sum(1.0 - spread / sds[group.name] ** 2, axis=0), 1e-6)
            updated = np.maximum(np.sqrt(np.sum(effects**2, axis=0) / known), floor[group.name])
            change = max(change, float(np.max(np.abs(np.log(updated / sds[group.name])))))
            sds[group.name] = updated
            free += float(np.sum(known))
        if family.scale in design.scalars:
            residual = family.working(y) - predictor.link.inverse(predictor.offset + matrix @ coefficients)
            values[family.scale] = np.asarray(residual_scale(design, residual, free))
        if change < 1e-3 and reach < 1e-4 * (unit + np.ptp(eta)):
            break
    # The SDs of this Hessian: one that goes to zero may still be on its way.
    sds = used
    shapes = {g.name: (len(g.levels), g.width) for g in groups}
    effective = {n: np.sum(1.0 - variances[slots[n]].reshape(shapes[n]) / sds[n] ** 2, axis=0) for n in shapes}
    return QuasiLikelihoodMode(
        beta=coefficients[:width],
        covariance=inverse.rest[:width, :width],
        effects={n: coefficients[slots[n]].reshape(shapes[n]) for n in shapes},
        sds=sds,
        precisions={g.name: _data_precision(hessian, g, groups, slots, sds[g.name]) for g in groups},
        effective=effective,
        values={name: value for name, value in values.items() if name != predictor.parameter},
        information=weight,
    )


@dataclass(frozen=True, slots=True)
class _Inverse:
    """Inverse of a precision matrix `[[R, E'], [E, D]]` with block-diagonal D, the effects of the largest factor.

    Attributes
    ----------
    own, others : integer arrays
        Places of D and of R.
    blocks : (J, K, K) array
        Blocks of D^-1.
    spread : (J K, r) array
        D^-1 E.
    rest : (r, r) array
        Block of the inverse at R.
    """

    own: Array
    others: Array
    blocks: Array
    spread: Array
    rest: Array

    def solve(self, right: Array) -> Array:
        """Return the inverse times a vector."""
        solution, levels = np.empty(len(right)), right[self.own].reshape(*self.blocks.shape[:2], 1)
        solution[self.others] = self.rest @ (right[self.others] - right[self.own] @ self.spread)
        solution[self.own] = (self.blocks @ levels).ravel() - self.spread @ solution[self.others]
        return solution

    def diagonal(self) -> Array:
        """Return the diagonal of the inverse."""
        variances = np.empty(len(self.own) + len(self.others))
        variances[self.others] = np.diag(self.rest)
        inner = np.diagonal(self.blocks, axis1=1, axis2=2).ravel()
        variances[self.own] = inner + np.sum((self.spread @ self.rest) * self.spread, axis=1)
        return variances


def _invert(hessian: Any, largest: tuple[slice, int]) -> _Inverse:
    """Return the inverse of a sparse precision matrix, given where its largest factor stands and how wide a level is."""
    place, width = largest
    everything = np.arange(hessian.shape[0])
    own, others = everything[place], np.delete(everything, place)
    inner = hessian[own][:, own].tobsr((width, width))
    blocks = np.linalg.inv(inner.data)
    cross = hessian[own][:, others].toarray()
    spread = (blocks @ cross.reshape(len(blocks), width, len(others))).reshape(cross.shape)
    rest = np.linalg.inv(hessian[others][:, others].toarray() - cross.T @ spread)
    return _Inverse(own, others, blocks, spread, rest)


def _largest_block(groups: tuple[NormalBlock, ...], slots: dict[str, slice]) -> tuple[slice, int]:
    """Return where the factor with the most effects stands, and the number of effects of a level."""
    factors = [group for group in groups if group.takes == ONE]
    if not factors:
        return slice(0, 0), 1
    largest = max(factors, key=lambda group: int(np.prod(group.shape)))
    return slots[largest.name], largest.width


def _data_precision(
    hessian: Any, group: NormalBlock, groups: tuple[NormalBlock, ...], slots: dict[str, slice], sd: Array
) -> Array:
    """Return the precision of each level's effects without that of their prior, (J, K, K)."""
    from scipy.sparse import linalg

    own = np.arange(hessian.shape[0])[slots[group.name]]
    inner = [g for g in groups if len(g.levels) > len(group.levels) and g.parents(group) is not None]
    blocks = _diagonal_blocks(hessian[own][:, own], group)
    if inner:
        below = np.concatenate([np.arange(hessian.shape[0])[slots[g.name]] for g in inner])
        cross = hessian[below][:, own]
        # Each inner level lies in one level of the group: one right side for each column serves all levels.
        together = cross @ np.tile(np.eye(len(sd)), (len(group.levels), 1))
        blocks -= (cross.T @ linalg.splu(hessian[below][:, below].tocsc()).solve(together)).reshape(blocks.shape)
    return np.asarray(blocks - np.diag(1.0 / sd**2))


def _diagonal_blocks(matrix: Any, group: NormalBlock) -> Array:
    """Return the blocks of the levels from a sparse matrix between all effects of a factor, (J, K, K)."""
    from scipy import sparse

    width, entries = group.width, sparse.coo_array(matrix)
    same = entries.row // width == entries.col // width
    rows, columns = entries.row[same], entries.col[same]
    blocks = np.zeros((len(group.levels), width, width))
    blocks[rows // width, rows % width, columns % width] = entries.data[same]
    return blocks


def _joint_matrix(predictor: Predictor) -> Any:
    from scipy import sparse

    population = sparse.csr_matrix(predictor.centred_matrix)
    return sparse.hstack([population, *(block.sparse_columns() for block in predictor.normal_blocks)], format="csr")


def _slots(predictor: Predictor, width: int) -> dict[str, slice]:
    """Return where the effects of each term stand among the coefficients."""
    slots, at = {}, width
    for group in predictor.normal_blocks:
        length = int(np.prod(group.shape))
        slots[group.name] = slice(at, at + length)
        at += length
    return slots
