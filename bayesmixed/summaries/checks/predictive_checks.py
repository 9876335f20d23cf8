"""Posterior predictive checks: what the data show that replicates of the model do not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.design.design import Design
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import format_number, format_range
from bayesmixed.errors import DataError, SpecError, did_you_mean, shorten
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import as_responses
from bayesmixed.fits.fitting import Fit
from bayesmixed.prediction.replicates import Replicates, as_observed, choose_groups, describe, knows_moments, replicate
from bayesmixed.summaries.checks.alternatives import suggest
from bayesmixed.summaries.checks.check_statistics import Index, Sample, Statistic, choose_statistics
from bayesmixed.summaries.false_alarms import RATES

DRAWS, AUTO = 1000, "auto"
_FEWEST, _MOST_NUMBERS = 200, 100_000_000
"""Replicates of "auto", at least, and responses of all of them, about."""
DOUBTFUL, MISFIT = (RATES[f"posterior_checks, {word}"].chance / 2.0 for word in ("doubtful", "misfit"))
"""Tail probabilities below which a statistic is doubtful, or a misfit."""
FITS = "fits"


@dataclass(frozen=True, slots=True)
class Compared:
    """One statistic of the rows of one level.

    Attributes
    ----------
    level : str
        Of `by`, or "".
    statistic : Statistic
        What was computed.
    observed, replicated : (S,) arrays
        Of the data and of a replicate, for each draw.
    """

    level: str
    statistic: Statistic
    observed: Array
    replicated: Array

    @property
    def p(self) -> float:
        """Probability of a replicate at least as large as the data, ties counted half."""
        return float(np.mean(self.replicated > self.observed) + 0.5 * np.mean(self.replicated == self.observed))

    @property
    def summary(self) -> tuple[float, float, float, float, float]:
        """Observed value; median and 95 % interval of the replicates; p."""
        lower, median, upper = (float(q) for q in np.quantile(self.replicated, [0.025, 0.5, 0.975]))
        return float(np.median(self.observed)), median, lower, upper, self.p

    @property
    def verdict(self) -> str:
        """In words: "fits", or what the data have."""
        tail = min(self.p, 1.0 - self.p)
        if tail >= DOUBTFUL:
            return FITS
        what = self.statistic.more if self.p < 0.5 else self.statistic.less
        return f"{'MISFIT' if tail < MISFIT else 'doubtful'}: the data have {what}"


@dataclass(frozen=True, slots=True, repr=False)
class PosteriorChecks(Page):
    """Checks of a fit; `str()` for terminals, HTML in notebooks.

    Attributes
    ----------
    heading : str
        What was replicated.
    table : pandas.DataFrame
        Columns level (with `by`), statistic, observed, median, lower, upper (95 % of the replicates), p (probability of a
        replicate at least as large, ties counted half), verdict.
    suggestions : tuple of str
        What can be tried against the misfits.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> checks = bm.posterior_checks(fit, draws=200, seed=1)
    >>> checks.suggestions
    ()
    >>> list(checks.table.columns)
    ['statistic', 'observed', 'median', 'lower', 'upper', 'p', 'verdict']
    """

    heading: str
    table: pd.DataFrame
    suggestions: tuple[str, ...]

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        return _sections(self)


@takes_drawn_values(tables="rows")
def posterior_checks(
    fit: Fit,
    *,
    by: str | Sequence[object] | None = None,
    groups: str | Mapping[str, str] = "existing",
    draws: int | str | None = AUTO,
    seed: int | None = 0,
) -> PosteriorChecks:
    """Return test statistics of the data beside those of replicates, with posterior predictive p-values.

    The statistics are chosen by the family and the groups of the model. Those of residuals (dispersion, skewness,
    largest residual) are computed with the parameters of every draw, for data and replicate alike; their observed value
    is the median over the draws (Gelman, Meng & Stern 1996, Stat Sin 6:733).

    Parameters
    ----------
    fit : Fit
        The fitted model.
    by : str or sequence, optional
        A column of the data that the model uses, a grouping factor, or a value for each row: checks within each level.
    groups : str or mapping
        Of the replicates, as in `posterior_predictive`: "existing" or "new".
    draws : int or "auto", optional
        About as many replicates; as many as there are draws if None. "auto": 1,000, and fewer of more than 100,000 rows, 200 at
        least: with these a right model is still called a misfit in at most 1 % of statistics.
    seed : int, optional
        For the replicates; the same seed gives the same p-values, None others at each call.

    Returns
    -------
    PosteriorChecks
        p near 0: replicates hardly ever reach the observed value; near 1: hardly any is smaller. Both are misfits. Since
        the model was fitted to the same data, p lies nearer to 0.5 than under a uniform distribution: a small p-value is
        strong evidence, a large one is weak. A right model is called doubtful in at most 5 % of statistics (of each
        level, with `by`), a misfit in at most 1 %.

    Raises
    ------
    SpecError, DataError
        Unknown factor, mode or column.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> checks = bm.posterior_checks(fit, draws=200, seed=1)
    >>> checks.table[["statistic", "verdict"]].head(2)
            statistic verdict
    0            mean    fits
    1  share of zeros    fits
    """
    compared = compare_statistics(fit, by=by, groups=groups, draws=draws, seed=seed)
    table, suggestions = _judge(fit.design, compared)
    heading = f"{describe(fit.design, choose_groups(fit.design, groups))}; beside the data, {fit.design.row_text}"
    return PosteriorChecks(heading, table if by is not None else table[_COLUMNS], suggestions)


def compare_statistics(
    fit: Fit,
    *,
    by: str | Sequence[object] | None = None,
    groups: str | Mapping[str, str] = "existing",
    draws: int | str | None = AUTO,
    seed: int | None = None,
) -> list[Compared]:
    """Return the statistics of `posterior_checks`, for each level of `by`, with all their values."""
    design = fit.design
    subsets = [("", np.arange(design.rows))] if by is None else level_rows(design, by)
    known = knows_moments(design, choose_groups(design, groups))
    chosen = [
        (level, rows, [one for one in choose_statistics(design, rows) if known or not one.residual])
        for level, rows in subsets
    ]
    pieces: list[list[Array]] = [[] for _, _, statistics in chosen for _ in statistics]
    moments = any(statistic.residual for _, _, statistics in chosen for statistic in statistics)
    known_once: list[dict[str, Array]] = [{} for _ in chosen]
    for piece in replicate(fit, groups=groups, draws=_usual(design, draws), seed=seed, moments=moments):
        values = chain.from_iterable(
            _compute(design, piece, rows if len(chosen) > 1 else slice(None), statistics, once)
            for (_, rows, statistics), once in zip(chosen, known_once, strict=True)
        )
        for found, value in zip(pieces, values, strict=True):
            found.append(value)
    compared = [(level, statistic) for level, _, statistics in chosen for statistic in statistics]
    return [
        Compared(level, statistic, *np.concatenate(found, axis=-1))
        for (level, statistic), found in zip(compared, pieces, strict=True)
    ]


def level_rows(design: Design, by: str | Sequence[object]) -> list[tuple[str, Index]]:
    """Return the levels of a column, grouping factor or sequence, each with its rows.

    Raises
    ------
    SpecError, DataError
        No such column, or not a value for each row.
    """
    if not isinstance(by, str):
        if len(by) != design.rows:
            raise DataError(f"by= has {len(by)} values for {design.rows} rows.")
        column = pd.Series(list(by))
    else:
        blocks = {group.name: group for _, group in design.group_blocks() if group.one_each}
        data = design.table.data
        if by in data:
            column = data[by].reset_index(drop=True)
        elif by in blocks:
            column = pd.Series(blocks[by].pick(np.asarray(blocks[by].levels, dtype=object)))
        else:
            raise SpecError(
                f"by='{by}' is not a column that the model uses. {did_you_mean(by, [*data.columns, *blocks])} "
                "For another column give its values: by=data['column']."
            )
    grouped = column.groupby(column, observed=True, sort=True)
    return [(str(level), np.asarray(rows, dtype=np.intp)) for level, rows in grouped.indices.items()]


_COLUMNS = ["statistic", "observed", "median", "lower", "upper", "p", "verdict"]


def _judge(design: Design, compared: list[Compared]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the table of the checks, and what can be tried against the failed ones."""
    lines = [(one.level, one.statistic.name, *one.summary, one.verdict) for one in compared]
    more = {one.statistic.advice for one in compared if one.verdict != FITS and one.p < 0.5}
    less = {one.statistic.advice for one in compared if one.verdict != FITS and one.p > 0.5}
    return pd.DataFrame(lines, columns=["level", *_COLUMNS]), suggest(design, more, less)


