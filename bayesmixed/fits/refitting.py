"""Fits from fits: the same model with other priors, other data, another seed, or more draws."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.arguments import alone
from bayesmixed.design.design import Design
from bayesmixed.design.frozen_priors import freeze, with_frozen_priors
from bayesmixed.design.stated_coordinates import states_centred_prior, states_group_prior
from bayesmixed.draws.tree import PROPOSALS
from bayesmixed.engines import ENGINES, refusal
from bayesmixed.engines.kernel import JOINT_TARGET
from bayesmixed.engines.proposal_weights import judge
from bayesmixed.engines.runs import ASKED
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


@alone("Fit all of them anew: bm.fit(joint.design.spec, data).")
def refit(
    fit: Fit,
    *,
    priors: Mapping[str, Any] | None = None,
    data: Any = None,
    seed: int | None = None,
    na: str | float | Iterable[str | float] = (),
    **settings: Any,
) -> Fit:
    """Return a new fit of the same model.

    Priors are frozen: those that are not named keep the numbers of `fit.design.priors`, and the column means at which
    they are stated, also under new data. New decisions are in `fit.engine.decisions`.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    priors : mapping, optional
        Priors that change, by the names of the posterior. One on `beta[Intercept]`, or on an SD or correlation of a
        term with correlated slopes, moves the coordinate in which the others of that term are stated: from the
        covariate means to zero.
    data : data frame, mapping of columns, or path, optional
        New rows, with a response; all checks of `prepare` are made.
    seed : int, optional
        That of the fit if not given.
    na : str, number or list of these
        Codes that mean a missing value in `data`.
    **settings
        Of `sample`, and `missing` of `fit`; those of the fit if not given.

    Raises
    ------
    SpecError, DataError
        Before any sampling.
    SamplingError
        The sampler could not start, or was interrupted too early.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> fit = bm.fit("sleepstudy", data, draws=100, seed=1, progress=False)
    >>> tighter = bm.refit(fit, priors={"sigma": "HalfNormal(10)"}, progress=False)
    >>> tighter.design.spec.priors
    {'sigma': Prior(name='HalfNormal', arguments=(10.0,))}
    """
    for name in settings:
        if name not in SETTINGS:
            raise SpecError(f"refit has no setting '{name}'. {did_you_mean(name, SETTINGS)}")
    design, notes = change_design(fit.design, priors or {}, data, missing=settings.pop("missing", "error"), na=na)
    if settings.get("progress", True) is True:
        for note in notes:
            say(note)
    given = settings_of(fit, design) | settings
    again = sample(design, seed=fit.settings.seed if seed is None else seed, **given)
    return _with_decisions(again, notes, again.engine.decisions)


@alone("Fit all of them with more draws: bm.fit(joint.design.spec, data, draws=...).")
def extend(fit: Fit, draws: int, *, cores: int | None = None, progress: bool = True) -> Fit:
    """Return the fit with more draws in each chain: the model is sampled again with a seed that follows from the fit's.

    The sampler is tuned anew, so that many draws at once cost less than the same number in several calls; the chains of
    engine "marginal" go on with the proposals that they had.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    draws : int
        How many draws each chain gets in addition.
    cores, progress
        As in `sample`.

    Raises
    ------
    SpecError
        The fit does not hold all draws of its group effects.
    SamplingError
        The fit, or the further run, was interrupted: its chains do not have the same number of draws.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> fit = bm.fit("sleepstudy", data, draws=100, seed=1, progress=False)
    >>> bm.extend(fit, 50, progress=False).posterior.sizes["draw"]
    150
    """
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
    seed = int(np.random.SeedSequence(before.seed, spawn_key=(before.draws,)).generate_state(1)[0])
    more = _sample_more(fit, draws, seed, cores or before.cores, progress)
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
    priors = spread_priors(priors, design.spec, design.family)
    spec = as_spec(design.spec, priors=priors)
    if data is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StatisticsWarning)
            if design.streamed is None:
                changed = replace(prepare(spec, design.table.data), dropped=design.dropped)
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
