"""The variance dossier: where the variation of a response comes from, on one page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import drop_empty, format_table
from bayesmixed.errors import SpecError
from bayesmixed.fits.fitting import Fit
from bayesmixed.summaries.variance.components import variance_components
from bayesmixed.summaries.variance.explained_variance import r2
from bayesmixed.summaries.variance.group_spread import effective_groups, negligible_sds, show_negligible, typical_ratios
from bayesmixed.summaries.variance.intraclass import icc
from bayesmixed.summaries.variance.vpc_curves import has_slopes, vpc_curve

_EXPLANATIONS = {
    "components": ("SDs, variances and correlations", "SDs of groups are on the link scale."),
    "icc": (
        "Intraclass correlation: two observations with ...",
        "Near 1: groups differ much, and keep their own estimates; near 0: noise, strong shrinkage.",
    ),
    "vpc": (
        "Share of the variance between groups, over a covariate",
        "With random slopes it changes with the covariate; bm.plot_vpc_curve draws it.",
    ),
    "ratios": (
        "Typical difference between two groups",
        "The median over pairs of groups at random; for a ratio, of the larger over the smaller.",
    ),
    "negligible": (
        "Probability that a group SD is negligible",
        "Below a tenth of the unit of its scale, beside the same probability before the data. Not a test of zero.",
    ),
    "effective": (
        "Effective number of effects, given the population part",
        "From 0 (groups pooled completely) to the number of effects (not pooled).",
    ),
    "r2": ("R2: share of the variance explained", "marginal: population part alone; conditional: with the groups."),
}
_SHOWN_POINTS = 5


@dataclass(frozen=True, slots=True, repr=False)
class VarianceDossier(Page):
    """Where the variation comes from; `str()` for terminals, HTML in notebooks.

    Attributes
    ----------
    heading : str
        The model.
    tables : mapping of str to pandas.DataFrame
        "components", "icc", "vpc" (with slopes), "ratios", "negligible", "effective", "r2": what the functions of
        these names return.
    notes : tuple of str
        What the model does not have, and why.
    """

    heading: str
    tables: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...]

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        sections = [Section(before=(self.heading,))]
        for name, table in self.tables.items():
            title, meaning = _EXPLANATIONS[name]
            sections.append(Section(title, table=_shown(name, table), after=(meaning,)))
        notes = tuple(f"- {note}" for note in self.notes)
        return [*sections, *([Section("Notes", before=notes)] if notes else [])]


@takes_drawn_values(tables="columns")
def variance_dossier(fit: Fit) -> VarianceDossier:
    """Return everything about the variation of a response: components, ICC, curves, ratios, pooling, R2.

    All numbers are posterior means with 95 % equal-tailed intervals, computed draw by draw.

    Raises
    ------
    SpecError
        The model has no grouping factor.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> list(bm.variance_dossier(fit).tables)
    ['components', 'icc', 'ratios', 'negligible', 'effective', 'r2']
    """
    if not list(fit.design.group_blocks()):
        raise SpecError("A variance dossier needs a grouping factor: add a term such as (1 | group).")
    sources: dict[str, Callable[[Fit], pd.DataFrame]] = {
        "components": variance_components,
        "icc": lambda one: icc(one),
        **({"vpc": vpc_curve} if has_slopes(fit) else {}),
        "ratios": typical_ratios,
        "negligible": negligible_sds,
        "effective": effective_groups,
        "r2": r2,
    }
    tables, notes = {}, []
    for name, source in sources.items():
        try:
            tables[name] = source(fit)
        except SpecError as error:
            notes.append(f"{_EXPLANATIONS[name][0]}: {error}")
        else:
            notes += [tables[name].attrs["note"]] if "note" in tables[name].attrs else []
    spec, family = fit.design.spec, fit.design.family
    heading = f"{spec.formula}   (family {family.name}, link {fit.design.mu.link.name}; {fit.design.row_text})"
    return VarianceDossier(heading, tables, tuple(dict.fromkeys(notes)))


def _shown(name: str, table: pd.DataFrame) -> pd.DataFrame:
    if name == "negligible":
        return show_negligible(table)
    if name == "components":
        table = table[table["quantity"].isin(["sd", "correlation"])]
    if name == "vpc":
        points = len(table) // table["term"].nunique()
        chosen = np.linspace(0, points - 1, _SHOWN_POINTS).round().astype(int)
        table = table[np.isin(np.arange(len(table)) % points, chosen)].assign(
            value=lambda t: t["value"].map("{:.4g}".format)
        )
    return drop_empty(format_table(table))
