"""The border of rows that are not normal, drawn from the normal model that they are replaced by, skew as its effects are."""

import numpy as np

from bayesmixed.design.row_likelihoods import RowLikelihood
from bayesmixed.engines.marginal_layout import MarginalLayout
from bayesmixed.engines.normal_models import NormalModel, Roots, eliminate, read_roots, solve_levels
from bayesmixed.engines.shared_factors import Shared
from bayesmixed.families.links import Array
from bayesmixed.kernels.marginal.rows import Rows

_STEP = 0.05
"""Of differences of scores."""


def share_factor(layout: MarginalLayout, model: Array, point: Array, centre: Array) -> Shared:
    """Return draws of the border from a working model, with about the mean and the skewness that the border has.

    A row with the third derivative t and the variance s of its predictor moves the mean of all from the mode as far as t s / 2
    in its score does. The model has that part of s already that is left given the border.

    Parameters
    ----------
    model : array
        The working model, as `freeze` has it.
    point, centre : (dimension,), (n,) arrays
        A point, and the predictors at the mode there.
    """
    shared = Shared(_read_model(layout, model), roots_at(layout, point[None]))
    covariance = shared.covariance()
    plain = shared.apply_roots(shared.middle, covariance.copy(), False)
    plain = shared.apply_roots(shared.middle, plain.T.copy(), False)
    rows, thirds = layout.rows, _third_derivatives(layout, centre)
    pulls = 0.5 * thirds * border_variances(rows, plain)
    levels = np.repeat(np.arange(len(rows.pointers) - 1), np.diff(rows.pointers))
    of_levels = [np.bincount(levels, own * pulls, len(rows.pointers) - 1) for own in rows.own.T]
    of_rows = np.repeat(np.arange(len(rows.offset)), np.diff(rows.starts))
    border = np.bincount(rows.places, rows.loadings * pulls[of_rows], layout.border)
    border[layout.border - rows.columns.shape[1] :] += pulls @ rows.columns
    cubes = np.bincount(rows.places, rows.loadings**3 * thirds[of_rows], layout.border)
    shared.correct(np.stack(of_levels, axis=1), border, cubes, covariance)
    return shared


def draw_borders(shared: Shared, roots: Roots, noise: Array) -> tuple[Array, Array, Array]:
    """Return borders made from standard normal numbers (S, r), their log-densities, and the means of the levels of the working
    model given them, (S, J, K)."""
    model = shared.model
    borders, densities = np.empty(noise.shape), np.empty(len(noise))
    starts = np.empty((len(noise), *model.level_sums.shape))
    for start in range(0, len(noise), model.step):
        part = slice(start, start + model.step)
        own = roots.part(part)
        levels = eliminate(model, own)
        borders[part], densities[part] = shared.draw(own, levels, noise[part])
        starts[part] = solve_levels(model, own, levels, shared.plain(own, borders[part]))
    return borders, densities, starts


def roots_at(layout: MarginalLayout, points: Array) -> Roots:
    """Return what a working model reads of points (S, dimension)."""
    reduced = layout.full.among(layout.kept)
    return read_roots(reduced, layout.groups[:1], layout.groups[1:], points, np.ones(len(points)))


def border_variances(rows: Rows, covariance: Array) -> Array:
    """Return the variance of the part of each row's predictor that the border has, (n,), given its covariance (r, r)."""
    first, counts = len(covariance) - rows.columns.shape[1], np.diff(rows.starts)
    of_rows, at = (
        np.repeat(np.arange(len(counts)), counts),
        np.arange(len(rows.places)) - np.repeat(rows.starts[:-1], counts),
    )
    most = int(np.max(counts, initial=0))
    places, loadings = np.zeros((len(counts), most), dtype=np.int64), np.zeros((len(counts), most))
    places[of_rows, at], loadings[of_rows, at] = rows.places, rows.loadings
    found = np.einsum("ip,pq,iq->i", rows.columns, covariance[first:, first:], rows.columns, optimize=True)
    for a in range(most):
        found += 2.0 * loadings[:, a] * np.sum(covariance[places[:, a], first:] * rows.columns, axis=1)
        for b in range(a + 1):
            both = loadings[:, a] * loadings[:, b] * covariance[places[:, a], places[:, b]]
            found += both if a == b else 2.0 * both
    return np.asarray(found)


def _third_derivatives(layout: MarginalLayout, centre: Array) -> Array:
    """Return those of the log-likelihood of each row in its predictor, (n,)."""
    rows, design = layout.rows, layout.full.design
    links = {design.mu.parameter: design.mu.link}
    own = RowLikelihood(design.family, links, rows.response, rows.trials, {}, counts=rows.weights)
    up, here, down = (own.score(centre + step) for step in (_STEP, 0.0, -_STEP))
    return np.asarray(np.nan_to_num((up - 2.0 * here + down) / _STEP**2))


def _read_model(layout: MarginalLayout, model: Array) -> NormalModel:
    """Return a working model that is one array, as `open_model` reads it."""
    from scipy import sparse

    rows, size = layout.rows, layout.border
    levels, width, entries = len(rows.pointers) - 1, rows.own.shape[1], len(rows.level_columns)
    shapes = (levels, width, width), (entries, width, 1), (size, size), (levels, width), (size,)
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    blocks, cross, rest, level_sums, rest_sums = (
        part.reshape(shape) for part, shape in zip(np.split(model, ends[:-1]), shapes, strict=True)
    )
    lower = sparse.csr_array(np.tril(rest))
    spread = sparse.bsr_array((cross, rows.level_columns, rows.level_pointers), shape=(levels * width, size))
    widths = tuple((len(group.levels), group.width) for group in layout.groups[1:])
    whole = (lower + lower.T - sparse.diags_array(rest.diagonal())).tocsr()
    return NormalModel(blocks, level_sums, spread.tocsr(), whole, rest_sums, np.zeros(size), widths)
