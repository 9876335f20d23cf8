"""Fits from fits: the same model with other priors, other data, another seed, or more draws."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.design.frozen_priors import freeze, with_frozen_priors
from bayesmixed.design.latent_columns import refuse_latent, with_gaps
from bayesmixed.design.stated_coordinates import states_centred_prior, states_group_prior
from bayesmixed.draws.tree import PROPOSALS
from bayesmixed.engines import ENGINES, refusal
from bayesmixed.engines.kernel import JOINT_TARGET
from bayesmixed.engines.proposal_weights import judge
from bayesmixed.engines.runs import ASKED
from bayesmixed.engines.settings import Settings
from bayesmixed.errors import SamplingError, SpecError, StatisticsWarning, did_you_mean, enumerate_words
from bayesmixed.fits.earlier_files import is_earlier
from bayesmixed.fits.fitting import Fit, resume, sample
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.preparation.categories import spread_priors
from bayesmixed.preparation.latent_values import with_withheld
from bayesmixed.preparation.preparing import prepare
from bayesmixed.preparation.streaming import rebuild
from bayesmixed.progress import say
from bayesmixed.spec.files import as_spec
from bayesmixed.spec.model_spec import ModelSpec

SETTINGS = (
    "engine",
    "chains",
    "draws",
    "tune",
    "target_accept",
    "parameterisation",
    "cores",
    "store",
    "missing",
    "progress",
)

_EARLIER = (
    "rules of default priors have changed since this fit was made: priors not named keep the numbers of the fit, and "
    "where they are stated; bm.fit takes those of today"
)


def check_settings(settings: Iterable[str]) -> None:
    """Refuse settings that are not those of a fit (SpecError)."""
    for name in settings:
        if name not in SETTINGS:
            raise SpecError(f"refit has no setting '{name}'. {did_you_mean(name, SETTINGS)}")


def refit_one(
    fit: Fit, priors: Mapping[str, Any] | None, data: Any, seed: int | None, na: Any, settings: dict[str, Any]
) -> Fit:
    """Return a new fit of the same model, see `refit` (SpecError, DataError, SamplingError)."""
    check_settings(settings)
    design, notes = change_design(fit.design, priors or {}, data, missing=settings.pop("missing", "error"), na=na)
    if settings.get("progress", True) is True:
        for note in notes:
            say(note)
    given = settings_of(fit, design) | settings
    again = sample(design, seed=fit.settings.seed if seed is None else seed, **given)
    return _with_decisions(again, notes, again.engine.decisions)


def check_extension(fit: Fit, draws: int) -> None:
    """Refuse to add draws to a fit that does not hold all it had (SpecError, SamplingError)."""
    before = fit.settings
    if not before.complete:
        raise SamplingError(
            f"This fit was interrupted at {before.chains} chains of {before.draws} draws, so it cannot be extended. "
            "Sample it again: bm.refit(fit, draws=..., chains=...)."
        )
    if "posterior_thinned" in fit.draws.children:
        raise SpecError(
            "This fit does not hold all draws of its group effects, so it cannot be extended. Fit it with more draws: "
            f'bm.refit(fit, draws={before.draws + draws}), or with store="all" before extending.'
        )


def extend_one(fit: Fit, draws: int, cores: int | None, progress: bool) -> Fit:
    """Return the fit with more draws, see `extend` (SpecError, SamplingError)."""
    check_extension(fit, draws)
    before = fit.settings
    seed = further_seed(before)
    more = _sample_more(fit, draws, seed, cores or before.cores, progress)
    return joined(fit, more, seed)


def further_seed(before: Settings) -> int:
    """Return the seed of draws that are added to those of a fit."""
    return int(np.random.SeedSequence(before.seed, spawn_key=(before.draws,)).generate_state(1)[0])


def joined(fit: Fit, more: Fit, seed: int) -> Fit:
    """Return a fit with the draws of another run of its model (SamplingError where that was interrupted)."""
    before, draws = fit.settings, more.settings.draws
    if not more.settings.complete or more.settings.chains != before.chains:
        raise SamplingError(
            f"The additional run was interrupted at {more.settings.chains} chains of {more.settings.draws} draws; "
            "the fit stays as it was."
        )
    stages = {name: fit.timing.get(name, 0.0) + seconds for name, seconds in more.timing.items()}
    extended = replace(
        fit,
        draws=_join_draws(fit.draws, more.draws),
        settings=replace(before, draws=before.draws + draws),
        timing={**fit.timing, **stages},
    )
    other = "" if more.engine.name == fit.engine.name else f" by the engine '{more.engine.name}' ({more.engine.why})"
    return _with_decisions(extended, fit.engine.decisions, (f"extended by {draws} draws with seed {seed}{other}",))


def _sample_more(fit: Fit, draws: int, seed: int, cores: int, progress: bool) -> Fit:
    """Return further draws of the same model, by the proposals that the fit holds or by a new run."""
    if PROPOSALS in fit.draws.children:
        return resume(fit, replace(fit.settings, draws=draws, seed=seed, cores=cores, store="all"), progress)
    given = settings_of(fit, fit.design) | {"draws": draws, "seed": seed, "cores": cores, "store": "all"}
    return sample(fit.design, **given | {"target_accept": fit.settings.target_accept or None, "progress": progress})


def settings_of(fit: Fit, design: Design) -> dict[str, Any]:
    """Return the arguments of `sample` that repeat a fit; what its engine does by default is left to the next one."""
    before, engine = fit.settings, ENGINES.get(fit.engine.name)
    usable = engine is not None and refusal(engine, design) is None
    tune = None if engine is not None and before.tune == engine.TUNE else before.tune
    asked = any(decision.endswith(ASKED) for decision in fit.engine.decisions)
    usual = engine is not None and not asked and before.target_accept in (0.0, engine.TARGET, JOINT_TARGET)
    target = None if usual else before.target_accept
    return {
        "engine": fit.engine.name if usable else "auto",
        "chains": before.chains,
        "draws": before.draws,
        "tune": tune,
        "cores": before.cores,
        "target_accept": target,
        "parameterisation": before.parameterisation,
        "store": before.store,
    }


def change_design(
    design: Design, priors: Mapping[str, Any], data: Any = None, *, missing: str = "error", na: Any = ()
) -> tuple[Design, tuple[str, ...]]:
    """Return the design with other priors or data, and what a reader should know about the priors."""
    earlier = (_EARLIER,) if is_earlier(design) else ()
    if not priors and data is None:
        return design, earlier
    if data is not None:
        refuse_latent(design.latent, "A refit to other rows keeps the numbers of priors, and")
    priors = spread_priors(priors, design.spec, design.family)
    spec = as_spec(design.spec, priors=priors)
    if data is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StatisticsWarning)
            if design.streamed is None:
                changed = replace(prepare(spec, with_gaps(design.table.data, design.latent)), dropped=design.dropped)
            else:
                changed = rebuild(design, design.streamed, spec)
        changed = replace(changed, source=design.source)
        changed = with_withheld(changed, design.withheld)
    else:
        changed = prepare(spec, data, missing=missing, na=na)
    changed = with_frozen_priors(changed, freeze(design), priors)
    new = [
        key
        for key, entry in changed.priors.items()
        if key not in design.priors and entry.source == "default" and ParameterKey.read(key).match(priors) is None
    ]
    notes = (*earlier, *_moved_coordinates(design, spec))
    if new:
        notes = (
            *notes,
            f"default priors of {enumerate_words(new)} realised on the new data: the fit did not have them",
        )
    return changed, notes


def _moved_coordinates(design: Design, spec: ModelSpec) -> tuple[str, ...]:
    """Return a sentence for each term whose priors were stated at the covariate means and now are as written."""
    notes = []
    for predictor in design.predictors.values():
        if predictor.centred and not states_centred_prior(spec, predictor.names):
            notes.append(f"the prior of {predictor.beta}[Intercept] is stated as written, not at the covariate means")
        for group in predictor.groups:
            if group.centred and states_group_prior(spec, group.name, predictor.names):
                notes.append(
                    f"priors of {predictor.sd(group)} and its correlations are stated as written, not at the covariate "
                    "means; those not named keep their numbers"
                )
    return tuple(notes)


def _join_draws(first: xr.DataTree, second: xr.DataTree) -> xr.DataTree:
    """Return both trees' draws, chain by chain; groups of draws that only the first has are left out."""
    groups = {}
    for name, child in first.children.items():
        dataset = child.to_dataset()
        if "draw" not in dataset.dims:
            groups[name] = dataset
        elif name in second.children:
            parts = [part.drop_vars("draw", errors="ignore") for part in (dataset, second[name].to_dataset())]
            joined = xr.concat(parts, "draw", data_vars="minimal", coords="minimal", compat="override", join="override")
            groups[name] = joined.assign_coords(draw=np.arange(joined.sizes["draw"]))
    groups |= {name: child.to_dataset() for name, child in second.children.items() if name == PROPOSALS}
    statistics, said = groups["sample_stats"], [tree["sample_stats"].attrs for tree in (first, second)]
    if all("evaluations" in one for one in said):
        evaluations = sum(one["evaluations"] for one in said)
        acceptance = float(statistics["acceptance_rate"].mean())
        groups["sample_stats"] = statistics.assign_attrs(
            judge(statistics["log_weight"].values, acceptance, evaluations)
        )
    return xr.DataTree.from_dict(groups)


def _with_decisions(fit: Fit, first: tuple[str, ...], second: tuple[str, ...]) -> Fit:
    return replace(fit, engine=replace(fit.engine, decisions=(*first, *second)))
