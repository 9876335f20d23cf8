"""Moment matching: draws moved to where they would lie without an observation, so that weights can do the rest."""

import warnings
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.cross_validation.encoding import encode
from bayesmixed.cross_validation.left_out_rows import leave_rows_out
from bayesmixed.cross_validation.log_densities import label_draws
from bayesmixed.cross_validation.row_pieces import Asked
from bayesmixed.design.design import Design
from bayesmixed.design.independent_levels import independent_effects, related_effects, with_independent_levels
from bayesmixed.design.response_units import in_working_unit, own_factors
from bayesmixed.design.uncompiled import why_uncompiled
from bayesmixed.families.links import Array
from bayesmixed.kernels.joint.decoding import as_posterior
from bayesmixed.kernels.joint.layouts import lay_out_coordinates
from bayesmixed.kernels.joint.packed_designs import pack, unsupported
from bayesmixed.kernels.packing import Packed


def can_match(design: Design, posterior: xr.Dataset) -> bool:
    """Return whether the compiled density covers the model, and the draws hold all its variables."""
    names = [predictor.b(block) for predictor, block in design.normal_blocks()]
    return (
        not design.streamed
        and (why_uncompiled(design) or unsupported(design)) is None
        and all(name in posterior for name in names)
    )


def match_moments(design: Design, posterior: xr.Dataset, logs: xr.DataArray, found: Any) -> Any:
    """Return ArviZ's ELPD object with observations of large Pareto k computed again.

    Draws are shifted, scaled and rotated towards the posterior without the observation, and weighted by the compiled
    density (Paananen, Piironen, Bürkner & Vehtari 2021, Stat Comput 31:16). An observation whose k does not become
    smaller stays as it was.

    Parameters
    ----------
    posterior : xarray.Dataset
        The draws behind `logs`, with all effects.
    logs : xarray.DataArray
        Log-density of each observation when it is left out, (chain, draw, row).
    found : arviz_stats.utils.ELPDDataLOO
        From weights of these draws as they are.
    """
    import arviz_stats

    # In the unit, and with the effects, in which models are sampled.
    working, unit = in_working_unit(with_independent_levels(design))
    posterior = independent_effects(design, posterior)
    factors = own_factors(design, unit)
    layout = lay_out_coordinates(working, {})
    packed = pack(layout)
    encoded = encode(layout, posterior.assign({n: posterior[n] / f for n, f in factors.items() if n in posterior}))
    # Covariances of coordinates of all sizes are numerically singular.
    centre, spread = encoded.mean(axis=(0, 1)), encoded.std(axis=(0, 1))
    spread = np.where(spread > 0.0, spread, 1.0)
    points = label_draws(posterior, (encoded - centre) / spread, "coordinate")

    def log_row(points: xr.DataArray, row: int) -> xr.DataArray:
        wanted = np.arange(design.rows) == row
        drawn = related_effects(design, as_posterior(layout, centre + spread * points.values))
        drawn = drawn.assign({name: drawn[name] * factor for name, factor in factors.items() if name in drawn})
        parts = leave_rows_out(design, drawn, Asked(np.empty((0, design.rows))), wanted)
        log = next(part.log[:, part.rows == row] for part in parts if np.any(part.rows == row))
        return label_draws(posterior, log.reshape(len(logs), -1))

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return arviz_stats.loo_moment_match(
            xr.DataTree.from_dict({"log_likelihood": logs.to_dataset(name="units")}),
            found,
            log_prob_upars_fn=lambda points: label_draws(
                posterior, _log_density(packed, centre + spread * points.values)
            ),
            log_lik_i_upars_fn=log_row,
            upars=points,
            reff=1.0,
            k_threshold=found.good_k,
            pointwise=True,
        )


def _log_density(packed: Packed, points: Array) -> Array:
    """Return the log posterior density, up to a constant, at (chain, draw, dimension) points."""
    from bayesmixed.kernels.joint.compiled import evaluate

    rows = points.reshape(-1, points.shape[-1])
    return np.array([evaluate(packed, row)[0] for row in rows]).reshape(points.shape[:2])
