"""Fits of several responses from fits: the same models with other priors, data or seed, or with more draws."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.design.joint_designs import JointDesign, with_own_correlations
from bayesmixed.errors import BayesMixedError
from bayesmixed.fits.joint_fits import JointFit, joint_fit, sample_joint
from bayesmixed.fits.refitting import change_design, check_extension, check_settings, further_seed, joined, settings_of
from bayesmixed.preparation.joint_preparing import tie_parts, without_letters
from bayesmixed.progress import say
from bayesmixed.spec.joint_specs import JointSpec, as_joint_spec, split_key


def joint_settings(joint: JointFit) -> dict[str, Any]:
    """Return the arguments of `sample_joint` that repeat a fit."""
    first = next(iter(joint.fits.values()))
    return settings_of(first, first.design) | {"engine": "auto"}


def refit_responses(
    joint: JointFit, priors: Mapping[str, Any], data: Any, seed: int | None, na: Any, settings: dict[str, Any]
) -> JointFit:
    """Return a new fit of the same models, see `refit` (SpecError, DataError, SamplingError)."""
    check_settings(settings)
    design, notes = _change(joint.design, priors, data, settings.pop("missing", "error"), na)
    if settings.get("progress", True) is True:
        for note in notes:
            say(note)
    again = sample_joint(design, seed=joint.settings.seed if seed is None else seed, **joint_settings(joint) | settings)
    fits = {
        name: replace(fit, engine=replace(fit.engine, decisions=(*notes, *fit.engine.decisions)))
        for name, fit in again.fits.items()
    }
    return replace(again, fits=fits)


def extend_responses(joint: JointFit, draws: int, cores: int | None, progress: bool) -> JointFit:
    """Return the fit with more draws, see `extend` (SpecError, SamplingError)."""
    for fit in joint.fits.values():
        check_extension(fit, draws)
    before, seed = joint.settings, further_seed(joint.settings)
    given = joint_settings(joint) | {
        "draws": draws,
        "cores": cores or before.cores,
        "store": "all",
        "progress": progress,
    }
    more = sample_joint(joint.design, seed=seed, **given)
    fits = {name: joined(fit, more.fits[name], seed) for name, fit in joint.fits.items()}
    parts = [one.drop_vars("draw", errors="ignore") for one in (joint.shared, more.shared)]
    shared = xr.concat(parts, "draw", data_vars="minimal", coords="minimal", compat="override", join="override")
    return joint_fit(joint.design, fits, shared.assign_coords(draw=np.arange(shared.sizes["draw"])))


def _change(
    design: JointDesign, priors: Mapping[str, Any], data: Any, missing: str, na: Any
) -> tuple[JointDesign, tuple[str, ...]]:
    """Return the design with other priors or data, and what a reader should know about the priors."""
    spec = as_joint_spec(design.spec, priors=priors)
    own: dict[str, dict[str, Any]] = {name: {} for name in design}
    for key, prior in priors.items():
        response, alone = split_key(str(key), spec.responses)
        if response:
            own[response][alone] = prior
    parts, notes = {}, []
    for (name, part), model in zip(design.parts.items(), spec.models, strict=True):
        rows = None if data is None else without_letters(model, spec, data)
        try:
            parts[name], said = change_design(part, own[name], rows, missing=missing, na=na)
        except BayesMixedError as error:
            raise error.after(f"Response '{name}':") from error
        notes += [f"{name}: {note}" for note in said]
    changed = tie_parts(_with_models(spec, parts), parts)
    kept = {name: entry for name, entry in design.priors.items() if name not in priors and name in changed.priors}
    return with_own_correlations(replace(changed, priors={**changed.priors, **kept})), tuple(notes)


def _with_models(spec: JointSpec, parts: Mapping[str, Any]) -> JointSpec:
    fields = {name: getattr(spec, name) for name in JointSpec.model_fields}
    return JointSpec(**fields | {"models": [part.spec for part in parts.values()]})
