"""Data sets of several responses that the priors expect: of each response, and how responses vary together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.design.joint_designs import JointDesign
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import format_number, format_range
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.prediction.joint_predictions import label_rows
from bayesmixed.prediction.joint_prior_samples import sample_joint_prior
from bayesmixed.prediction.joint_replicates import replicate_responses
from bayesmixed.summaries.priors.predictions import PriorPredictive, beside_data


@dataclass(frozen=True, slots=True, repr=False)
class JointPriorPredictive(Page):
    """What the priors expect of several responses; `expected["y1"]` is that of one.

    Attributes
    ----------
    design : JointDesign
        With realised priors.
    parts : mapping of str to PriorPredictive
        By response, of data sets that were drawn together.
    priors : pandas.DataFrame
        Columns parameter, prior, source, meaning: of the correlations between responses.
    table : pandas.DataFrame
        Columns quantity, median, lower, upper (95 % of the prior's data sets), data: correlations of two responses over the
        rows that have both.
    draws : xarray.DataTree
        ArviZ groups `prior`, `prior_predictive`, `observed_data`; variables are named as those of a fit.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy").assign(speed=lambda one: 1000 / one["Reaction"])
    >>> formulas = ["Reaction ~ Days + (1 |p| Subject)", "speed ~ Days + (1 |p| Subject)"]
    >>> expected = bm.prior_predictive(formulas, data, rescor=True, draws=100, seed=1)
    >>> expected.priors["parameter"].tolist(), expected.table["quantity"].tolist()
    (['corr_Subject', 'rescor'], ['correlation of Reaction and speed'])
    """

    design: JointDesign
    parts: Mapping[str, PriorPredictive]
    priors: pd.DataFrame
    table: pd.DataFrame
    draws: xr.DataTree

    def __getitem__(self, response: str) -> PriorPredictive:
        if response not in self.parts:
            raise SpecError(f"There is no response '{response}'. {did_you_mean(str(response), self.parts)}")
        return self.parts[response]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        return [*_common_sections(self), *(section for one in self.parts.values() for section in one.sections())]


def expect_together(design: JointDesign, *, draws: int, seed: int) -> JointPriorPredictive:
    """Return what the priors of several responses expect of their rows."""
    prior = sample_joint_prior(design, draws=draws, seed=seed)
    made = replicate_responses(prior, groups="new", seed=seed)
    parts = {}
    for name, fit in prior.fits.items():
        own = made[[name]].rename({dim: "row" for dim in made[name].dims if str(dim).startswith("row")})
        parts[name] = beside_data(design[name], fit.posterior, own.drop_vars([n for n in own if n != name]))
    kept, observed = (
        {name: part.draws[group].to_dataset()[name] for name, part in parts.items()}
        for group in ("prior_predictive", "observed_data")
    )
    tree = {
        "prior": prior.posterior,
        "prior_predictive": xr.Dataset(label_rows(design.parts, kept)),
        "observed_data": xr.Dataset(label_rows(design.parts, observed)),
    }
    table = _correlations(design, {name: part.replicates for name, part in parts.items()})
    return JointPriorPredictive(design, parts, common_priors(design), table, xr.DataTree.from_dict(tree))


def common_priors(design: JointDesign) -> pd.DataFrame:
    """Return the priors of the correlations between responses: parameter, prior, source, meaning."""
    rows = [(key, str(entry.prior), entry.source, entry.about) for key, entry in design.priors.items()]
    return pd.DataFrame(rows, columns=["parameter", "prior", "source", "meaning"])


def _correlations(design: JointDesign, replicates: Mapping[str, Array]) -> pd.DataFrame:
    """Return the correlations of two responses over the rows that have both, as the priors expect them and in the data."""
    rows = []
    for first, second in combinations([name for name, part in design.parts.items() if not part.family.template], 2):
        labels = [design[name].table.data.index for name in (first, second)]
        if not all(one.is_unique for one in labels):
            continue
        both = labels[0].intersection(labels[1], sort=False)
        places = [one.get_indexer(both) for one in labels]
        made = [_standardised(replicates[name][:, own]) for name, own in zip((first, second), places, strict=True)]
        data = [
            _standardised(np.asarray(design[name].response, dtype=float)[None, own])
            for name, own in zip((first, second), places, strict=True)
        ]
        drawn, seen = (np.sum(one[0] * one[1], axis=-1) for one in (made, data))
        drawn = drawn[np.isfinite(drawn)]
        if len(both) > 2 and len(drawn):
            lower, median, upper = np.quantile(drawn, [0.025, 0.5, 0.975])
            name = f"correlation of {first} and {second}"
            rows.append((name, float(median), float(lower), float(upper), float(seen[0])))
    return pd.DataFrame(rows, columns=["quantity", "median", "lower", "upper", "data"])


def _standardised(values: Array) -> Array:
    """Return deviations from the mean of each data set, (S, n), of which squares sum to 1; NaN where all are equal."""
    largest = np.max(np.abs(values), axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = values / largest
        moved = scaled - scaled.mean(axis=-1, keepdims=True)
        return np.asarray(moved / np.sqrt(np.sum(moved**2, axis=-1, keepdims=True)))


def _common_sections(result: JointPriorPredictive) -> list[Section]:
    sections = []
    if len(result.priors):
        sections.append(Section(title="Priors of several responses", table=result.priors))
    if len(result.table):
        table = result.table
        texts = [format_range(row, 3) for row in zip(table["lower"], table["median"], table["upper"], strict=True)]
        shown = table[["quantity"]].assign(median=[middle for _, middle, _ in texts])
        shown["95 % range"] = [f"{low} to {high}" for low, _, high in texts]
        shown["data"] = [format_number(value, 3) for value in table["data"]]
        sections.append(Section(title="Responses together, as the priors expect them and in the data", table=shown))
    return sections
