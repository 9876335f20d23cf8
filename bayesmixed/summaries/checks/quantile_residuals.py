"""Randomised quantile residuals on leave-one-out predictions, and what they say about a model."""

import numpy as np
import pandas as pd
from scipy import special

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.design.design import Design
from bayesmixed.display.result_tables import as_result
from bayesmixed.draws.tree import row_labels
from bayesmixed.errors import check_choice
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import count_of
from bayesmixed.fits.fitting import Fit
from bayesmixed.summaries.checks.left_out import DRAWS, predict_left_out

KINDS = ("quantile",)
SEED = 1
_FARTHEST = 1e-12
_SHORT = 65
"""Coefficients of a generating function up to which products are direct."""


@takes_drawn_values(tables="no")
def residuals(fit: Fit, *, kind: str = "quantile", draws: int | None = DRAWS, seed: int = SEED) -> pd.DataFrame:
    """Return randomised quantile residuals: standard normal, for any family, if the model is right.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    kind : {"quantile"}
        Phi^-1(u) with u uniform between P(Y < y) and P(Y <= y) (Dunn & Smyth 1996, J Comput Graph Stat 5:236), where Y
        is predicted from the other rows, so that no observation predicts itself. Of a censored row u is uniform between
        the probabilities of its limits. Categories without order (family `categorical`) are taken in the order of the fit,
        `fit.design.categories`: in another order the residuals are others, standard normal too if the model is right. Of counts
        of several categories (family `multinomial`) each count has one, by its own distribution, which is binomial.
        Where residuals are correlated within groups, Y is predicted from the other groups
        and the rows of its group before it: these are nlme's normalized residuals, independent if the model is right.
    draws : int, optional
        Use about this many draws, evenly spread; all if None.
    seed : int
        For the random part of discrete responses; the same seed gives the same residuals.

    Returns
    -------
    pandas.DataFrame
        One row per observation, with the labels of the data: residual, pit (u), lower and upper (the two probabilities;
        equal for continuous responses), pareto_k. Beyond 3: hard to reconcile with the model. Of counts of several categories
        one row per observation and category, with a column category; those of one observation depend on each other.

    Raises
    ------
    SpecError
        There is no such kind.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> table = bm.residuals(fit)
    >>> list(table.columns), len(table)
    (['residual', 'pit', 'lower', 'upper', 'pareto_k'], 56)
    """
    check_choice("kind={}", kind, KINDS)
    generator, tables = np.random.default_rng(seed), []
    for number, label in _numbered(fit.design):
        found = predict_left_out(fit, draws, category=number)
        upper, lower = found.distribution
        pit = lower + generator.uniform(size=fit.design.rows) * (upper - lower)
        columns: dict[str, object] = {"category": label} if number else {}
        columns |= {
            "residual": quantile_of(pit),
            "pit": pit,
            "lower": lower,
            "upper": upper,
            "pareto_k": found.pareto_k,
        }
        tables.append(pd.DataFrame(columns, index=row_labels(fit.design)))
    return as_result(pd.concat(tables))


def _numbered(design: Design) -> list[tuple[int, str]]:
    """Return the categories whose counts have residuals of their own, by number; 0 stands for the response itself."""
    return [*enumerate(design.categories, 1)] if design.family.counted else [(0, "")]


@takes_drawn_values(tables="no")
def check_residuals(fit: Fit, *, draws: int | None = DRAWS, seed: int = SEED) -> pd.DataFrame:
    """Return tests of the dispersion, of its change with the mean, and of the number of zeros where zeros are possible.

    Parameters
    ----------
    fit, draws, seed
        As in `residuals`.

    Returns
    -------
    pandas.DataFrame
        Columns check, observed, expected, lower, upper, p (two-sided), says. "dispersion": mean squared residual, 1
        expected, range by the chi-squared distribution; above: more variation than the model has. It is informative
        where the mean determines the variance; a model with a dispersion of its own fits it to 1. "spread": rank
        correlation of the
        sizes of the residuals and the predicted means, 0 expected, where the means differ. "zeros": number of zeros
        against the sum of their leave-one-out probabilities. Rows count as independent given the model. Each check
        rejects a right model in at most 5 % of fits. Of counts of several categories there are those of each, with a column
        category.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.check_residuals(fit)[["check", "says"]]
            check                                   says
    0  dispersion  more variation than the model expects
    1      spread                   as the model expects
    2       zeros                   as the model expects
    """
    generator, tables = np.random.default_rng(seed), []
    for number, label in _numbered(fit.design):
        table = pd.DataFrame(_checks_of(fit, draws, generator, number))
        if number:
            table.insert(0, "category", label)
        tables.append(table)
    return as_result(pd.concat(tables, ignore_index=True))


