"""What correlated rows of a group say about each other: each given those before, or given all others; and joint draws.

Residuals and parameters are NumPy arrays, rows the last axis, or PyTensor variables. A row given others has a distribution of
the same family: the density of a group is the product of those of its rows, each given the ones before. Given others a
multivariate t is a t with more degrees of freedom and another scale (Ding 2016, Am Stat 70:293). The rows of groups that have
the same visits share one Cholesky factor; ar1 and ou look at the row before alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families import Family
from bayesmixed.families.links import Array
from bayesmixed.terms.residual_blocks import CORRELATIONS, ResidualBlock

TAILS = "nu"
"""Degrees of freedom of a t distribution among the parameters of a family."""
Own = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KnownRows:
    """A group of which some residuals are known.

    Attributes
    ----------
    block : ResidualBlock
        The places of its rows, those that are known first.
    residual : (..., m) array
        The known residuals in units of their SDs.
    new : integer array
        Which of the rows to draw are its others.
    """

    block: ResidualBlock
    residual: Array
    new: NDArray[np.intp]


def given_earlier(
    block: ResidualBlock, own: Own, family: Family, values: Own, response: Any, module: Any = np
) -> dict[str, Any]:
    """Return the parameters of each row given the rows of its group before it.

    Parameters
    ----------
    own : mapping
        Parameters of the correlation by name in the draws: (..., 1) arrays, correlations (..., K, K).
    values : mapping
        Parameters of the family, (..., n).
    response : (n,) array
    module : module
        numpy or pytensor.tensor.
    """
    residual = standardise(family, values, response, module)
    mean, spread = _earlier(block, own, residual, module)
    if TAILS not in values:
        return _moved(family, values, mean, spread)
    squares = ((residual - mean) / spread) ** 2
    count = block.ranks.astype(float)
    return _moved(family, values, mean, spread, count, _sum_before(block, squares, module))


def given_others(block: ResidualBlock, own: Own, family: Family, values: Own, response: Any) -> dict[str, Any]:
    """Return the parameters of each row given all other rows of its group, as `given_earlier` does."""
    residual = standardise(family, values, response)
    pull, precision = _precisions(block, own, residual)
    mean, spread = residual - pull / precision, precision**-0.5
    if TAILS not in values:
        return _moved(family, values, mean, spread)
    squares = _totals(block, residual * pull) - pull**2 / precision
    return _moved(family, values, mean, spread, block.sizes - 1.0, squares)


def inverse_root(block: ResidualBlock, own: Own) -> Array:
    """Return what makes correlated residuals of SD 1 independent, in the order of the rows, (..., n, n)."""
    count = len(block.units)
    each = np.eye(count).reshape(count, *(1 for _ in _leading(own)), count)
    mean, spread = _earlier(block, own, each, np)
    return np.moveaxis(np.broadcast_to((each - mean) / spread, (count, *_leading(own), count)), 0, -1)


def _leading(own: Own) -> tuple[int, ...]:
    """Return the shape of the draws of parameters, (...)."""
    return next((np.shape(value)[: -2 if name == CORRELATIONS else -1] for name, value in own.items()), ())


def draw_residuals(block: ResidualBlock, own: Own, noise: Array) -> Array:
    """Return residuals of SD 1, (..., n), that are correlated, from independent standard normal numbers."""
    found = np.empty_like(noise)
    if block.dense:
        root = np.linalg.cholesky(_matrix(block, own, np))
        for places, rows in block.patterns:
            part = root if len(places) == root.shape[-1] else np.linalg.cholesky(_part(_matrix(block, own, np), places))
            found[..., rows] = np.einsum("...ij,...sj->...si", part, noise[..., rows])
        return found
    ranks, weights, spread = block.ranks, *_recursion(block, own, np)
    if block.chained:
        earlier, _ = block.before
        for rank in range(ranks.max(initial=-1) + 1):
            rows = np.flatnonzero(ranks == rank)
            found[..., rows] = weights[..., rows] * found[..., earlier[rows]] if rank else 0.0
            found[..., rows] += spread[..., rows] * noise[..., rows]
        return found
    sums = np.zeros((*noise.shape[:-1], len(block.levels)))
    for rank in range(ranks.max(initial=-1) + 1):
        rows = np.flatnonzero(ranks == rank)
        units = block.units[rows]
        found[..., rows] = weights[..., rows] * sums[..., units] + spread[..., rows] * noise[..., rows]
        sums[..., units] += found[..., rows]
    return found


def draw_rows(
    block: ResidualBlock,
    own: Own,
    family: Family,
    values: Own,
    shape: tuple[int, ...],
    generator: np.random.Generator,
    known: Iterable[KnownRows] = (),
) -> Array:
    """Return responses of all rows, correlated as the groups say, of that shape, (..., n); some given known residuals."""
    assert family.from_working is not None
    noise = generator.standard_normal(shape)
    residual = draw_residuals(block, own, noise)
    if TAILS in values:
        nu = np.broadcast_to(values[TAILS], shape)
        first = np.zeros(len(block.levels), dtype=np.intp)
        first[block.units] = np.arange(shape[-1])
        own_nu = nu[..., first]
        residual = residual * ((own_nu / generator.chisquare(own_nu)) ** 0.5)[..., block.units]
    for group in known:
        tails = np.broadcast_to(values[TAILS], shape)[..., group.new[0]] if TAILS in values else None
        residual[..., group.new] = _draw_known(group, own, noise[..., group.new], tails, generator)
    mu, scale = values[family.first], values[family.scale]
    return np.asarray(family.from_working(mu + scale * residual))


def _draw_known(group: KnownRows, own: Own, noise: Array, nu: Array | None, generator: np.random.Generator) -> Array:
    """Return residuals of the other rows of a group given the known ones, from independent standard normal numbers."""
    root, known = inverse_root(group.block, own), group.residual[..., None]
    precision, count = np.swapaxes(root, -1, -2) @ root, group.residual.shape[-1]
    inner, cross = precision[..., count:, count:], precision[..., count:, :count] @ known
    mean = -np.linalg.solve(inner, cross)
    spread = np.linalg.solve(np.swapaxes(np.linalg.cholesky(inner), -1, -2), noise[..., None])
    if nu is not None:
        squares = np.sum(known * (precision[..., :count, :count] @ known), axis=(-2, -1)) + np.sum(
            cross * mean, axis=(-2, -1)
        )
        spread *= (((nu + squares) / generator.chisquare(nu + count)) ** 0.5)[..., None, None]
    return np.asarray((mean + spread)[..., 0])


def standardise(family: Family, values: Own, response: Any, module: Any = np) -> Any:
    """Return residuals in units of their SDs, (..., n)."""
    working = module.log(response) if family.working is np.log else response
    return (working - values[family.first]) / values[family.scale]


def _moved(
    family: Family, values: Own, mean: Any, spread: Any, count: Any = None, squares: Any = None
) -> dict[str, Any]:
    """Return the parameters of rows whose standardised residual is known to lie around a mean with a spread, given `count` other
    rows with a sum of squares."""
    mu, scale = values[family.first], values[family.scale]
    if count is None:
        return {**values, family.first: mu + scale * mean, family.scale: scale * spread}
    nu = values[TAILS]
    wider = ((nu + squares) / (nu + count)) ** 0.5
    return {**values, family.first: mu + scale * mean, family.scale: scale * spread * wider, TAILS: nu + count}


def _earlier(block: ResidualBlock, own: Own, residual: Any, module: Any) -> tuple[Any, Any]:
    """Return mean and SD of each standardised residual given those before it."""
    if block.dense:
        return _earlier_dense(block, own, residual, module)
    weights, spread = _recursion(block, own, module)
    if block.chained:
        return weights * residual[..., block.before[0]], spread
    return weights * _sum_before(block, residual, module), spread


def _recursion(block: ResidualBlock, own: Own, module: Any) -> tuple[Any, Any]:
    """Return what a row takes from the row before (from the sum of those before, where all are equal), and its SD."""
    ranks = block.ranks.astype(float)
    values = {one.name: own[key] for key, one in block.parameters.items()}
    if not values:
        return np.zeros(len(ranks)), np.ones(len(ranks))
    if block.equal:
        rho = values["rho"]
        inside = 1.0 + (ranks - 1.0) * rho
        return (ranks > 0) * rho / inside, module.sqrt((1.0 - rho) * (1.0 + ranks * rho) / inside)
    neighbour = block.structure.covariance.neighbour
    assert neighbour is not None
    correlation = (ranks > 0) * neighbour(values, block.before[1], module)
    return correlation, module.sqrt(1.0 - correlation**2)


def _sum_before(block: ResidualBlock, values: Any, module: Any) -> Any:
    """Return the sum over the rows of the group before each row."""
    order, ranks = block.order, block.ranks
    back = np.argsort(order)
    sums = module.cumsum(values[..., order], axis=-1) - values[..., order]
    # Position of the first row of the group of each row.
    first = back - ranks
    return sums[..., back] - sums[..., first]


def _totals(block: ResidualBlock, values: Array) -> Array:
    """Return the sum over all rows of the group of each row."""
    order = block.order
    starts = np.flatnonzero(block.ranks[order] == 0)
    sums = np.add.reduceat(values[..., order], starts, axis=-1)
    place = np.cumsum(block.ranks[order] == 0) - 1
    return np.asarray(sums[..., place[np.argsort(order)]])


def sums_from(block: ResidualBlock, values: Array) -> Array:
    """Return the sum over each row and those of its group behind it."""
    return np.asarray(_totals(block, values) - _sum_before(block, values, np))


def _matrix(block: ResidualBlock, own: Own, module: Any) -> Any:
    """Return the correlations of all places, (..., K, K)."""
    if block.free or module is not np:
        return own[CORRELATIONS]
    return block.correlations({key: np.asarray(own[key])[..., 0] for key in block.parameters})


def _part(matrix: Array, places: Any) -> Array:
    return np.asarray(matrix[..., places[:, None], places])


def _earlier_dense(block: ResidualBlock, own: Own, residual: Any, module: Any) -> tuple[Any, Any]:
    matrix = _matrix(block, own, module)
    if module is not np:
        return _earlier_symbolic(block, matrix, residual, module)
    residual = np.asarray(residual)
    shape = np.broadcast_shapes(residual.shape, (*matrix.shape[:-2], residual.shape[-1]))
    mean, spread = np.empty(shape), np.empty(shape)
    for places, rows in block.patterns:
        root = np.linalg.cholesky(_part(matrix, places))
        sd = np.diagonal(root, axis1=-2, axis2=-1)[..., None, :]
        own_rows = residual[..., rows]
        z = np.einsum("...ij,...sj->...si", np.linalg.inv(root), own_rows)
        mean[..., rows], spread[..., rows] = own_rows - sd * z, np.broadcast_to(sd, z.shape)
    return mean, spread


def _earlier_symbolic(block: ResidualBlock, matrix: Any, residual: Any, module: Any) -> tuple[Any, Any]:
    """Return mean and SD by one Cholesky factor for each set of places; a missing place counts as independent."""
    width, count = block.structure.width, len(block.units)
    patterns = block.patterns
    seen = np.zeros((len(patterns), width))
    rows = np.full((len(block.levels), width), count)
    kind = np.zeros(len(block.levels), dtype=np.intp)
    column = np.zeros(count, dtype=np.intp)
    for number, (places, own_rows) in enumerate(patterns):
        seen[number, places] = 1.0
        units = block.units[own_rows[:, 0]]
        rows[units[:, None], places] = own_rows
        kind[units] = number
        column[own_rows] = places
    wide = module.concatenate([residual + np.zeros(count), np.zeros(1)])[rows]
    both = seen[:, :, None] * seen[:, None, :]
    if len(patterns) == 1:
        root = module.linalg.cholesky(matrix * both[0] + np.diag(1.0 - seen[0]))
        z = (module.linalg.solve_triangular(root, np.eye(width), lower=True) @ wide.T).T
        sd = module.diag(root) + np.zeros((len(block.levels), width))
    else:
        root = module.linalg.cholesky(matrix * both + np.eye(width) * (1.0 - seen)[:, None, :])
        inverse = module.linalg.solve_triangular(root, np.broadcast_to(np.eye(width), both.shape), lower=True)
        z = module.sum(inverse[kind] * wide[:, None, :], axis=-1)
        sd = module.diagonal(root, axis1=-2, axis2=-1)[kind]
    mean, spread = wide - sd * z, sd
    return mean[block.units, column], spread[block.units, column]


def _precisions(block: ResidualBlock, own: Own, residual: Array) -> tuple[Array, Array]:
    """Return the inverse correlations times the residuals, and their diagonal, (..., n) each."""
    if block.dense:
        matrix = _matrix(block, own, np)
        shape = np.broadcast_shapes(residual.shape, (*matrix.shape[:-2], residual.shape[-1]))
        pull, precision = np.empty(shape), np.empty(shape)
        for places, rows in block.patterns:
            inverse = np.linalg.inv(_part(matrix, places))
            pull[..., rows] = np.einsum("...ij,...sj->...si", inverse, residual[..., rows])
            diagonal = np.diagonal(inverse, axis1=-2, axis2=-1)[..., None, :]
            precision[..., rows] = np.broadcast_to(diagonal, pull[..., rows].shape)
        return pull, precision
    weights, spread = _recursion(block, own, np)
    if block.equal:
        rho = next((own[key] for key in block.parameters), np.zeros(1))
        shared = rho / (1.0 + (block.sizes - 1.0) * rho)
        pull = (residual - shared * _totals(block, residual)) / (1.0 - rho)
        return pull, np.broadcast_to((1.0 - shared) / (1.0 - rho), pull.shape)
    earlier, _ = block.before
    ahead = np.flatnonzero(block.ranks > 0)
    off = (residual - weights * residual[..., earlier]) / spread**2
    pull = np.array(np.broadcast_to(off, np.broadcast_shapes(off.shape, residual.shape)))
    precision = np.array(np.broadcast_to(spread**-2.0, pull.shape))
    weights, spread = np.broadcast_to(weights, pull.shape), np.broadcast_to(spread, pull.shape)
    off = np.broadcast_to(off, pull.shape)
    # A row is the one before for one row at most.
    pull[..., earlier[ahead]] -= weights[..., ahead] * off[..., ahead]
    precision[..., earlier[ahead]] += (weights[..., ahead] / spread[..., ahead]) ** 2
    return pull, precision
