"""From draws back to the coordinates at which the compiled density is evaluated."""

import numpy as np
import xarray as xr

from bayesmixed.draws.kept import values_of
from bayesmixed.draws.linear_predictors import centred_thresholds, covariances_at_centre
from bayesmixed.families.links import Array
from bayesmixed.kernels.joint.layouts import Layout, TermLayout
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.scaled_matrices import scaled_inverse


def encode(layout: Layout, posterior: xr.Dataset) -> Array:
    """Return the (chain, draw, dimension) coordinates of posterior draws: what `decode` turns back into them.

    The layout is one of standardised effects, without whitening.
    """
    design = layout.design
    points = np.empty((posterior.sizes["chain"], posterior.sizes["draw"], layout.dimension))
    for one in layout.predictors.values():
        predictor = one.predictor
        if predictor.population.labels:
            one.beta.write(points, values_of(posterior, predictor.beta) @ predictor.inverse_transform.T)
        for term in one.terms:
            _encode_term(points, predictor, term, posterior)
    if design.family.cuts:
        layout.cuts.write(points, centred_thresholds(design, posterior))
    for name, scalar in layout.scalars.items():
        scalar.write(points, values_of(posterior, name)[..., None])
    return points


def _encode_term(points: Array, predictor: Predictor, term: TermLayout, posterior: xr.Dataset) -> None:
    """Write the coordinates of SDs, correlations and effects of a term."""
    group = term.placement.group
    covariance = covariances_at_centre(predictor, group, posterior)
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    term.sd.write(points, sd)
    factor = sd[..., None] * np.eye(sd.shape[-1])
    for part, place in zip([p for p in group.parts if p.correlated], term.partials, strict=True):
        columns = np.ix_(part.columns, part.columns)
        root = np.linalg.cholesky(covariance[..., *columns])
        factor[..., *columns] = root
        place.write(points, _partials(root / sd[..., part.columns, None]))
    effects = values_of(posterior, predictor.b(group)).reshape(*points.shape[:2], -1, sd.shape[-1])
    at_centre = effects @ scaled_inverse(group.transform).T
    unit = sd[..., None]
    standardised = np.linalg.solve(factor / unit, np.swapaxes(at_centre, -1, -2) / unit)
    points[..., term.effects] = np.swapaxes(standardised, -1, -2).reshape(*points.shape[:2], -1)


def _partials(root: Array) -> Array:
    """Return the partial correlations in (..., K, K) Cholesky factors of correlations."""
    found = []
    for i in range(1, root.shape[-1]):
        left = np.ones(root.shape[:-2])
        for j in range(i):
            found.append(root[..., i, j] / np.sqrt(left))
            left = left - root[..., i, j] ** 2
    return np.stack(found, axis=-1)