def _checks_of(fit: Fit, draws: int | None, generator: np.random.Generator, category: int) -> list[dict[str, object]]:
    """Return the checks of the residuals of a response, or of the counts of one of its categories."""
    design = fit.design
    y = count_of(design.response, category) if category else np.asarray(design.response, dtype=float)
    # Normal responses, and what their logarithm or another smooth function makes of them, are never exactly zero.
    found = predict_left_out(
        fit, draws, zeros=not design.family.is_normal_under(design.mu.link), moments=True, category=category
    )
    upper, lower = found.distribution
    pit = lower + generator.uniform(size=len(y)) * (upper - lower)
    residual = quantile_of(pit)
    checks = [_check_dispersion(residual)]
    if np.ptp(found.place) > 0:
        checks.append(_check_spread(residual, found.place))
    if np.max(found.zero, initial=0.0) > _FARTHEST and design.observed.limits is None:
        checks.append(_check_zeros(float(np.sum(y == 0)), found.zero))
    return checks


def quantile_of(pit: Array) -> Array:
    """Return standard normal quantiles of probabilities, finite also for 0 and 1."""
    return np.asarray(special.ndtri(np.clip(pit, _FARTHEST, 1.0 - _FARTHEST)))


def _check_dispersion(residual: Array) -> dict[str, object]:
    n = len(residual)
    observed = float(np.mean(residual**2))
    tail = float(special.chdtrc(n, n * observed))
    lower, upper = (float(special.chdtri(n, p)) / n for p in (0.975, 0.025))
    return _state("dispersion", observed, 1.0, lower, upper, 2.0 * min(tail, 1.0 - tail), ("less", "more"), "variation")


def _check_spread(residual: Array, mean: Array) -> dict[str, object]:
    """Return the test of Spearman's rank correlation of sizes and means, normal with variance 1 / (n - 1) if there is none."""
    from scipy import stats

    observed = float(stats.spearmanr(np.abs(residual), mean).statistic)
    sd = 1.0 / np.sqrt(len(mean) - 1.0)
    bound = -sd * float(special.ndtri(0.025))
    p = 2.0 * float(special.ndtr(-abs(observed) / sd))
    return _state("spread", observed, 0.0, -bound, bound, p, ("less", "more"), "variation at large means")


def _check_zeros(observed: float, chance: Array) -> dict[str, object]:
    """Return the exact test of a number of zeros against independent rows with their own probabilities."""
    distribution = sum_distribution(chance)
    cumulative = np.cumsum(distribution)
    lower, upper = (float(np.searchsorted(cumulative, q)) for q in (0.025, 0.975))
    count = int(observed)
    p = 2.0 * min(cumulative[count], distribution[count:].sum())
    return _state("zeros", observed, float(chance.sum()), lower, upper, float(min(p, 1.0)), ("fewer", "more"), "zeros")


def sum_distribution(chance: Array) -> Array:
    """Return the probabilities of 0, 1, ..., n successes in independent trials with probabilities (n,).

    Products of generating functions, two by two, by Fourier transforms where they are long.
    """
    factors = np.stack([1.0 - chance, chance], axis=-1)
    while len(factors) > 1:
        if len(factors) % 2:
            one = np.zeros((1, factors.shape[1]))
            one[0, 0] = 1.0
            factors = np.vstack([factors, one])
        size = 2 * factors.shape[1] - 1
        if size < _SHORT:
            first, second = factors[0::2], factors[1::2]
            joined = np.zeros((len(first), size))
            for place in range(factors.shape[1]):
                joined[:, place : place + factors.shape[1]] += first[:, place, None] * second
        else:
            length = 1 << (size - 1).bit_length()
            spectra = np.fft.rfft(factors, length)
            joined = np.maximum(np.fft.irfft(spectra[0::2] * spectra[1::2], length)[:, :size], 0.0)
        factors = joined
    return np.asarray(factors[0, : len(chance) + 1])


def _state(
    name: str,
    observed: float,
    expected: float,
    lower: float,
    upper: float,
    p: float,
    words: tuple[str, str],
    what: str,
) -> dict[str, object]:
    side = words[0] if observed < lower else words[1] if observed > upper else ""
    says = f"{side} {what} than the model expects" if side else "as the model expects"
    return {
        "check": name,
        "observed": observed,
        "expected": expected,
        "lower": lower,
        "upper": upper,
        "p": p,
        "says": says,
    }
