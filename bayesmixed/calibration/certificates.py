"""Certificates: what a second engine and refits of simulated data say about a fit, as a page."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from bayesmixed.calibration.engine_comparison import STATISTICS
from bayesmixed.calibration.rank_tests import joint, location_p, reject, spread_p
from bayesmixed.calibration.simulated_fits import SimulatedFit, tabulate_ranks
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import to_text
from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.fits.convergence import Diagnosis, diagnose
from bayesmixed.fits.fitting import Fit
from bayesmixed.summaries.false_alarms import RATES

LEVEL = RATES["verify"].chance / 2.0
"""Chance of a false alarm of each of the two parts."""
RHAT = 1.05
_POWER = 0.84
"""Normal quantile of 80 %, the chance with which an error that is said to show does."""


@dataclass(frozen=True, slots=True, repr=False)
class Verification(Page):
    """A certificate for a fit; read `verdict` first.

    Attributes
    ----------
    formula : str
        The model.
    engine, other : str
        The engine of the fit and the one that checked it, "" if there is none.
    seeds : (int, int)
        Of the fit, and that given to `verify`, which repeats it.
    diagnosis : Diagnosis
        The convergence of the fit.
    table : pandas.DataFrame
        What the two engines say, one row per quantity and statistic (mean, sd, 2.5 %, 97.5 %): quantity, statistic, fit, other,
        mcse (of the difference), z (the difference in these), p.
    refits : tuple of SimulatedFit
        Fits to simulated data, failures too.
    unclear : tuple of str
        Why there is no verdict.
    notes : tuple of str
        What was left out, and why.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.fit("sleepstudy_intercept", bm.datasets.load("sleepstudy"), seed=1, progress=False)
    >>> found = bm.verify(fit, refits=2, progress=False)
    >>> found.ok, found.engine, found.other, found.table["quantity"].nunique()
    (True, 'collapsed', 'marginal', 5)
    """

    formula: str
    engine: str
    other: str
    seeds: tuple[int, int]
    diagnosis: Diagnosis
    table: pd.DataFrame
    refits: tuple[SimulatedFit, ...]
    unclear: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the fit was checked and nothing speaks against it."""
        return not self.problems and not self.unclear

    @property
    def p(self) -> float:
        """Probability that engines that agree differ as much in any row of the table; 1 without a second engine."""
        return joint(self.table["p"].to_numpy())

    @property
    def disagreements(self) -> tuple[str, ...]:
        """Quantities about which the engines disagree."""
        return tuple(dict.fromkeys(self.table["quantity"][reject(self.table["p"].to_numpy(), LEVEL)]))

    @property
    def resolution(self) -> pd.Series:
        """By quantity, the smallest error of its mean, in posterior SDs, that shows in 80 % of cases."""
        return find_resolution(self.table)

    @property
    def ranks(self) -> pd.DataFrame:
        """One row per refit and quantity: number, quantity, truth, rank, draws, pit."""
        return tabulate_ranks(self.refits)

    @property
    def rank_table(self) -> pd.DataFrame:
        """One row per quantity: quantity, n, mean (of the ranks, on (0, 1)), p_location, p_spread (tests of uniform ranks)."""
        pits = [(name, own["pit"].to_numpy()) for name, own in self.ranks.groupby("quantity", sort=False)]
        rows = [(name, len(pit), float(pit.mean()), location_p(pit), spread_p(pit)) for name, pit in pits]
        return pd.DataFrame(rows, columns=["quantity", "n", "mean", "p_location", "p_spread"])

    @property
    def suspicious(self) -> tuple[str, ...]:
        """Quantities whose true values refits of simulated data do not find."""
        table = self.rank_table
        rejected = reject(table[["p_location", "p_spread"]].to_numpy(dtype=float).ravel(), LEVEL)
        return tuple(table["quantity"][rejected.reshape(-1, 2).any(axis=1)])

    @property
    def problems(self) -> tuple[str, ...]:
        """What speaks against the fit."""
        found = () if self.diagnosis.ok else (f"its draws cannot be used: {self.diagnosis.problems[0]}",)
        if self.disagreements:
            who, what = f"the engines '{self.engine}' and '{self.other}'", enumerate_words(self.disagreements)
            found = (*found, f"{who} disagree about {what} by more than Monte Carlo error")
        if self.suspicious:
            what = enumerate_words(self.suspicious)
            found = (*found, f"refits of simulated data do not find the true values of {what}")
        return found

    @property
    def verdict(self) -> str:
        """Whether the fit can be relied on, in a sentence."""
        if self.problems:
            return f"NOT VERIFIED: {'; '.join(self.problems)}."
        if self.unclear:
            return f"NO VERDICT: {'; '.join(self.unclear)}."
        found = [f"'{self.other}' draws from the same posterior as '{self.engine}'"] if self.other else []
        found += [f"{len(self.refits)} refits of simulated data find the true values"] if self.refits else []
        return f"Verified: {', and '.join(found)}."

    @property
    def advice(self) -> tuple[str, ...]:
        """What to try, most useful first; nothing if the fit is verified."""
        return tuple(dict.fromkeys(_advise(self)))

    def check(self, fit: Fit) -> None:
        """Refuse a fit that this is not a certificate for (SpecError)."""
        made_for = (self.formula, self.engine, self.seeds[0])
        same = made_for == (fit.design.spec.formula, fit.engine.name, fit.settings.seed)
        if not (same and self.diagnosis.table.equals(diagnose(fit).table)):  # other data, priors or draws mix otherwise
            raise SpecError(
                f"This is a verification of '{self.formula}' by '{self.engine}' with seed {self.seeds[0]}, but of another "
                "fit, or of this one before it was extended. Verify this one: bm.verify(fit)."
            )

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        said = (self.verdict, *(f"- try: {text}" for text in self.advice))
        sections = [Section("Verification", (f"{self.formula}, sampled by '{self.engine}'.", *said))]
        if len(self.table):
            heading = f"Engines '{self.engine}' and '{self.other}'"
            sections.append(Section(heading, table=_show_engines(self), after=_read_engines(self)))
        if self.refits:
            sections.append(Section("Refits of simulated data", table=_show_ranks(self), after=_read_ranks(self)))
        return [*sections, *([Section("Notes", tuple(f"- {note}" for note in self.notes))] if self.notes else [])]


