"""Complete, no and partial pooling, fitted from one spec and shown side by side."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import describe, format_table
from bayesmixed.draws.kept import values_of, with_effects
from bayesmixed.draws.linear_predictors import population_part
from bayesmixed.errors import DataError, SpecError, StatisticsWarning, did_you_mean
from bayesmixed.families.records import refuse_categories
from bayesmixed.fits.convergence import diagnose
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.from_data import fit
from bayesmixed.fits.refitting import SETTINGS
from bayesmixed.formulas.notation import safe_name
from bayesmixed.joint_priors import VARIANCE
from bayesmixed.parameter_keys import ParameterKey, VariableNames
from bayesmixed.preparation.data_files import with_columns
from bayesmixed.spec.files import take_model
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.summaries.pooling.level_priors import state_level_priors
from bayesmixed.tables.factors import as_label
from bayesmixed.terms.blocks import GroupBlock

POOLINGS = ("complete", "no", "partial")


@dataclass(frozen=True, slots=True, repr=False)
class PoolingComparison(Page):
    """Three fits of one question.

    Attributes
    ----------
    group : str
        The grouping factor.
    fits : mapping
        "complete" (no group effects), "no" (fixed coefficients for each level), "partial" (the spec itself).
    table : pandas.DataFrame
        One row per level, effect and pooling: term, level, effect, pooling, rows, mean, sd, lower, upper, mcse;
        coefficients on the link scale.
    """

    group: str
    fits: Mapping[str, Fit]
    table: pd.DataFrame

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        verdicts = [f"{name} pooling: {next(diagnose(f).paragraphs())}" for name, f in self.fits.items()]
        return [Section(before=tuple(verdicts), table=self.wide())]

    def wide(self) -> pd.DataFrame:
        """Return the comparison as text, one row per level and effect, one column per pooling."""
        table = self.table.copy()
        numbers = format_table(table)
        table["shown"] = numbers["mean"] + " [" + numbers["lower"] + ", " + numbers["upper"] + "]"
        levels = list(dict.fromkeys(table["level"]))
        wide = table.pivot(index=["level", "rows", "effect"], columns="pooling", values="shown").reset_index()
        effects = list(dict.fromkeys(table["effect"]))
        wide["place"] = wide["level"].map(levels.index) * len(effects) + wide["effect"].map(effects.index)
        wide = wide.sort_values("place")
        named = wide.rename(columns={name: f"{name} pooling" for name in POOLINGS})
        return named[["level", "rows", "effect", "no pooling", "partial pooling", "complete pooling"]]


def compare_pooling(
    spec: str | Path | ModelSpec,
    data: Any,
    *,
    group: str | None = None,
    **options: Any,
) -> PoolingComparison:
    """Return complete, no and partial pooling of one model, each fitted with its own priors.

    Complete pooling leaves the group term out; no pooling makes its levels fixed (`spec.as_fixed`), their means with
    independent priors, those of an intercept; partial pooling is the spec as it stands. All are full posteriors, so their
    intervals can be compared.

    Parameters
    ----------
    spec, data
        As for `fit`.
    group : str, optional
        Grouping factor; the first one if not given.
    **options
        As for `fit`: what belongs to the model, and seed, chains, draws, progress, missing, ...

    Raises
    ------
    SpecError
        The model has no such grouping factor.
    DataError
        No pooling is not possible, for example because a column is constant within the groups.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> comparison = bm.compare_pooling("sleepstudy_intercept", data, draws=50, seed=1, progress=False)
    >>> list(comparison.fits)
    ['complete', 'no', 'partial']
    """
    spec, settings = take_model(spec, options, (*SETTINGS, "seed", "na"))
    spec = with_columns(spec, data, settings.get("na", ()))
    refuse_categories(spec.family_record, "Pooling")
    first = spec.family_record.parameters[0].name
    names = [term.name for term in spec.predictors[first] if term.factor_columns]
    if not names:
        raise SpecError("Pooling needs a grouping factor with one level per row: add a term such as (1 | group).")
    if group is not None and group not in names:
        raise SpecError(f"'{group}' is not a grouping factor. {did_you_mean(group, names)}")
    group = group or names[0]
    if spec.family_record.cuts:
        raise SpecError(
            "Without pooling, groups of an ordered response have no levels of their own, only differences from the first one. "
            f'Fit that model separately: bm.fit(spec.as_fixed("{group}"), data).'
        )
    columns = next(t.factor_columns for t in spec.predictors[first] if t.factor_columns and t.name == group)
    fits = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        reading = {name: settings[name] for name in ("missing", "na") if name in settings}
        specs = {"complete": _without(spec, group), "no": spec.as_fixed(group), "partial": spec}
        for name, one in specs.items():
            try:
                stated = state_level_priors(one, columns, data, **reading) if name == "no" else one
                fits[name] = fit(stated, data, **settings)
            except DataError as error:
                if name != "no":
                    raise
                raise error.after(f"No pooling of '{group}' is not possible:") from error
    return PoolingComparison(group, fits, _table(fits, group))


def _without(spec: ModelSpec, group: str) -> ModelSpec:
    """Return the spec without the terms of a grouping factor."""
    first = spec.family_record.parameters[0].name
    kept = tuple(term for term in spec.predictors[first] if not (term.factor_columns and term.name == group))
    priors = {
        key: prior
        for key, prior in spec.priors.items()
        if key != VARIANCE and ParameterKey.read(key).variable not in VariableNames("").scales_of(safe_name(group))
    }
    crossed = tuple(name for name in spec.crossed if name != group)
    return spec.replace(predictors={**spec.predictors, first: kept}, priors=priors, crossed=crossed)


def _table(fits: Mapping[str, Fit], name: str) -> pd.DataFrame:
    partial = fits["partial"]
    predictor = partial.design.mu
    group = next(block for block in predictor.groups if block.name == name)
    kept = with_effects(partial.draws, [predictor.b(group)])
    pieces = []
    for effect, (label, plain) in enumerate(zip(group.labels, group.plain_labels, strict=True)):
        own = np.flatnonzero(group.has[:, effect]).tolist()
        together = (kept[predictor.b(group)] + population_part(kept, predictor, group)).isel(
            {predictor.effect_dim(group): effect}
        )
        complete = population_part(fits["complete"].posterior, fits["complete"].design.mu, group).values[..., effect]
        draws = {
            "no": np.stack(
                [_coefficient(fits["no"], _fixed_names(partial, group, k, plain)) for k in own],
                axis=-1,
            ),
            "partial": together.transpose("chain", "draw", group.dim).values[..., own],
            "complete": np.repeat(complete[..., None], len(own), axis=-1),
        }
        for pooling, values in draws.items():
            table = describe(xr.DataArray(values, dims=("chain", "draw", "level")))
            table.insert(0, "term", name)
            table.insert(1, "level", [group.levels[k] for k in own])
            table.insert(2, "effect", label)
            table.insert(3, "pooling", pooling)
            table.insert(4, "rows", group.sizes[own])
            pieces.append(table)
    return pd.concat(pieces, ignore_index=True)


def _fixed_names(one: Fit, group: GroupBlock, level: int, label: str) -> list[str]:
    """Return the names that a level's coefficient can have in the model without pooling."""
    rows, levels, _ = group.pairs()
    row = int(rows[np.argmax(levels == level)])
    data = one.design.table.data
    own = ":".join(f"{factor}[{as_label(data[factor].iloc[row])}]" for factor in group.factors)
    return [own] if label == "Intercept" else [f"{own}:{label}", f"{label}:{own}"]


def _coefficient(one: Fit, names: list[str]) -> np.ndarray:
    """Return the draws of the first coefficient that exists, zeros where the model has none."""
    labels = list(one.design.mu.population.labels)
    beta = values_of(one.posterior, one.design.mu.beta) if labels else None
    for name in names:
        if beta is not None and name in labels:
            return np.asarray(beta[..., labels.index(name)])
    if names[0] == "Intercept" or ":" in names[0]:
        sizes = one.posterior.sizes
        return np.zeros((sizes["chain"], sizes["draw"]))
    raise SpecError(
        f"The model without pooling has no coefficient '{names[0]}'; its columns are {', '.join(labels[:8])}."
    )
