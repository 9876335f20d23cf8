"""The quantities on which decisions rest, in every specification of a multiverse, and whether their signs hold."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.display.tables import describe
from bayesmixed.errors import SpecError
from bayesmixed.fits.fitting import Fit
from bayesmixed.prediction.prior_samples import sample_prior
from bayesmixed.summaries.marginal.changes import explaining_columns, telling_change
from bayesmixed.summaries.marginal.expression_tails import expression_has_mean
from bayesmixed.summaries.marginal.expressions import evaluate_draws
from bayesmixed.summaries.marginal.row_comparisons import comparisons
from bayesmixed.summaries.variance.intraclass import as_draws, icc

ASKED, EFFECT, ICC = "asked", "effect", "ICC"
LABELS = ["structure", "set"]
Asked = Mapping[str, str | Callable[[Fit], xr.DataArray]]


class Decision(NamedTuple):
    """Draws (chain, draw) of one quantity in one specification, whether they have a mean, and what an effect is one of."""

    quantity: str
    name: str
    draws: xr.DataArray
    mean: bool
    estimand: str = ""


def check_expressions(asked: Asked, designs: Mapping[str, Design]) -> None:
    """Refuse an expression that cannot be read in any of the models, or is no number (SpecError)."""
    texts = {name: text for name, text in asked.items() if isinstance(text, str)}
    every = [_without_draws(design) for design in designs.values()] if texts else []
    for name, text in texts.items():
        if not any(_can_be_read(text, posterior) for posterior in every):
            evaluate_draws(text, every[0])
        if "<" in text or ">" in text:
            raise SpecError(f"quantities: '{name}' is a comparison. Give the number whose sign or size decides.")


def _without_draws(design: Design) -> xr.Dataset:
    """Return numbers of no meaning under all names of a posterior."""
    found = sample_prior(design, draws=2).posterior
    for predictor in design.predictors.values():
        coords = predictor.coords()
        for block in predictor.groups:
            dims = predictor.b_dims(block)
            zeros = np.zeros((1, 2, *(len(coords[dim]) for dim in dims)))
            found[predictor.b(block)] = (("chain", "draw", *dims), zeros)
            found = found.assign_coords({dim: list(coords[dim]) for dim in dims})
    return found


def _can_be_read(text: str, posterior: xr.Dataset) -> bool:
    try:
        evaluate_draws(text, posterior)
    except SpecError:
        return False
    return True


def find_decisions(fit: Fit, asked: Asked, seed: int) -> tuple[list[Decision], list[str]]:
    """Return what was asked for, what each column does to the expected response, and the intraclass correlations; and
    what there is not, and why."""
    found: list[Decision] = []
    notes: list[str] = []
    for name, quantity in asked.items():
        if not isinstance(quantity, str):
            draws = quantity(fit)
            found.append(Decision(ASKED, name, draws, bool(draws.attrs.get("has_mean", True))))
        elif _can_be_read(quantity, fit.posterior):
            draws = as_draws(np.array(evaluate_draws(quantity, fit.posterior).values), fit.posterior)
            found.append(Decision(ASKED, name, draws, expression_has_mean(quantity, fit.design, fit.posterior)))
        else:
            notes.append(f"no '{name}', whose parameters are not in this structure")
    try:
        found += _effects(fit, seed)
    except SpecError as error:
        notes.append(f"no comparisons of the expected response: {error}")
    try:
        correlations = icc(fit, draws=True)
    except SpecError:  # no factor with several rows for a level: there is nothing to correlate
        return found, notes
    scale = correlations.attrs["scale"]
    for label, values in correlations.items():
        effect, _, term = str(label).partition(" ")
        if effect == "icc":
            found.append(Decision(ICC, f"{term} ({scale} scale)", values, True))
    return found, notes


def _effects(fit: Fit, seed: int) -> Iterator[Decision]:
    """Yield what each column does to the expected response, as `describe_effects` says it."""
    names = explaining_columns(fit.design)
    if not names:
        return
    changes = {name: telling_change(fit.design, name) for name in names}
    found = comparisons(fit, changes, over="grid", seed=seed)
    mean = "mean" in found.table
    for place, (variable, contrast) in enumerate(zip(found.table["variable"], found.table["contrast"], strict=True)):
        draws = found.draws.isel(row=place, drop=True)
        yield Decision(EFFECT, f"{variable}: {contrast}", draws, mean, found.quantity.partition("; ")[0])


def tabulate_decisions(decisions: Mapping[tuple[str, str], list[Decision]]) -> pd.DataFrame:
    """Return one row for each quantity of each specification: estimates, and the probability that it is above 0.

    What has no mean in some specification has its median in all of them. Effects of one name on different estimands, such as
    means and medians, are different quantities.
    """
    what: dict[str, set[str]] = {}
    for one in (d for found in decisions.values() for d in found):
        what.setdefault(one.name, set()).add(one.estimand)
    decisions = {
        key: [d._replace(name=f"{d.name}, {d.estimand}") if len(what[d.name]) > 1 else d for d in found]
        for key, found in decisions.items()
    }
    without = {(d.quantity, d.name) for found in decisions.values() for d in found if not d.mean}
    names = dict.fromkeys((d.quantity, d.name) for found in decisions.values() for d in found)
    names = dict.fromkeys(sorted(names, key=lambda label: (ASKED, EFFECT, ICC).index(label[0])))
    rows: list[pd.DataFrame] = []
    for label in names:
        for key, found in decisions.items():
            for one in found:
                if (one.quantity, one.name) == label:
                    values = one.draws.values
                    row = describe(one.draws, mean=label not in without)
                    above = float(np.mean(values > 0.0) + 0.5 * np.mean(values == 0.0))
                    front = dict(zip(["quantity", "name", *LABELS], [*label, *key], strict=True))
                    rows.append(row.assign(**front, above=above, estimand=one.estimand))
    table = pd.concat(rows, ignore_index=True)
    table = table.reindex(columns=[*table.columns, *({"mean", "median"} - set(table.columns))])
    table["estimate"] = table["mean"].fillna(table["median"])
    order = ["quantity", "name", "estimand", *LABELS, "estimate", "sd", "lower", "upper", "mcse", "above"]
    return table.reindex(columns=order)


def count_signs(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each quantity: how many specifications have it, the share of them in which its estimate has the
    sign that it has in the first one, and in which the 95 % interval lies on that side too, and its range."""
    rows: list[dict[str, Any]] = []
    for (quantity, name), own in table.groupby(["quantity", "name"], sort=False):
        estimates = own["estimate"].to_numpy(dtype=float)
        sign = np.sign(estimates[0])
        clear = own["lower"] * sign > 0.0 if sign > 0.0 else own["upper"] * sign > 0.0
        row: dict[str, Any] = {"quantity": quantity, "name": name, "specifications": len(own)}
        if quantity != ICC:
            row |= {"sign": sign, "same_sign": np.mean(np.sign(estimates) == sign), "clear": np.mean(clear)}
        rows.append(row | {"lowest": estimates.min(), "highest": estimates.max()})
    columns = ["quantity", "name", "specifications", "sign", "same_sign", "clear", "lowest", "highest"]
    return pd.DataFrame(rows).reindex(columns=columns)
