"""The groups of a model: a chart that answers to the reader, and a table that says the same."""

import json
from html import escape
from typing import Any

import numpy as np
import pandas as pd

import bayesmixed as bm
from bayesmixed.display.pages import Section, write_table
from bayesmixed.display.tables import format_table
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.report.chapters import write_sections
from bayesmixed.summaries.pooling.group_levels import levels_at_means
from bayesmixed.terms.blocks import GroupBlock

MOST_IN_CHART, MOST_IN_TABLE = 10_000, 2_000
_COLUMNS = ["level", "rows", "effect", "no_pooling", "mean", "lower", "upper", "complete_pooling", "factor", "note"]
_READING = (
    "Own data alone (no pooling): the best coefficient for the group's own rows. Partial pooling: what the model says, "
    "with a 95 % interval. All groups as one (complete pooling): one coefficient for all. Factor: how much the group's "
    "own rows count, from 0 (nothing) to 1 (everything)."
)


def show_groups(fit: Fit) -> str:
    """Return the chart and the table of every grouping factor of the first parameter."""
    groups = [group for group in fit.design.mu.groups if group.compared]
    if not groups:
        return (
            '<p class="absent">Not in this report: the model has no grouping factor with several rows in a group.</p>'
        )
    charts = [_show_factor(fit, group, place) for place, group in enumerate(groups)]
    return "\n".join([write_sections([Section(before=(_READING,))]), *charts])


def _show_factor(fit: Fit, group: GroupBlock, place: int) -> str:
    table = bm.shrinkage(fit, group.name)
    moved = levels_at_means(fit, group.name, table)
    name, key = escape(group.name), f"groups-{place}"
    shown, left = _thin(table, len(group.labels), MOST_IN_CHART)
    data = {
        "factor": group.name,
        "levels": list(shown["level"].iloc[:: len(group.labels)]),
        "rows": shown["rows"].iloc[:: len(group.labels)].tolist(),
        "effects": [
            _chart_level(fit, _thin(moved[0], 1, MOST_IN_CHART)[0], f", where {moved[1]}")
            if moved and label == "Intercept"
            else _chart_effect(fit, shown[shown["effect"] == label], label)
            for label in group.labels
        ],
    }
    note = f"<p>Of {len(group.levels):,} groups the chart shows {len(data['levels']):,}.</p>" if left else ""
    return (
        f'<h3>{name}</h3>\n{note}\n<div class="groups" id="{key}"><noscript><p>The chart needs JavaScript; the table '
        f'below says the same.</p></noscript></div>\n<script type="application/json" id="{key}-data">{_embed(data)}'
        f"</script>\n{_write_group_table(table, group, key)}"
    )


def _write_group_table(table: pd.DataFrame, group: GroupBlock, key: str) -> str:
    shown, left = _thin(table, len(group.labels), MOST_IN_TABLE)
    text = format_table(shown, hide=())[_COLUMNS]
    for column in ("no_pooling", "complete_pooling"):
        text[column] = ["none" if np.isnan(value) else f"{value:.3g}" for value in shown[column]]
    text["factor"] = [f"{value:.2f}" for value in shown["factor"]]
    text = text.drop(columns=[c for c in ("effect", "note") if text[c].nunique() == 1])
    text = text.rename(columns={"no_pooling": "own data alone", "complete_pooling": "all as one", "mean": "partial"})
    more = f"<p>{left:,} more are in bm.shrinkage(fit).</p>" if left else ""
    return (
        f'<details data-table-of="{key}"><summary>Table of {escape(group.name)} ({len(group.levels):,} groups)</summary>'
        f'<div class="scroll" tabindex="0" role="group" aria-label="Table of {escape(group.name)}">'
        f"{write_table(text)}</div>{more}</details>"
    )


def _chart_effect(fit: Fit, table: pd.DataFrame, label: str) -> dict[str, Any]:
    """Return one coefficient of all groups on the scales on which it can be read."""
    if label == "Intercept":
        return _chart_level(fit, table, "")
    link = fit.design.mu.link.name
    what = f"slope of {label}"
    scale = what if link == "identity" else f"{what}, {link} scale"
    scales = [_chart_scale(table, scale, lambda values: values)]
    return {"name": what, "factor": _rounded(table["factor"], 2), "scales": scales}


def _chart_level(fit: Fit, table: pd.DataFrame, where: str) -> dict[str, Any]:
    """Return what is expected in all groups, and where columns are."""
    link, parameter = fit.design.mu.link, fit.design.family.parameters[0]
    scales = [_chart_scale(table, f"{parameter.meaning}{where}", link.inverse)]
    if link.name != "identity":
        scales.append(_chart_scale(table, f"{link.name} of it", lambda values: values))
    return {"name": "level", "factor": _rounded(table["factor"], 2), "scales": scales}


def _chart_scale(table: pd.DataFrame, name: str, convert: Any) -> dict[str, Any]:
    ends = np.sort(np.stack([convert(table[c].to_numpy(dtype=float)) for c in ("lower", "upper")]), axis=0)
    original = table["upper"].to_numpy(dtype=float) - table["lower"].to_numpy(dtype=float)
    steepness = np.median((ends[1] - ends[0]) / np.where(original > 0, original, 1.0))
    error = float(np.nanmedian(table["mcse"])) * max(float(steepness), 1e-12)
    places = int(np.clip(np.floor(-np.log10(error)), 0, 8)) if np.isfinite(error) and error > 0 else 3
    raw, partial, complete = (
        convert(table[c].to_numpy(dtype=float)) for c in ("no_pooling", "mean", "complete_pooling")
    )
    return {
        "name": name,
        "places": places,
        "raw": _rounded(raw, places + 1),
        "partial": _rounded(partial, places + 1),
        "lower": _rounded(ends[0], places + 1),
        "upper": _rounded(ends[1], places + 1),
        "complete": _rounded(complete[:1], places + 1)[0],
    }


def _rounded(values: Any, places: int) -> list[float | None]:
    numbers: Array = np.round(np.asarray(values, dtype=float), places)
    return [float(value) if np.isfinite(value) else None for value in numbers]


def _thin(table: pd.DataFrame, width: int, most: int) -> tuple[pd.DataFrame, int]:
    """Return the rows of at most that many groups, spread evenly, and how many groups are left out."""
    count = len(table) // width
    if count <= most:
        return table, 0
    chosen = np.linspace(0, count - 1, most).round().astype(int)
    return table[np.isin(np.arange(len(table)) // width, chosen)], count - most


def _embed(data: dict[str, Any]) -> str:
    """Return data as JSON that can stand inside a script element."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
