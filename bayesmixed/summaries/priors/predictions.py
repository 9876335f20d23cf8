"""Data that the priors expect, beside the observed data."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import format_number, format_range
from bayesmixed.draws.tree import label_responses, stacked
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import as_responses, pack_counts
from bayesmixed.prediction.prior_samples import sample_prior
from bayesmixed.prediction.replicates import common_limits, replicate_fit
from bayesmixed.summaries.checks.check_statistics import UNKNOWN, Sample, choose_statistics, extreme_means
from bayesmixed.summaries.priors.tables import PriorTable, prior_table

DRAWS = 1000
OFTEN = 0.1
FAR = 10.0


@dataclass(frozen=True, slots=True, repr=False)
class PriorPredictive(Page):
    """What the priors expect; `str()` for terminals, HTML in notebooks.

    Attributes
    ----------
    design : Design
        With realised priors.
    priors : PriorTable
        The priors, and what they imply for groups: ratio of two groups, intraclass correlation, mean of a group.
    table : pandas.DataFrame
        Columns quantity, median, lower, upper (95 % of the prior's data sets), data.
    absurd : pandas.DataFrame
        Columns values, prior, data: shares of values that are impossible, or far from all that was seen.
    notes : tuple of str
        Where the data surprise the priors.
    draws : xarray.DataTree
        ArviZ groups `prior`, `prior_predictive`, `observed_data`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> expected = bm.prior_predictive("herd", data, draws=100, seed=1)
    >>> list(expected.table.columns)
    ['quantity', 'median', 'lower', 'upper', 'data']
    """

    design: Design
    priors: PriorTable
    table: pd.DataFrame
    absurd: pd.DataFrame
    notes: tuple[str, ...]
    draws: xr.DataTree

    @property
    def replicates(self) -> Array:
        """Data sets drawn from the prior, (S, n)."""
        return stacked(self.draws["prior_predictive"].to_dataset()[self.design.response_name])

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        return [*self.priors.sections(), *_sections(self)]


def expect(design: Design, *, draws: int, seed: int) -> PriorPredictive:
    """Return what the priors of a design expect of its rows."""
    prior = sample_prior(design, draws=draws, seed=seed)
    return beside_data(design, prior.posterior, replicate_fit(prior, groups="new", seed=seed))


def beside_data(design: Design, prior: xr.Dataset, made: xr.Dataset) -> PriorPredictive:
    """Return draws from the priors and the data sets that follow from them, compared with the data."""
    y = as_responses(design.response)
    limits = common_limits(design)
    made[design.response_name] = made[design.response_name].clip(*(limits or (None, None)))
    values = made[design.response_name].values
    replicates = (pack_counts(np.moveaxis(values, -1, 0)) if design.family.counted else values).reshape(-1, design.rows)
    table, absurd = _quantities(design, y, replicates), _absurd(design, y, replicates)
    tree = {
        "prior": prior,
        "prior_predictive": made,
        "observed_data": xr.Dataset({design.response_name: label_responses(design, y)}),
    }
    notes = tuple(_notes(table, absurd))
    if limits is None:
        notes += (
            f"Data sets from the priors are not censored, as the limits of the other rows are not known; the data are "
            f"({design.observed.limits_text}), so that the former may well reach farther.",
        )
    return PriorPredictive(design, prior_table(design), table, absurd, notes, xr.DataTree.from_dict(tree))


def _quantities(design: Design, y: Array, replicates: Array) -> pd.DataFrame:
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), y.shape)
    chosen = [statistic for statistic in choose_statistics(design) if not statistic.residual]
    rows = []
    for statistic in (*chosen, *extreme_means(design)):
        with np.errstate(over="ignore", invalid="ignore"):
            data, made = (statistic.compute(Sample(values, trials, UNKNOWN, UNKNOWN)) for values in (y, replicates))
        lower, median, upper = np.quantile(made, [0.025, 0.5, 0.975])
        rows.append((statistic.name, float(median), float(lower), float(upper), float(data)))
    return pd.DataFrame(rows, columns=["quantity", "median", "lower", "upper", "data"])


def _absurd(design: Design, y: Array, replicates: Array) -> pd.DataFrame:
    """Return the shares of values that the data rule out at first sight, by what the support is."""
    negative, large = design.family.accepts(np.array([-1.0, 1e6]), 1.0)
    rows: list[tuple[str, float, float]] = []
    if not large or design.family.has_trials:
        return pd.DataFrame(rows, columns=["values", "prior", "data"])
    if not negative:
        limit = FAR * y.max()
        rows.append((f"above {FAR:g} times the largest of the data", float(np.mean(replicates > limit)), 0.0))
    else:
        reach = np.ptp(y)
        far = (replicates < y.min() - reach) | (replicates > y.max() + reach)
        rows.append(("farther from the data than their whole range", float(np.mean(far)), 0.0))
        if np.all(y >= 0):
            rows.append(("below 0", float(np.mean(replicates < 0)), 0.0))
    return pd.DataFrame(rows, columns=["values", "prior", "data"])


def _notes(table: pd.DataFrame, absurd: pd.DataFrame) -> Iterator[str]:
    columns = ("quantity", "data", "lower", "upper")
    for quantity, data, lower, upper in zip(*(table[name] for name in columns), strict=True):
        if not lower <= data <= upper:
            yield (
                f"{quantity}: the data have {format_number(data, 3)}, outside of the prior's 95 % range "
                f"{' to '.join(format_range((lower, upper), 3))}."
            )
    for values, share in zip(absurd["values"], absurd["prior"], strict=True):
        if share > OFTEN:
            yield f"{_percent(share)} of the prior's values lie {values}: try tighter priors."


def _sections(result: PriorPredictive) -> list[Section]:
    table, absurd = result.table, result.absurd
    texts = [format_range(row, 3) for row in zip(table["lower"], table["median"], table["upper"], strict=True)]
    shown = pd.DataFrame(
        {
            "quantity": table["quantity"],
            "median": [middle for _, middle, _ in texts],
            "95 % range": [f"{low} to {high}" for low, _, high in texts],
            "data": [format_number(value, 3) for value in table["data"]],
        }
    )
    response = result.design.spec.response
    sections = [Section(title=f"{response} as the priors expect it, and in the data", table=shown)]
    if len(absurd):
        shares = absurd.assign(prior=[_percent(share) for share in absurd["prior"]])
        shares["data"] = [_percent(share) for share in absurd["data"]]
        sections.append(Section(title=f"Share of values of {response}", table=shares))
    if result.notes:
        sections.append(Section(title="Priors against data", before=tuple(f"- {note}" for note in result.notes)))
    return sections


def _percent(share: float) -> str:
    return "0 %" if share == 0 else "< 1 %" if share < 0.01 else f"{100 * share:.0f} %"
