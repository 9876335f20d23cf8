"""Convergence of the sampler, in words first."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from textwrap import indent

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from bayesmixed.arguments import pools
from bayesmixed.display.pages import Page, Section, wrap
from bayesmixed.draws.pooled import draws_of_table, moments_of_tables
from bayesmixed.draws.tree import draw_names, top_level_names, top_level_numbers
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit

RHAT = 1.01
ESS_PER_CHAIN = 100
BFMI = 0.3
DEPTH = 10
WATCHED = 100
_BATCHES = 20
_RARE = 0.01


@dataclass(frozen=True, slots=True, repr=False)
class Diagnosis(Page):
    """Verdict on the draws of a fit.

    Attributes
    ----------
    ok : bool
        True if nothing below speaks against using the draws.
    problems, advice : tuple of str
        What is wrong, and what to try, most useful first.
    divergences : int
        Divergent transitions after tuning.
    table : pandas.DataFrame
        Largest R-hat and smallest bulk and tail effective sample size of each variable; of one with many elements among
        those whose means of batches of draws vary most.
    doubtful : bool
        False if the only problem is an interruption: the draws that were kept look sound.
    steps : bool
        False for chains of independent proposals, which cannot diverge.
    tables : str
        Of imputed tables: how many there are, and what missing values cost at most.
    """

    ok: bool
    problems: tuple[str, ...]
    advice: tuple[str, ...]
    divergences: int
    table: pd.DataFrame
    doubtful: bool = True
    steps: bool = True
    tables: str = ""

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        return [Section(before=tuple(self.paragraphs()))]

    def __str__(self) -> str:
        return "\n".join(
            indent(line, "  ") if text.startswith("- ") else line for text in self.paragraphs() for line in wrap([text])
        )

    def paragraphs(self) -> Iterator[str]:
        """Yield the verdict, and where it is bad, what is wrong and what to try."""
        if self.ok:
            none = "no divergences, " if self.steps else ""
            number, _, lost = self.tables.partition("; ")
            where, after = (f" in each of {number}", f" {lost}") if self.tables else ("", "")
            yield (
                f"Converged{where}: {none}R-hat at most {self.table['rhat'].max():.3f}, effective sample size at least "
                f"{self.table[['ess_bulk', 'ess_tail']].min().min():.0f}.{after}"
            )
            return
        yield (
            "NOT CONVERGED: do not use these numbers yet."
            if self.doubtful
            else "INTERRUPTED: fewer draws than asked for."
        )
        yield from (f"- {problem}" for problem in self.problems)
        yield "What to try:"
        yield from (f"- {advice}" for advice in self.advice)


@pools
def diagnose(fit: Fit | JointFit) -> Diagnosis:
    """Return the convergence verdict of a fit; of several responses that of all their variables.

    R-hat and effective sample sizes are those of Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021, Bayesian Anal
    16:667) by ArviZ. Read `ok` first: the draws of a fit that is not ok are not draws from the posterior.

    Of a fit of imputed tables each table has its own verdict: chains of different tables differ, which is no failure of the
    sampler but what the missing values cost (see `missing_information`).

    False alarms: independent draws of a right model pass R-hat 1.01 by chance in 3 % of quantities with 2 chains of 250
    draws, in 0.2 % with 4 chains of 250, 0.1 % with 2 chains of 500, and never in practice from 4 chains of 500 on. Where
    that chance is above 1 % for all quantities together the message says how large it is, for draws that are worth as many
    independent ones as these. No other problem is reported of independent draws in more than 1 % of fits.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> print(bm.diagnose(fit))
    Converged: no divergences, R-hat at most 1.006, effective sample size at least
    892.
    """
    if isinstance(fit, Fit) and fit.settings.tables > 1:
        return _diagnose_tables(fit)
    if isinstance(fit, JointFit):
        order = list(map(str, fit.posterior.data_vars))
        table, quantities, worth = _worst(fit.posterior, order)
        fit = next(iter(fit.fits.values()))
    else:
        names = [name for name in draw_names(fit.design) if name in fit.posterior]
        table, quantities, worth = _worst(fit.posterior, list(dict.fromkeys((*top_level_names(fit.design), *names))))
    stats = fit.draws["sample_stats"].to_dataset()
    divergences = int(stats["diverging"].sum()) if "diverging" in stats else 0
    chains = fit.settings.chains
    problems, advice = [], []
    if not fit.settings.complete:
        problems.append(f"the run was interrupted: {chains} chains of {fit.settings.draws} draws were kept")
        advice.append("let the sampling run to its end")
    if chains < 2:
        problems.append("one chain cannot show whether chains agree")
        advice.append("run 4 chains")
    if divergences:
        problems.append(f"{divergences} of {chains * fit.settings.draws} transitions diverged")
        advice.append(_against_divergences(fit))
    if table.empty:
        problems.append("all draws are the same: the sampler never moved")
        advice.append("give narrower priors, and look at prior_predictive for data of impossible size")
    slow = table[table["rhat"] > RHAT]
    if len(slow):
        worst = slow["rhat"].idxmax()
        problems.append(
            f"chains disagree: R-hat {slow['rhat'].max():.4f} for {worst} (should be at most {RHAT})"
            f"{_by_chance(chains, fit.settings.draws, quantities, worth[str(worst)])}"
        )
    needed = ESS_PER_CHAIN * max(chains, 1)
    for column, name in (("ess_bulk", "bulk"), ("ess_tail", "tail")):
        low = table[table[column] < needed]
        if len(low):
            problems.append(
                f"{name} effective sample size {low[column].min():.0f} for {low[column].idxmin()} (should be {needed})"
            )
    if len(problems) > len(advice):
        advice.append(f"run longer: draws={2 * fit.settings.draws}, tune={2 * fit.settings.tune}")
        if "diverging" in stats:
            advice.append('try another parameterisation: parameterisation="noncentred", "hierarchical" or "centred"')
    energy = np.atleast_1d(_bfmi(stats)) if "energy" in stats else np.ones(1)
    if np.any(energy < BFMI):
        problems.append(f"energy is explored slowly (E-BFMI {energy.min():.2f}, should be above {BFMI})")
        advice.append("look for an SD near zero, and for priors far wider than the data")
    if "tree_depth" in stats and float((stats["tree_depth"] >= DEPTH).mean()) > 0.05:
        problems.append("more than 5 % of the trajectories reached the largest length: sampling is slow, not wrong")
        advice.append("centre and scale the predictors")
    if stats.attrs.get("refused"):
        problems.append(f"proposals fit the posterior badly: {stats.attrs['refused']}")
        advice.append('sample with engine="kernel"')
    doubtful = len(problems) > (not fit.settings.complete)
    advised = tuple(dict.fromkeys(advice))
    return Diagnosis(not problems, tuple(problems), advised, divergences, table, doubtful, "diverging" in stats)


def fit_of_table(fit: Fit, place: int) -> Fit:
    """Return the fit of one imputed table, from 0, of a pooled fit; its design is that of the first table."""
    count = fit.settings.tables
    settings = replace(fit.settings, chains=fit.settings.chains // count, tables=1)
    return replace(fit, draws=draws_of_table(fit.draws, place, count), settings=settings)


def _diagnose_tables(fit: Fit) -> Diagnosis:
    """Return the verdict on all imputed tables: that chains of different tables differ is what missing values cost."""
    count = fit.settings.tables
    found = [diagnose(fit_of_table(fit, place)) for place in range(count)]
    problems = [f"table {place}: {said}" for place, one in enumerate(found, 1) for said in one.problems]
    joined = pd.concat([one.table for one in found]).groupby(level=0, sort=False)
    table = joined.agg({"rhat": "max", "ess_bulk": "min", "ess_tail": "min"})
    numbers = dict(top_level_numbers(fit.design, fit.posterior))
    lost = {
        name: float(moments_of_tables(draws.values, count).lost)
        for name, draws in numbers.items()
        if np.ptp(draws.values) > 0
    }
    most = max(lost, key=lambda name: lost[name])
    cost = f"Missing values lose up to {100 * lost[most]:.0f} % of the information, most about {most}."
    return Diagnosis(
        not problems,
        tuple(problems),
        tuple(dict.fromkeys(said for one in found for said in one.advice)),
        sum(one.divergences for one in found),
        table,
        any(one.doubtful for one in found if not one.ok),
        all(one.steps for one in found),
        f"{count} tables; {cost}",
    )


def _against_divergences(fit: Fit) -> str:
    if fit.settings.target_accept < 0.99:
        return "sample with target_accept=0.99"
    return "narrow the prior of SDs that the data say little about (few levels, SD near 0), e.g. HalfNormal(1)"


def chance_of_rhat(chains: int, draws: int, quantities: int = 1, worth: float = np.inf) -> float:
    """Return the probability that R-hat passes 1.01 for some of many independent quantities although the chains are right.

    With chains in halves of n draws, R-hat^2 = (n - 1) / n + t F / n, and F is a chi-squared over its degrees of freedom;
    t is how many draws of a chain are worth an independent one, 1 or draws / worth; the larger of two counts, that of the
    draws and that of their distances from the median.
    """
    halves, length = 2 * chains, draws // 2
    one = special.chdtrc(halves - 1, (halves - 1) * (length * (RHAT**2 - 1.0) + 1.0) * min(worth / draws, 1.0))
    return float(-np.expm1(2.0 * quantities * np.log1p(-min(one, 1.0 - 1e-16))))


def _by_chance(chains: int, draws: int, quantities: int, worth: float) -> str:
    chance = chance_of_rhat(chains, draws, quantities, worth)
    if chance < _RARE:
        return ""
    return (
        f"; of {quantities:,} quantities with draws worth {min(worth, draws):.0f} independent ones a chain some pass it by "
        f"chance in up to {100.0 * min(chance, 0.99):.0f} % of right runs: more draws will tell"
    )


def _worst(posterior: xr.Dataset, names: list[str]) -> tuple[pd.DataFrame, int, dict[str, float]]:
    """Return the worst element of each variable, the number of elements that are not constant, and how many independent
    draws the usual chain is worth, on its own, of elements with a high R-hat."""
    import arviz_stats

    found = {name: _varying(posterior[name]) for name in names}
    varying = xr.Dataset({name: draws for name, (draws, _) in found.items()})
    quantities = sum(count for _, count in found.values())
    varying = varying.drop_vars([str(name) for name, v in varying.data_vars.items() if v.size == 0])
    if not varying.data_vars:
        return pd.DataFrame(columns=["rhat", "ess_bulk", "ess_tail"], dtype=float), 0, {}
    rhat, bulk = arviz_stats.rhat(varying), arviz_stats.ess(varying, method="bulk")
    tail = arviz_stats.ess(varying, method="tail")
    rows = {
        str(name): (float(rhat[name].max()), float(bulk[name].min()), float(tail[name].min()))
        for name in varying.data_vars
    }
    high = {name: varying[name][..., int(np.argmax(rhat[name].values))] for name, row in rows.items() if row[0] > RHAT}
    worth = {name: _worth(draws.values) for name, draws in high.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["rhat", "ess_bulk", "ess_tail"])
    return table.loc[[name for name in names if name in rows]], quantities, worth


def _varying(variable: xr.DataArray) -> tuple[xr.DataArray, int]:
    """Return the elements that are not constant, flattened, of many those that mix worst; and how many there are.

    Fixed numbers and the 1s of correlation matrices are left out.
    """
    values = variable.transpose("chain", "draw", ...).values
    flat = values.reshape(*values.shape[:2], -1)
    moving = np.flatnonzero(np.ptp(flat, axis=(0, 1)) > 1e-14 * np.max(np.abs(flat), axis=(0, 1)))
    count = len(moving)
    if count > 2 * WATCHED:
        moving = np.unique([moving[_mixing_worst(series)] for series in _location_and_spread(flat[..., moving])])
    return xr.DataArray(flat[..., moving], dims=("chain", "draw", f"{variable.name}_element")), count


def _worth(draws: Array) -> float:
    """Return how many independent draws the usual chain of (chain, draw) is worth on its own, in location or in spread."""
    import arviz_stats

    both = _location_and_spread(draws[..., None])
    sizes = [[arviz_stats.ess(one[None, :, 0], chain_axis=0, draw_axis=1) for one in series] for series in both]
    return float(np.median(sizes, axis=1).min())


def _location_and_spread(draws: Array) -> Iterator[Array]:
    yield draws
    yield np.abs(draws - draws.mean(axis=(0, 1)))


def _mixing_worst(draws: Array) -> NDArray[np.intp]:
    """Return the elements, of (chain, draw, element), whose means of batches vary most beside the draws themselves.

    A quick stand-in for R-hat and effective sample sizes, which take milliseconds for each element.
    """
    chains, count, elements = draws.shape
    length = max(1, count // _BATCHES)
    batches = count // length
    means = draws[:, : batches * length].reshape(chains, batches, length, elements).mean(axis=2)
    return np.argsort(means.var(axis=(0, 1)) / draws.var(axis=(0, 1)))[-WATCHED:]


def _bfmi(stats: xr.Dataset) -> np.ndarray:
    energy = stats["energy"].values
    variance = energy.var(axis=1)
    if energy.shape[1] < 2 or np.any(variance == 0):
        return np.ones(energy.shape[0])
    return np.asarray(np.mean(np.diff(energy, axis=1) ** 2, axis=1) / variance)
