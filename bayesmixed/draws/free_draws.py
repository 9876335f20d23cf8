"""Draws of the free variables of the PyMC model of a design, from the draws of a fit."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from bayesmixed.design.design import CUTS, Design
from bayesmixed.design.variance_splits import SplitOnData
from bayesmixed.draws.kept import values_of, with_effects
from bayesmixed.draws.linear_predictors import (
    centred_thresholds,
    covariances_at_centre,
    joint_covariances,
    part_covariances,
)
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.model.effect_variables import COMMON, INDEPENDENT
from bayesmixed.model.pymc_models import build
from bayesmixed.model.split_variables import SHARES, TOTAL, within_name
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.block_parts import RELATED
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.residual_blocks import CORRELATIONS
from bayesmixed.terms.scaled_matrices import scaled_inverse

HINT = (
    "posterior holds parameters as reported, not all free variables of bm.build(fit.design): PyMC's functions would draw "
    "those that are missing from their prior. Give them fit.to_datatree(pymc=True)."
)
"""What the attribute `pymc` of draws says."""
_ONCE = (
    "PyMC's functions take each row once: pm.compute_log_likelihood gives the density of one observation, and "
    "pm.sample_posterior_predictive draws one, whatever its {kind} weight '{column}', which is in the potential "
    "further_likelihood of the model."
)
"""What it says of draws with all free variables where rows count more or less than once."""
Named = Iterator[tuple[str, Array]]
_CENTRED = "centred_"


def with_free_variables(design: Design, draws: xr.DataTree) -> xr.DataTree:
    """Return the tree whose posterior also holds every free variable of `build(design)`, on its natural scale.

    Of factors whose draws are not all kept it has the thinned draws.

    Raises
    ------
    SpecError
        The rows were streamed, so that there is no such model.
    """
    if design.streamed:
        raise SpecError("bm.build needs the rows in memory, and those of this fit were streamed: it has no PyMC model.")
    posterior = with_effects(draws, [predictor.b(group) for predictor, group in design.normal_blocks()])
    hidden = design.hidden_joint_priors
    if hidden:
        raise SpecError(
            f"A fit under {hidden[0]} does not keep its scales and shares, which are free variables of bm.build."
        )
    known = dict(_coordinates(design, posterior))
    found, model = {}, build(design)
    for variable in model.free_RVs:
        if variable.name not in posterior:
            values = known[variable.name]
            unnamed = [f"{variable.name}_{k}" for k in range(values.ndim - 2)]
            dims = ("chain", "draw", *(model.named_vars_to_dims.get(variable.name) or unnamed))
            coords = {name: posterior[name].values for name in ("chain", "draw")}
            coords |= {name: list(model.coords[name]) for name in dims[2:] if name in model.coords}
            found[variable.name] = xr.DataArray(values, dims=dims, coords=coords)
    groups = {name: child.to_dataset() for name, child in draws.children.items() if name != "posterior_thinned"}
    groups["posterior"] = posterior.assign(found)
    groups["posterior"].attrs.pop("pymc", None)
    weights = design.spec.weights
    if weights is not None and design.observed.multiplicity is not None:
        groups["posterior"].attrs["pymc"] = _ONCE.format(kind=weights.kind, column=weights.column)
    return xr.DataTree.from_dict(groups)


def _coordinates(design: Design, posterior: xr.Dataset) -> Named:
    """Yield the coordinates in which priors are stated, under all names that they can have in the model."""
    for predictor in design.predictors.values():
        if predictor.population.labels:
            back = predictor.inverse_transform
            priors = design.coefficient_priors(predictor)
            yield from _vector(predictor.beta, priors, values_of(posterior, predictor.beta) @ back.T)
        for group in predictor.normal_blocks:
            yield from _effects(design, predictor, group, posterior)
    for matrix, members in design.correlations():
        if matrix.widest:
            yield from _partial_correlations(matrix, joint_covariances(matrix, members, posterior))
    if design.residual is not None and design.residual.free:
        yield from _partial_correlations(design.residual.matrix, values_of(posterior, CORRELATIONS))
    if design.split is not None:
        yield from _shares(design, design.split, posterior)
    for name in design.numbers:
        function, prior = design.scalar_prior(name)
        if prior.name != "Fixed":
            yield function.word.format(name), np.asarray(function.forward(posterior[name].values))
    if design.family.cuts:
        yield f"{_CENTRED}{CUTS}", centred_thresholds(design, posterior)


def _effects(design: Design, predictor: Predictor, group: NormalBlock, posterior: xr.Dataset) -> Named:
    back = scaled_inverse(group.transform)
    sd, effects = values_of(posterior, predictor.sd(group)), values_of(posterior, predictor.b(group))
    covariance = covariances_at_centre(predictor, group, posterior, moments=True)
    sds = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    places = predictor.sd_places(group)
    priors = [design.priors[key].prior for key in places]
    for name, values in _vector(predictor.sd(group), priors, sds[..., list(places.values())]):
        yield name, values[..., 0] if sd.ndim == 2 and values.shape[-1] == 1 else values
        yield f"{COMMON}{name}", values
    if effects.ndim == 4:
        effects = effects @ back.T
    yield f"{_CENTRED}{predictor.b(group)}", effects
    if group.takes == RELATED:
        for mark in ("", _CENTRED):
            yield f"{INDEPENDENT}{mark}{predictor.b(group)}", group.to_independent(effects)


def _shares(design: Design, split: SplitOnData, posterior: xr.Dataset) -> Named:
    """Yield the total SD, and the shares of parts and of columns of terms."""
    variances = []
    for part, covariance in zip(split.parts, part_covariances(design, split, posterior), strict=True):
        variances.append(part.variance(covariance))
        squares = np.diagonal(covariance, axis1=-2, axis2=-1) * np.diag(part.matrix)
        block = design.mu.block(part.name)
        if block is not None and not part.residual:
            yield within_name(block), squares / squares.sum(axis=-1, keepdims=True)
    total = np.sum(variances, axis=0)
    yield TOTAL, np.sqrt(total)
    yield SHARES, np.stack(variances, axis=-1) / total[..., None]


def _vector(name: str, priors: list[Prior], values: Array) -> Named:
    """Yield a vector whole, and in the pieces of one distribution each in which it is declared."""
    kinds = [prior.plain.name for prior in priors]
    for whole in (name, f"{_CENTRED}{name}"):
        yield whole, values
        for kind in dict.fromkeys(kinds):
            yield f"{whole}_{kind}", values[..., [own == kind for own in kinds]]


def _partial_correlations(matrix: CorrelationMatrix, covariance: Array) -> Named:
    """Yield the partial correlations of canonical vines, moved to (0, 1), from the rows of Cholesky factors."""
    for number, part in enumerate(part for part in matrix.parts if part.correlated):
        columns = list(part.columns)
        root = np.linalg.cholesky(covariance[..., columns, :][..., columns])
        root = root / np.linalg.norm(root, axis=-1, keepdims=True)
        found = []
        for i in range(1, len(columns)):
            used = np.cumsum(root[..., i, :i] ** 2, axis=-1) - root[..., i, :i] ** 2
            found.append(root[..., i, :i] / np.sqrt(1.0 - used))
        partial = np.concatenate(found, axis=-1)
        yield f"partial_{matrix.name}" + (f"_{number + 1}" if number else ""), (1.0 + partial) / 2.0
