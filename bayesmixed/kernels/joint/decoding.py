"""From coordinates to draws: the variables of a model, with their names, dims and coords."""

import numpy as np
import xarray as xr

from bayesmixed.design.design import CUTS
from bayesmixed.design.thresholds import threshold_shift
from bayesmixed.families.links import Array
from bayesmixed.kernels.joint.layouts import Layout, PredictorLayout, TermLayout
from bayesmixed.kernels.packing import JointGuide
from bayesmixed.kernels.slots import Slots
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor

_DECODED_AT_ONCE = 4e6


def as_posterior(layout: Layout, points: Array) -> xr.Dataset:
    """Return (chain, draw, dimension) points as a Dataset with the names, dims and coords of the posterior.

    Some draws at a time are decoded. Effects are written over their coordinates, of which there are as many, so that
    memory is hardly more than that of the points, which are lost.
    """
    chains, draws = points.shape[:2]
    coords: dict[str, list[str]] = {"cut": layout.design.cut_labels}
    for predictor in layout.design.predictors.values():
        coords |= predictor.coords()
    rows = np.require(points.reshape(chains * draws, -1), requirements="W")
    places = {one.predictor.b(t.placement.group): t.effects for one in layout.predictors.values() for t in one.terms}
    arrays: dict[str, tuple[tuple[str, ...], Array]] = {}
    step = max(1, int(_DECODED_AT_ONCE / max(1, rows.shape[1], layout.design.rows)))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        for name, (dims, values) in decode(layout, rows[part]).items():
            if name not in arrays:
                place = rows[:, places[name]] if name in places else np.empty((len(rows), *values.shape[1:]))
                arrays[name] = dims, place.reshape(len(rows), *values.shape[1:])
            arrays[name][1][part] = values
    variables = {
        name: (("chain", "draw", *dims), values.reshape(chains, draws, *values.shape[1:]))
        for name, (dims, values) in arrays.items()
    }
    used = {dim for dims, _ in variables.values() for dim in dims}
    labels: dict[str, object] = {name: values for name, values in coords.items() if name in used}
    return xr.Dataset(variables, coords=labels | {"chain": np.arange(chains), "draw": np.arange(draws)})


def decode(layout: Layout, points: Array) -> dict[str, tuple[tuple[str, ...], Array]]:
    """Return the variables of the contract at (S, dimension) unconstrained points: name -> dims, (S, ...) values."""
    found: dict[str, tuple[tuple[str, ...], Array]] = {}
    design = layout.design
    if layout.whitening is not None:
        points = layout.whitening.restore(points)
    if layout.joint is not None:
        points = _restore(layout, layout.joint, points)
    for predictor_layout in layout.predictors.values():
        predictor = predictor_layout.predictor
        beta = predictor_layout.beta.read(points)
        if len(predictor.population.labels):
            found[predictor.beta] = ((f"{predictor.beta}_effect",), beta @ predictor.transform.T)
        totals: dict[str, Array] = {}
        rest = predictor.offset + beta @ predictor.centred_matrix.T if _has_single(predictor_layout) else None
        for term in predictor_layout.terms:
            effects = _decode_term(points, predictor, term, beta, totals, rest, found)
            if rest is not None and not term.placement.group.single:
                rest = rest + term.placement.group.contribution(effects)
    if design.family.cuts:
        shift = threshold_shift(design, found[design.mu.beta][1] if design.mu.beta in found else None)
        found[CUTS] = (("cut",), layout.cuts.read(points) + np.reshape(shift, (-1, 1)))
    for name, scalar in layout.scalars.items():
        found[name] = ((), scalar.read(points)[:, 0])
    return found


