"""Draws of several responses at once, by nutpie's NUTS on their PyMC model, and the draws of each under its own names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.design.design import CUTS, Design
from bayesmixed.design.independent_levels import with_independent_levels
from bayesmixed.design.joint_designs import JointDesign, Member, members_of, name_parts, own_places
from bayesmixed.design.response_units import in_working_unit
from bayesmixed.draws.tree import as_draws, draw_names
from bayesmixed.engines.parameterisation import choose_parameterisation
from bayesmixed.engines.pymc import draw, starting_points
from bayesmixed.engines.runs import Run
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode
from bayesmixed.families.links import Array
from bayesmixed.model.joint_models import build_named
from bayesmixed.model.prior_variables import start_of_onset
from bayesmixed.terms.correlation_matrices import CorrelationMatrix

WHY = "several responses are sampled together"


def sample_together(
    design: JointDesign,
    settings: Settings,
    *,
    parameterisation: str | Mapping[str, str],
    target_accept: float | None,
    progress: bool,
) -> tuple[dict[str, tuple[Run, float]], xr.Dataset]:
    """Return the run of each response, with the unit of its response in it, and the correlations between responses.

    Raises
    ------
    SpecError, SamplingError
        As those of an `Engine`.
    """
    units = {name: in_working_unit(with_independent_levels(part)) for name, part in design.parts.items()}
    parts = {name: part for name, (part, _) in units.items()}
    named = name_parts(parts)
    modes = {name: quasi_likelihood_mode(part) if part.mu.normal_blocks else None for name, part in parts.items()}
    _check_factors(parts, parameterisation)
    choices = []
    for name, part in parts.items():
        own = {group.name for _, group in part.normal_blocks()}
        wish = parameterisation
        if not isinstance(wish, str):
            wish = {factor: chosen for factor, chosen in wish.items() if factor in own}
        ending = named[name].ending
        choices += [
            replace(one, effects=f"{one.effects}{ending}") for one in choose_parameterisation(part, modes[name], wish)
        ]

    def starts(model: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, part in named.items():
            found |= starting_points(part, modes[name], model) | start_of_onset(part)
        return found

    def declare() -> Any:
        ways = {choice.effects: choice.parameterisation for choice in choices}
        return build_named(named, design.priors, design.residual_matrix, ways)

    names = dict.fromkeys(name for part in named.values() for name in (*draw_names(part), *design.priors))
    tree, decisions, used, timing = draw(declare, names, starts, settings, target_accept, progress)
    posterior, statistics = tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()
    record = EngineRecord("pymc", WHY, (*map(str, choices), *decisions))
    runs = {}
    for name, (part, unit) in units.items():
        draws = as_draws(part, own_draws(name, part, named, posterior), statistics)
        runs[name] = Run(draws, record, used, timing), unit
    return runs, shared_draws(design.matrices, posterior)


def _check_factors(parts: Mapping[str, Design], parameterisation: str | Mapping[str, str]) -> None:
    if isinstance(parameterisation, str):
        return
    known = list(dict.fromkeys(group.name for part in parts.values() for _, group in part.normal_blocks()))
    for name in parameterisation:
        if name not in known:
            raise SpecError(
                f"parameterisation names '{name}', which is not a grouping factor. {did_you_mean(name, known)}"
            )


def shared_draws(matrices: Mapping[str, CorrelationMatrix], posterior: xr.Dataset) -> xr.Dataset:
    """Return the draws of the correlations between responses, with their labels."""
    found = xr.Dataset(coords={"chain": posterior["chain"].values, "draw": posterior["draw"].values})
    for name, matrix in matrices.items():
        values = posterior[name].transpose("chain", "draw", ...).values
        coords = {dim: list(matrix.labels) for dim in matrix.dims}
        found[name] = xr.DataArray(values, dims=("chain", "draw", *matrix.dims), coords=coords)
    return found


def own_draws(response: str, part: Design, named: Mapping[str, Design], posterior: xr.Dataset) -> xr.Dataset:
    """Return the draws of one response under the names that they have in a fit of it alone."""
    members, other = members_of(named), named[response]
    found: dict[str, xr.DataArray] = {}
    coords: dict[str, list[Any]] = {}

    def keep(own: str, theirs: str, dims: Sequence[str] = ()) -> None:
        values = posterior[theirs].transpose("chain", "draw", ...).values
        found[own] = xr.DataArray(values, dims=("chain", "draw", *dims))

    for name, predictor in part.predictors.items():
        again = other.predictors[name]
        coords |= predictor.coords()
        if predictor.population.labels:
            keep(predictor.beta, again.beta, (f"{predictor.beta}_effect",))
        for block, moved in zip(predictor.normal_blocks, again.normal_blocks, strict=True):
            dims = predictor.b_dims(block)
            keep(predictor.sd(block), again.sd(moved), dims[1:])
            keep(predictor.b(block), again.b(moved), dims)
            own_keys, their_keys = predictor.structure_parameters(block), again.structure_parameters(moved)
            for (key, *_), (theirs, *_) in zip(own_keys, their_keys, strict=True):
                keep(key, theirs)
            if block.correlated:
                matrix, corr = predictor.correlations(block), again.corr(moved)
                keep(matrix.name, corr, matrix.dims)
                if corr in members:
                    values = found[matrix.name].values
                    block_values = own_block(values, moved_matrix(members[corr]), members[corr], response)
                    found[matrix.name] = xr.DataArray(block_values, dims=("chain", "draw", *matrix.dims))
    for name in part.numbers:
        keep(name, f"{name}{other.ending}")
    if part.family.cuts:
        keep(CUTS, f"{CUTS}{other.ending}", ("cut",))
        coords["cut"] = part.cut_labels
    labels = {name: posterior[name].values for name in ("chain", "draw")}
    used = {dim for one in found.values() for dim in one.dims}
    return xr.Dataset(found, coords=labels | {dim: own for dim, own in coords.items() if dim in used})


def moved_matrix(members: Sequence[Member]) -> CorrelationMatrix:
    """Return the matrix that ties some terms."""
    return members[0].predictor.correlations(members[0].group)


def own_block(values: Array, matrix: CorrelationMatrix, members: Sequence[Member], response: str) -> Array:
    """Return the block of one response, (..., K, K), of a matrix of several, (..., W, W)."""
    places = own_places(matrix, members, response)
    return np.asarray(values[..., places, :][..., places])
