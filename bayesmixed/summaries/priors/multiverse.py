"""A bounded multiverse: one question under several prior sets and several structures of the model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.cross_validation.common_responses import can_be_left_out
from bayesmixed.cross_validation.importance_weights import FEWEST_DRAWS
from bayesmixed.cross_validation.leaving_out import leave_units_out
from bayesmixed.cross_validation.model_comparison import find_common_units
from bayesmixed.cross_validation.units import describe_unit
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import format_table, to_text
from bayesmixed.errors import SpecError
from bayesmixed.fits.convergence import Diagnosis
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.prior_sets import PriorSet
from bayesmixed.progress import ProgressLine
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.summaries.priors.decisions import (
    LABELS,
    Asked,
    Decision,
    check_expressions,
    count_signs,
    find_decisions,
    tabulate_decisions,
)
from bayesmixed.summaries.priors.set_draws import SAMPLED, Workers, draw_sets
from bayesmixed.summaries.priors.specifications import Structure, lay_out_specifications
from bayesmixed.terms.relations import Factor

WEIGHTS = "importance weights"
_WIDEST = 4
"""Quantities that stand beside each other in a printed table."""
_LEFT_OUT_DRAWS = 1000
"""Of which predictions of what is left out are made, so that they take no longer than the fits."""
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, repr=False)
class Multiverse(Page):
    """One question under several prior sets and structures; `str()` for terminals, HTML in notebooks.

    Attributes
    ----------
    fits : mapping
        By (structure, set); the first is the reference.
    table : pandas.DataFrame
        One row per quantity and specification: quantity ("asked", "effect": what a column does to the expected response,
        as `describe_effects` says it, "ICC"), name, estimand (what an effect is one of), structure, set, estimate (mean;
        median of what has no mean in some specification), sd, lower, upper (95 %), mcse, above (probability that it is
        above 0).
    signs : pandas.DataFrame
        One row per quantity: specifications (how many have it), sign (in the first one that has it), same_sign (share of them
        whose estimate has this sign), clear (share whose 95 % interval lies on this side of 0), lowest, highest (estimate).
        Fits that have not converged are not counted.
    specifications : pandas.DataFrame
        One row per fit: structure, set, formula, draws ("sampled"; "importance weights", by the engine "marginal";
        "reweighted": those of the set `source`, see `compare_priors`), source, engine, pareto_k, worth, converged, elpd, se,
        elpd_diff (to the best that converged), dse (its standard error), bad_k (units whose number cannot be trusted),
        elpd_mcse. Without leave-one-out predictions elpd is NaN.
    estimand : str
        What elpd says each model predicts.
    notes : tuple of str
        What was left out, and what has not converged.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> sets, other = {"default": {}, "tight": {"sigma": "HalfNormal(10)"}}, {"slopes": "~ Days + (Days | Subject)"}
    >>> found = bm.compare_priors("sleepstudy_intercept", data, sets, structures=other, draws=500, seed=1, progress=False)
    >>> found.signs[["name", "specifications", "same_sign", "clear"]].head(1).to_dict("records")
    [{'name': 'Days: +1', 'specifications': 4, 'same_sign': 1.0, 'clear': 1.0}]
    """

    fits: Mapping[Key, Fit]
    table: pd.DataFrame
    signs: pd.DataFrame
    specifications: pd.DataFrame
    estimand: str
    notes: tuple[str, ...]

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        return list(_sections(self))


def explore(
    spec: ModelSpec,
    data: Any,
    sets: Mapping[str, PriorSet],
    structures: Mapping[str, Structure] | Sequence[Structure],
    asked: Asked,
    *,
    unit: str,
    by: str | None,
    missing: str,
    na: Any,
    reweight: bool,
    seed: int,
    settings: Mapping[str, Any],
    workers: Workers,
) -> Multiverse:
    """Return the fits of all specifications, and how the answers differ; see `compare_priors`."""
    found = lay_out_specifications(spec, data, sets, structures, missing=missing, na=na)
    designs = {name: next(iter(realised.values())).design for name, realised in found.sets.items()}
    check_expressions(asked, designs)
    units = find_common_units(designs, unit, by) if can_be_left_out(designs.values(), unit) else None
    kept = [settings.get(name, usual) for name, usual in (("chains", 4), ("draws", 1000))]
    if units is not None and all(isinstance(one, Integral) for one in kept) and np.prod(kept) < FEWEST_DRAWS:
        raise SpecError(f"Predictions of what is left out need at least {FEWEST_DRAWS} draws of each specification.")
    fits: dict[Key, Fit] = {}
    verdicts: dict[Key, Diagnosis] = {}
    tables: list[pd.DataFrame] = []
    quiet = {**settings, "progress": False}
    with ProgressLine("structures", settings.get("progress", True)) as line:
        for place, (name, realised) in enumerate(found.sets.items()):
            line.show(place / len(found.sets), f"{name}, {len(realised)} prior sets")
            own, said, table = draw_sets(realised, seed, reweight, quiet, workers)
            if not all(fit.settings.complete for fit in own.values()):
                raise KeyboardInterrupt
            fits |= {(name, which): fit for which, fit in own.items()}
            verdicts |= {(name, which): verdict for which, verdict in said.items()}
            tables.append(table.assign(structure=name))
    decisions: dict[Key, list[Decision]] = {}
    notes = list(found.notes)
    for key, fit in fits.items():
        decisions[key], lost = find_decisions(fit, asked, seed)
        notes += [f"{key[0]}: {text.removesuffix('.')}." for text in lost]
    rows = pd.concat(tables, ignore_index=True)
    rows["draws"] = [
        WEIGHTS if how == SAMPLED and fit.engine.name == "marginal" else how
        for how, fit in zip(rows["draws"], fits.values(), strict=True)
    ]
    rows["formula"] = [fit.design.spec.formula for fit in fits.values()]
    rows["engine"] = [fit.engine.name for fit in fits.values()]
    rows["converged"] = [verdict.ok for verdict in verdicts.values()]
    notes += [
        f"{', '.join(key)}: NOT CONVERGED ({'; '.join(verdict.problems)}); its numbers are not counted."
        for key, verdict in verdicts.items()
        if not verdict.ok
    ]
    if units is None:
        notes.append("No elpd: rows with such weights cannot be left out one by one.")
    else:
        rows = rows.assign(**_leave_out(fits, units, rows["converged"]))
    estimand = "nothing" if units is None else describe_unit(units)
    names = ["structure", "set", "formula", "draws", "source", "engine", "pareto_k", "worth", "converged"]
    rows = rows.reindex(columns=[*names, "elpd", "se", "elpd_diff", "dse", "bad_k", "elpd_mcse"])
    table = tabulate_decisions(decisions)
    converged = rows[rows["converged"]][LABELS]
    return Multiverse(
        fits, table, count_signs(table.merge(converged, on=LABELS)), rows, estimand, tuple(dict.fromkeys(notes))
    )


def _leave_out(fits: Mapping[Key, Fit], units: Factor, converged: Iterable[bool]) -> dict[str, Any]:
    """Return the columns of leave-one-out predictions, each difference to the best that converged with its standard error."""
    left = {key: leave_units_out(fit, units, draws=_LEFT_OUT_DRAWS) for key, fit in fits.items()}
    counted = [one for one, ok in zip(left.values(), converged, strict=True) if ok] or left.values()
    best = max(counted, key=lambda one: float(one.elpd)).elpd_i.values
    apart = [one.elpd_i.values - best for one in left.values()]
    return {
        "elpd": [float(one.elpd) for one in left.values()],
        "se": [float(one.se) for one in left.values()],
        "elpd_diff": [float(one.sum()) for one in apart],
        "dse": [float(np.sqrt(len(one) * np.var(one))) for one in apart],
        "bad_k": [int(np.sum(one.pareto_k.values > one.good_k)) for one in left.values()],
        "elpd_mcse": [float(one.elpd_i.attrs["mcse"]) for one in left.values()],
    }


def say_signs(row: Mapping[Any, Any], unit: str = "specifications") -> str:
    """Return in words in how many specifications a sign holds."""
    count, sign = int(row["specifications"]), row["sign"]
    if np.isnan(sign):
        return f"{count} {unit}"
    same, clear = round(count * row["same_sign"]), round(count * row["clear"])
    side = "above" if sign > 0.0 else "below" if sign < 0.0 else "at"
    return f"{side} 0 in {same} of {count} {unit} ({same / count:.0%}), with its 95 % interval in {clear}"


def _sections(found: Multiverse) -> Iterator[Section]:
    rows = found.specifications
    first = " / ".join((rows[rows["converged"]] if rows["converged"].any() else rows).iloc[0][LABELS])
    errors = found.table.groupby("name")["mcse"].max()
    sentences = []
    for row in found.signs.to_dict("records"):
        low, high = (to_text(row[end], errors[row["name"]]) for end in ("lowest", "highest"))
        sentences.append(f"- {row['name']}: {say_signs(row)}; estimates {low} to {high}.")
    before = (
        f"{len(rows)} specifications; signs are those of the first one that has the quantity, beginning with {first}.",
    )
    yield Section("Do the answers hold?", before, after=tuple(sentences))
    yield Section("Specifications", table=_shown_specifications(rows), after=_explain(found))
    names = list(found.signs["name"])
    for start in range(0, len(names), _WIDEST):
        yield Section("Estimates" if not start else "", table=_wide(found.table, names[start : start + _WIDEST]))
    if found.notes:
        yield Section("Notes", tuple(f"- {note}" for note in found.notes))


def _shown_specifications(rows: pd.DataFrame) -> pd.DataFrame:
    shown = rows[LABELS].copy()
    shown["draws"] = [
        f"{how} from {source}" if source else how for how, source in zip(rows["draws"], rows["source"], strict=True)
    ]
    shown["engine"] = rows["engine"]
    shown["converged"] = ["" if ok else "NO" for ok in rows["converged"]]
    if rows["elpd"].notna().any():
        for name in ("elpd_diff", "dse"):
            shown[name] = [f"{round(value, 1) + 0.0:.1f}" for value in rows[name]]
        shown["bad_k"] = [f"{count:.0f}" for count in rows["bad_k"]]
    return shown


def _explain(found: Multiverse) -> tuple[str, ...]:
    rows = found.specifications
    if rows["elpd"].isna().all():
        return ()
    text = f"elpd: {found.estimand}; elpd_diff to the best, with its standard error dse."
    rough = rows["elpd_mcse"].max()
    return (text, *((f"Monte Carlo error of elpd up to {rough:.2f}: take more draws.",) if rough > 0.5 else ()))


def _wide(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the estimates with their intervals, one column for each quantity, one row for each specification."""
    wide = table[LABELS].drop_duplicates()
    for name in names:
        own = table[table["name"] == name]
        written = format_table(own[["estimate", "lower", "upper", "mcse"]].rename(columns={"estimate": "mean"}))
        text = written["mean"] + " [" + written["lower"] + ", " + written["upper"] + "]"
        wide = wide.merge(own[LABELS].assign(**{name: text}), on=LABELS, how="left")
    return wide.fillna("")