def _usual(design: Design, draws: int | str | None) -> int | None:
    """Return the number of replicates, that of "auto" by the number of rows."""
    if not isinstance(draws, str):
        return draws
    if draws != AUTO:
        raise SpecError(f"draws must be a whole number, None or '{AUTO}', not '{shorten(draws)}'.")
    return int(np.clip(_MOST_NUMBERS // design.rows, _FEWEST, DRAWS))


def _compute(
    design: Design,
    piece: Replicates,
    rows: Index | slice,
    statistics: Sequence[Statistic],
    once: dict[str, Array],
) -> Iterator[Array]:
    """Yield statistics of data and replicates of some rows, (2, draws of the piece) each; `once` keeps those of the data that are
    the same with all draws."""
    shape = piece.response.shape
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), shape[-1:])[rows]
    expected, variance = (
        a if a.ndim == 0 or a.shape[-1] == 1 else a[..., rows] for a in (piece.expected, piece.variance)
    )
    observed, made = as_responses(design.response)[rows], as_observed(design, piece.response)[..., rows]
    data, replicates = (Sample(y, trials, expected, variance) for y in (observed, made))
    for statistic in statistics:
        if not statistic.residual and statistic.name not in once:
            once[statistic.name] = statistic.compute(data)
        both = [statistic.compute(data) if statistic.residual else once[statistic.name], statistic.compute(replicates)]
        yield np.stack([np.broadcast_to(value, shape[:-1]).reshape(-1) for value in both])


