"""The effects of a model in sentences, on the scale of the response."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.estimates import as_estimates, say_null
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import format_table, middle_of
from bayesmixed.fits.fitting import Fit
from bayesmixed.summaries.marginal.changes import changes_of, explaining_columns, telling_change
from bayesmixed.summaries.marginal.contrast_weights import value_texts
from bayesmixed.summaries.marginal.grids import grid_draws, make_grid
from bayesmixed.summaries.marginal.row_comparisons import comparisons

_MOST = 12
"""Comparisons of one column that are said; the table has all of them."""


@dataclass(frozen=True, slots=True, repr=False)
class DescribedEffects(Page):
    """What each column does to the response, in sentences; `str()` for terminals, HTML in notebooks.

    Attributes
    ----------
    sentences : tuple of str
        One for each comparison, with its 95 % interval.
    notes : tuple of str
        What the numbers are averaged over, and where other columns are held.
    table : pandas.DataFrame
        The comparisons behind the sentences, as `comparisons` returns them; of a model without columns the expected
        response.
    """

    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    table: pd.DataFrame

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        return [Section(before=(*(f"- {sentence}" for sentence in self.sentences), *self.notes))]


@takes_drawn_values(tables="columns")
def describe_effects(fit: Fit, *, seed: int | None = None) -> DescribedEffects:
    """Return what each column of the model does to the expected response, in sentences.

    Each level of a factor is compared with the first one; a number that counts whole units changes by 1, another one from half
    an SD below its mean to half an SD above. Other factors are averaged over with equal weights, other numbers are held
    at their means, and groups are integrated out: `comparisons` with over="grid".

    Parameters
    ----------
    fit : Fit
        The fitted model.
    seed : int, optional
        Of the groups that are drawn where an average over groups needs it.

    Raises
    ------
    SpecError
        The response has no expected value that could be averaged.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> print(bm.describe_effects(fit).sentences[2])
    period, 4 instead of 1: expected incidence / size is lower by 0.156 (95 % interval 0.087 to 0.231).
    """
    names = explaining_columns(fit.design)
    if not names:
        return _describe_mean(fit, seed)
    kind = "probability" if fit.design.family.template else "mean"
    found = comparisons(
        fit, {name: telling_change(fit.design, name) for name in names}, over="grid", kind=kind, seed=seed
    )
    what, _, where = found.quantity.removeprefix("difference of ").partition("; ")
    middle, shown = middle_of(found.table), format_table(found.table)
    sentences: list[str] = []
    for name in names:
        rows = np.flatnonzero(found.table["variable"] == name)
        words = _words(fit, name)
        sentences += [
            f"{name}, {words[shown['contrast'].iloc[row]]}: {_say(what, shown.iloc[row], found.table.iloc[row], middle)}"
            for row in rows[:_MOST]
        ]
        if len(rows) > _MOST:
            sentences.append(f"{name}: {len(rows) - _MOST} more levels are in the table of comparisons.")
    notes = [note for note in found.notes if note != say_null(0.0, None)]
    return DescribedEffects(tuple(sentences), (*([f"{where}."] if where else []), *notes), found.table)


def _words(fit: Fit, name: str) -> dict[str, str]:
    """Return what is said of each comparison of a column, by its label."""
    changes = changes_of(fit, name, telling_change(fit.design, name), "-")
    texts = value_texts(changes.values)
    return {
        label: "1 higher" if changes.added else f"{texts[high]} instead of {texts[low]}"
        for label, low, high in changes.pairs
    }


def _say(what: str, shown: pd.Series, row: pd.Series, middle: str) -> str:
    """Return a comparison in words; the sign is said only where the interval has one."""
    what = f"probability of {row['category']}" if "category" in row else what
    low, high = float(row["lower"]), float(row["upper"])
    if low == high == 0.0:
        return f"{what} is the same under this model."
    if low <= 0.0 <= high:
        return (
            f"{what} may be lower or higher; the difference is {shown[middle]} "
            f"(95 % interval {shown['lower']} to {shown['upper']})."
        )
    ends = [str(shown[name]).removeprefix("-") for name in ("lower", "upper")]
    near, far = ends if low > 0.0 else ends[::-1]
    size = str(shown[middle]).removeprefix("-")
    return f"{what} is {'higher' if low > 0.0 else 'lower'} by {size} (95 % interval {near} to {far})."


def _describe_mean(fit: Fit, seed: int | None) -> DescribedEffects:
    """Return the expected response of a model without columns."""
    grid = make_grid(fit, {}, None, ())
    draws = grid_draws(fit, grid, "mean", "average", seed)
    labels = pd.DataFrame({"quantity": ["expected response"]})
    found = as_estimates("", "", (), labels, draws, mean=bool(draws.attrs["has_mean"]))
    what, _, where = str(draws.attrs["estimand"]).partition("; ")
    shown = format_table(found.table).iloc[0]
    value = f"{shown[middle_of(found.table)]} (95 % interval {shown['lower']} to {shown['upper']})"
    sentence = f"{what[0].upper()}{what[1:]}: {value}."
    return DescribedEffects((sentence,), (*([f"{where}."] if where else []), *grid.notes), found.table)
