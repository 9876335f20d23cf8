"""The prior as if it were a posterior: a fit without data, for everything that reads draws."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
import xarray as xr

from bayesmixed.design.design import CUTS, Design, group_covariance
from bayesmixed.design.prior_draws import PriorDraws, draw_priors
from bayesmixed.design.thresholds import threshold_shifts
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit, installed_versions
from bayesmixed.terms.block_parts import block_diagonal
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.curve_block import CurveBlock
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.residual_blocks import CORRELATIONS, DIMS, ResidualBlock

Variable = tuple[tuple[str, ...], Array]


def sample_prior(design: Design, *, draws: int = 1000, seed: int = 0) -> Fit:
    """Return a fit of one chain whose draws come from the priors of a design.

    They have the names, dims and coordinates of posterior draws, as written, and hold curves of smooths. The effects
    of groups are not among them: under the prior every group is a new one, so ask for `groups="new"`.
    """
    return prior_fit(draw_priors(design, draws, seed), seed)


def prior_fit(prior: PriorDraws, seed: int) -> Fit:
    """Return the fit of one chain whose draws are those of the priors; curves are drawn."""
    design, posterior = prior.design, as_posterior(prior, np.random.default_rng([seed, 1]))
    record = EngineRecord("prior", "independent draws from the priors")
    settings = Settings(chains=1, draws=prior.count, tune=0, cores=1, target_accept=0.0, seed=seed)
    return Fit(design, xr.DataTree.from_dict({"posterior": posterior}), record, settings, {}, installed_versions())


def as_posterior(prior: PriorDraws, generator: np.random.Generator) -> xr.Dataset:
    """Return prior draws in the layout of posterior draws, coefficients and SDs as written; curves are drawn."""
    design = prior.design
    variables: dict[str, Variable] = {}
    coords: dict[str, list[str]] = {}
    for predictor in design.predictors.values():
        if predictor.population.labels:
            dim = f"{predictor.beta}_effect"
            coords[dim] = list(predictor.population.labels)
            variables[predictor.beta] = ((dim,), prior.coefficients(predictor) @ predictor.transform.T)
        for curve in predictor.curves:
            coords |= {dim: labels for dim, labels in predictor.coords().items() if dim in predictor.b_dims(curve)}
            variables |= _draw_curve(prior, predictor, curve, generator)
        for group in predictor.groups:
            coords[predictor.effect_dim(group)] = list(group.labels)
            if group.correlated and not group.tied:
                coords[f"{predictor.effect_dim(group)}_2"] = list(group.labels)
            variables |= _covariances(prior, predictor, group)
    for matrix, members in design.correlations():
        if matrix.tied:
            corr = as_written([group.transform for _, group in members], prior.joint_covariance(members))
            variables[matrix.name] = (matrix.dims, corr)
            coords |= {dim: list(matrix.labels) for dim in matrix.dims}
    if design.family.cuts:
        cuts = np.stack([prior.values[name] for name in design.family.cuts], axis=-1)
        shifts = threshold_shifts(design, lambda own: prior.coefficients(own) @ own.transform.T)
        moved = cuts + np.stack(np.broadcast_arrays(*shifts), axis=-1)
        variables[CUTS], coords["cut"] = (("cut",), moved), design.cut_labels
    variables |= {name: ((), prior.values[name]) for name in design.numbers}
    if design.residual is not None:
        variables |= _residual(prior, design.residual)
        coords |= {key: list(design.residual.labels) for key in DIMS} if design.residual.dense else {}
    arrays = {name: (("chain", "draw", *dims), value[None]) for name, (dims, value) in variables.items()}
    return xr.Dataset(arrays, coords={**coords, "chain": [0], "draw": np.arange(prior.count)})


def as_written(transforms: Sequence[Array], at_centre: Array) -> Array:
    """Return the correlations as written of effects of several terms, of which the covariances at the centre are given."""
    whole = reduce(block_diagonal, transforms)
    covariance = group_covariance(whole, np.ones(len(whole)), at_centre)
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    return np.asarray(covariance / (sd[..., :, None] * sd[..., None, :]))


def _residual(prior: PriorDraws, block: ResidualBlock) -> dict[str, Variable]:
    """Return the parameters of correlated residuals, and the correlations of visits that form a matrix."""
    found: dict[str, Variable] = {str(key): ((), prior.values[key]) for key in block.parameters}
    values = {**prior.values, **prior.correlations}
    return {**found, CORRELATIONS: (DIMS, block.correlations(values))} if block.dense else found


def _draw_curve(
    prior: PriorDraws, predictor: Predictor, curve: CurveBlock, generator: np.random.Generator
) -> dict[str, Variable]:
    """Return SDs and coefficients of a curve."""
    covariance = prior.covariance(predictor, curve)
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    effects = curve.draw_new(covariance, generator) * predictor.relative_sds(curve, prior.values)
    dims = predictor.b_dims(curve)
    numbers: dict[str, Variable] = {key: ((), prior.values[key]) for key, _, _ in predictor.structure_parameters(curve)}
    return numbers | {
        predictor.sd(curve): (dims[1:], sd.reshape(len(sd), *curve.shape[1:])),
        predictor.b(curve): (dims, effects.reshape(len(sd), *curve.shape)),
    }


def _covariances(prior: PriorDraws, predictor: Predictor, group: GroupBlock) -> dict[str, Variable]:
    """Return SDs and, where they are estimated, correlations of a group's effects as written."""
    dim = predictor.effect_dim(group)
    at_centre = prior.covariance(predictor, group)
    covariance = group_covariance(group.transform, np.ones(len(group.labels)), at_centre)
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    variables: dict[str, Variable] = {predictor.sd(group): ((dim,), sd)}
    if group.correlated and not group.tied:
        corr = covariance / (sd[..., :, None] * sd[..., None, :])
        variables[predictor.corr(group)] = ((dim, f"{dim}_2"), corr)
    return variables | {key: ((), prior.values[key]) for key, _, _ in predictor.structure_parameters(group)}