def _sections(checks: PosteriorChecks) -> list[Section]:
    table = checks.table
    failed = int(np.sum(table["verdict"] != FITS))
    lie = "lies" if failed == 1 else "lie"
    count = f"{failed} of {len(table)} statistics {lie} outside the 95 % range of the replicates."
    sections = [Section(before=(checks.heading,)), Section(title="Posterior predictive checks", table=_shown(table))]
    sections.append(Section(before=(count if failed else f"All {len(table)} statistics fit.",)))
    if checks.suggestions:
        sections.append(Section(title="What can be tried", before=tuple(f"- {text}" for text in checks.suggestions)))
    return sections


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    shown = table.drop(columns=["median", "lower", "upper"])
    shown["observed"] = [format_number(value, 3) for value in table["observed"]]
    ranges = [" to ".join(format_range(ends, 3)) for ends in zip(table["lower"], table["upper"], strict=True)]
    shown.insert(list(shown.columns).index("observed") + 1, "replicates (95 %)", ranges)
    shown["p"] = [format_probability(p) for p in table["p"]]
    return shown


def format_probability(p: float) -> str:
    """Return a p-value with two digits after the point, three below 0.1 and above 0.9."""
    if p < 0.001 or p > 0.999:
        return "< 0.001" if p < 0.5 else "> 0.999"
    return f"{p:.2f}" if 0.1 <= p <= 0.9 else f"{p:.3f}"