def find_resolution(table: pd.DataFrame) -> pd.Series:
    """Return by quantity the smallest error of its mean, in posterior SDs, that a comparison of draws shows in 80 % of cases."""
    mean, sd = (table[table["statistic"] == name].set_index("quantity") for name in ("mean", "sd"))
    limit = -special.ndtri(0.5 * LEVEL / max(1, len(table))) + _POWER
    return limit * mean["mcse"] / sd["other"]


def _advise(found: Verification) -> Iterator[str]:
    yield from found.diagnosis.advice
    refused = " ".join((*found.unclear, *found.notes))
    tried = (found.engine, found.other)
    left = [name for name in ("kernel", "pymc") if name not in tried and f"{name}: " not in refused]
    calls = " or ".join(f'bm.verify(fit, engine="{name}")' for name in left)
    if found.disagreements:
        yield "more draws: bm.refit(fit, draws=4000)"
        if calls:
            yield f"a third engine, which shows who is alone: {calls}"
        yield (
            "if long runs disagree, one of the engines is wrong about this model: please report it, with the seeds "
            f"{found.seeds[0]} of the fit and {found.seeds[1]} of the verification"
        )
    if found.suspicious:
        yield "more refits: bm.verify(fit, refits=100)"
        yield "whether the engine is right under data from the priors: bm.calibrate(fit.design.spec, data=...)"
    if found.unclear and not found.problems:
        yield "more draws: bm.extend(fit, 4000)"
        if calls:
            yield f"another engine as the second: {calls}"


def _show_engines(found: Verification) -> pd.DataFrame:
    wide = found.table.pivot(index="quantity", columns="statistic", values=["fit", "other", "mcse", "z"])
    wide = wide.loc[list(dict.fromkeys(found.table["quantity"]))]
    shown: dict[str, Any] = {"quantity": list(wide.index)}
    for statistic in ("mean", "sd"):
        for column, name in (("fit", found.engine), ("other", found.other)):
            pairs = zip(wide[column][statistic], wide["mcse"][statistic], strict=True)
            shown[f"{statistic}, {name}"] = [to_text(value, error) for value, error in pairs]
    return pd.DataFrame(shown | {f"z, {name}": [f"{z:.1f}" for z in wide["z"][name]] for name in STATISTICS})


def _read_engines(found: Verification) -> tuple[str, ...]:
    size = found.resolution
    return (
        f"z: differences in Monte Carlo standard errors. Of all {len(found.table)} together p = {_write(found.p)}; engines that "
        f"agree are below {LEVEL:g} in at most {100 * LEVEL:g} % of cases.",
        f"A mean that is wrong by {size.min():.2f} ({size.idxmin()}) to {size.max():.2f} posterior SDs ({size.idxmax()}) shows "
        "in 80 % of cases.",
    )


def _show_ranks(found: Verification) -> pd.DataFrame:
    table = found.rank_table
    return pd.DataFrame(
        {
            "quantity": table["quantity"],
            "mean rank": table["mean"].map("{:.2f}".format),
            "p, too low or high": table["p_location"].map(_write),
            "p, too narrow or wide": table["p_spread"].map(_write),
        }
    )


def _read_ranks(found: Verification) -> tuple[str, ...]:
    tests = 2 * len(found.rank_table)
    diverged = sum(one.divergences > 0 for one in found.refits)
    slow = sum(one.rhat > RHAT for one in found.refits)
    return (
        f"{len(found.refits)} refits of the data together with as many rows simulated from a posterior draw. Right samplers "
        f"have a mean rank of 0.5; some p of {tests} is below {LEVEL / tests:.1g} in at most {100 * LEVEL:g} % of cases.",
        f"Refits with divergences: {diverged}; with R-hat above {RHAT}: {slow}.",
    )


def _write(p: float) -> str:
    return "" if np.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"