def correlation_factor(points: Array, group: NormalBlock, partials: tuple[Slots, ...]) -> Array:
    """Return the (S, K, K) Cholesky factors of the correlations of a group's columns."""
    width = group.width
    factor = np.broadcast_to(np.eye(width), (len(points), width, width)).copy()
    for part, place in zip([p for p in group.parts if p.correlated], partials, strict=True):
        partial = place.read(points)
        number = 0
        for i in range(1, len(part.columns)):
            left = np.ones(len(points))
            for j in range(i):
                factor[:, part.columns[i], part.columns[j]] = partial[:, number] * np.sqrt(left)
                left = left * (1.0 - partial[:, number] ** 2)
                number += 1
            factor[:, part.columns[i], part.columns[i]] = np.sqrt(left)
    return factor


def _decode_term(
    points: Array,
    predictor: Predictor,
    term: TermLayout,
    beta: Array,
    totals: dict[str, Array],
    rest: Array | None,
    found: dict[str, tuple[tuple[str, ...], Array]],
) -> Array:
    """Return the (S, J, K) effects at the centre, and add SDs, correlations and effects as written."""
    placement, group = term.placement, term.placement.group
    width, dims = len(term.sd), predictor.b_dims(group)
    factor = term_root(points, term)
    coordinates = points[:, term.effects].reshape(len(points), -1, width)
    mean: Array | float = 0.0
    if placement.parent:
        outer = next(g for g in predictor.groups if g.name == placement.parent)
        mean = totals[placement.parent][:, group.parents(outer)]
    if placement.columns:
        mean = mean + placement.population_mean(beta)
    if group.single and rest is not None:
        mean = rest[:, :, None]
    standardised = _standardise(term.guide, coordinates, factor, mean) if np.any(term.guide) else coordinates
    effects = np.einsum("skm,sjm->sjk", factor, standardised)
    effects = np.where(term.centred[:, None], coordinates - mean, effects)
    totals[group.name] = effects + mean
    scaled = group.transform @ factor
    covariance = scaled @ scaled.swapaxes(-1, -2)
    written = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    found[predictor.sd(group)] = (dims[1:], written.reshape(len(points), *group.shape[1:]))
    if group.correlated:
        corr = covariance / written[:, :, None] / written[:, None, :]
        found[predictor.corr(group)] = ((dims[1], f"{dims[1]}_2"), corr)
    found[predictor.b(group)] = (dims, (effects @ group.transform.T).reshape(len(points), *group.shape))
    return effects


def term_root(points: Array, term: TermLayout) -> Array:
    """Return the roots (S, K, K) of the covariance of a level's effects."""
    return term.sd.read(points)[:, :, None] * correlation_factor(points, term.placement.group, term.partials)


def _restore(layout: Layout, guide: JointGuide, points: Array) -> Array:
    """Return points with coefficients and standardised effects in the place of their joint coordinates."""
    from bayesmixed.kernels.joint.compiled import restore_draws_compiled

    terms = layout.predictors[layout.design.mu.parameter].terms
    own = [terms[place] for place, _, _ in guide.terms]
    inner = [terms[guide.eliminated]] if guide.eliminated >= 0 else []
    widest = max((len(term.sd) for term in (*own, *inner)), default=1)
    roots = np.zeros((len(points), len(own) + 1, widest, widest))
    for root, term in zip(roots.swapaxes(0, 1), (*own, *inner), strict=False):
        root[:, : len(term.sd), : len(term.sd)] = term_root(points, term)
    points = np.array(points, order="C")
    first = inner[0].effects.start if inner else 0
    restore_draws_compiled(points, guide.slots, first, roots, guide.arrays([len(term.sd) for term in own]))
    return points


def _standardise(guide: Array, coordinates: Array, roots: Array, mean: Array | float) -> Array:
    """Return the standardised effects (S, J, K) of guided coordinates."""
    from bayesmixed.kernels.joint.compiled import standardise_draws_compiled

    standardised = np.empty(coordinates.shape)
    means = np.ascontiguousarray(np.broadcast_to(mean, coordinates.shape))
    standardise_draws_compiled(np.ascontiguousarray(coordinates), guide, roots, means, standardised)
    return standardised


def _has_single(layout: PredictorLayout) -> bool:
    return any(t.placement.group.single and (np.any(t.centred) or np.any(t.guide)) for t in layout.terms)
