"""Fits whose posterior is given, not sampled: every draw has the parameters that a test chooses."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

import bayesmixed as bm
from bayesmixed.design.design import Design
from bayesmixed.draws.tree import as_draws, draw_names
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.terms.residual_blocks import CORRELATIONS, DIMS

CHAINS, DRAWS = 2, 50


def fit_at(design: Design, values: Mapping[str, Any], jitter: float = 0.0, draws: int | None = None) -> bm.Fit:
    """Return a fit all of whose draws hold `values` (by variable; effects default to 0), jittered if asked for."""
    generator, draws = np.random.default_rng(0), DRAWS if draws is None else draws
    shapes, dims, coords = {}, {}, {}
    for latent in design.latent:
        shapes[latent.imputed], dims[latent.imputed] = (len(latent.rows),), (latent.dim,)
        coords[latent.dim] = latent.rows
    columns = [predictor for latent in design.latent for predictor in latent.design.predictors.values()]
    for predictor in [*design.predictors.values(), *columns]:
        shapes[predictor.beta], dims[predictor.beta] = (
            (len(predictor.population.labels),),
            (f"{predictor.beta}_effect",),
        )
        coords |= predictor.coords()
        for group in predictor.normal_blocks:
            own = predictor.b_dims(group)
            shapes[predictor.sd(group)], dims[predictor.sd(group)] = group.shape[1:], own[1:]
            matrix = predictor.correlations(group)
            shapes[matrix.name], dims[matrix.name] = (matrix.width, matrix.width), matrix.dims
            shapes[predictor.b(group)], dims[predictor.b(group)] = group.shape, own
    if design.residual is not None and design.residual.dense:
        width = design.residual.structure.width
        shapes[CORRELATIONS], dims[CORRELATIONS] = (width, width), DIMS
        coords |= {key: list(design.residual.labels) for key in DIMS}
    if design.family.cuts:
        shapes["threshold"], dims["threshold"], coords["cut"] = (len(design.family.cuts),), ("cut",), design.cut_labels
    variables = {}
    for name in draw_names(design):
        shape = shapes.get(name, ())
        value = np.broadcast_to(np.asarray(values.get(name, 0.0), dtype=float), (CHAINS, draws, *shape)).copy()
        value += jitter * generator.standard_normal(value.shape) * (name != CORRELATIONS)
        variables[name] = (("chain", "draw", *dims.get(name, ())), value)
    used = {dim for _, (names, _) in enumerate(variables.values()) for dim in names}
    numbers = {"chain": np.arange(CHAINS), "draw": np.arange(draws)}
    posterior = xr.Dataset(variables, coords=numbers | {name: one for name, one in coords.items() if name in used})
    statistics = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros((CHAINS, draws), dtype=bool)),
            "energy": (("chain", "draw"), generator.standard_normal((CHAINS, draws))),
            "logp": (("chain", "draw"), generator.standard_normal((CHAINS, draws))),
        }
    )
    settings = Settings(chains=CHAINS, draws=draws, tune=50, cores=1, target_accept=0.9, seed=0)
    return bm.Fit(design, as_draws(design, posterior, statistics), EngineRecord("given", "test"), settings, {}, {})


def changed(fit: bm.Fit, **functions: Callable[[xr.DataArray], xr.DataArray]) -> bm.Fit:
    """Return a fit some of whose variables are changed."""
    posterior = fit.posterior
    for name, change in functions.items():
        posterior[name] = change(posterior[name])
    groups = {name: child.to_dataset() for name, child in fit.draws.children.items()} | {"posterior": posterior}
    return replace(fit, draws=xr.DataTree.from_dict(groups))
