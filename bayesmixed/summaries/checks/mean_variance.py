"""Mean and variance of counts: what the data show, and what the model and its alternatives would have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesmixed.design import Design
from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES, Family
from bayesmixed.fitting import Fit
from bayesmixed.links import LINKS, Array, Link, average_by_quadrature
from bayesmixed.replicates import choose_groups, knows_moments, replicate
from bayesmixed.summaries.checks.alternatives import MORE_VARIANCE, list_families, takes_observation_effects
from bayesmixed.summaries.checks.check_statistics import Index, is_binary
from bayesmixed.summaries.priors.prior_tables import format_number

DATA, MODEL = "data", "this model"
BASES = ("poisson", "binomial")
_ENDS = (-9.0, 9.0)
_ENDS_OF_LOG_SD = (-5.0, 1.4)
_ROWS_PER_BIN, _MOST_BINS = 15, 15


@dataclass(frozen=True, slots=True)
class _Rows:
    """Expected response, squared residual and variance under the model, for each row."""

    expected: Array
    squares: Array
    variance: Array
    trials: Array


def mean_variance(
    fit: Fit, *, groups: str | Mapping[str, str] = "existing", draws: int | None = 1000, seed: int | None = None
) -> pd.DataFrame:
    """Return the variance over the mean, of the data, of the model, and of the models that can be tried.

    Rows are put into bins by their expected value (of a proportion for binomial types). Data: mean squared residual.
    This model: its predictive variance. Alternatives: their variance at the same expected values,
    with the one further parameter at which their mean squared Pearson residual is 1.

    Parameters
    ----------
    fit : Fit
        Of counts, with or without trials.
    groups, draws, seed
        As in `posterior_checks`.

    Returns
    -------
    pandas.DataFrame
        Columns model ("data", "this model", "poisson", "negbin1 (phi = 1.2)", ...), expected, variance (per trial for
        binomial types), rows, error (standard error of the variance of the data, NaN for the models).

    Raises
    ------
    SpecError
        The response is continuous or a single 0 or 1, or new effects enter another parameter.
    """
    design = fit.design
    if not design.family.discrete or is_binary(design):
        raise SpecError(
            f"Mean-variance curves are for counts; family '{design.family.name}' has none. "
            "Use kind='density' or kind='pit'."
        )
    rows = _rows(fit, groups, draws, seed)
    curves = {DATA: rows.squares, MODEL: rows.variance, **_alternatives(design, rows)}
    bins = _bins(rows.expected / rows.trials)
    sizes = np.bincount(bins)
    expected = np.bincount(bins, rows.expected / rows.trials) / sizes
    tables = []
    for model, squares in curves.items():
        per_trial = squares / rows.trials
        mean = np.bincount(bins, per_trial) / sizes
        spread = np.bincount(bins, (per_trial - mean[bins]) ** 2) / np.maximum(sizes - 1, 1)
        error = np.sqrt(spread / sizes) if model == DATA else np.nan
        tables.append(
            pd.DataFrame({"model": model, "expected": expected, "variance": mean, "rows": sizes, "error": error})
        )
    return pd.concat(tables, ignore_index=True)


def _rows(fit: Fit, groups: str | Mapping[str, str], draws: int | None, seed: int | None) -> _Rows:
    design = fit.design
    if not knows_moments(design, choose_groups(design, groups)):
        raise SpecError(
            "Mean-variance curves integrate new effects out of the first parameter only, and another parameter has "
            "group effects. Use groups='existing'."
        )
    total, square, within, count = (np.zeros(design.rows), np.zeros(design.rows), np.zeros(design.rows), 0)
    for piece in replicate(fit, groups=groups, draws=draws, seed=seed, moments=True):
        shape = piece.response.shape
        total += np.broadcast_to(piece.expected, shape).sum(axis=(0, 1))
        square += np.square(np.broadcast_to(piece.expected, shape)).sum(axis=(0, 1))
        within += np.broadcast_to(piece.variance, shape).sum(axis=(0, 1))
        count += shape[0] * shape[1]
    expected = total / count
    y = np.asarray(design.response, dtype=float)
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), y.shape)
    return _Rows(expected, (y - expected) ** 2, within / count + square / count - expected**2, trials)


def _bins(values: Array) -> Index:
    """Return the bin of each value: equal numbers of rows, at least about 15."""
    count = int(np.clip(len(values) // _ROWS_PER_BIN, 2, _MOST_BINS))
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(rank * count // len(values))


def _alternatives(design: Design, rows: _Rows) -> dict[str, Array]:
    """Return the variances of the rows under each alternative, by its label."""
    found = {}
    share = rows.expected / rows.trials if design.family.has_trials else rows.expected
    for family in list_families(design, (*BASES, *MORE_VARIANCE)):
        first, *further = family.parameters
        if not further:
            found[family.name] = family.variance({first.name: share}, rows.trials)
            continue
        extra, link = further[0], LINKS[further[0].link]

        def variance(eta: float, family: Family = family, link: Link = link, extra: str = extra.name) -> Array:
            return family.variance({family.parameters[0].name: share, extra: link.inverse(eta)}, rows.trials)

        eta = _match(variance, rows, _ENDS)
        found[f"{family.name} ({extra.name} = {format_number(float(link.inverse(eta)), 2)})"] = variance(eta)
    base = _base(design)
    if base is not None and takes_observation_effects(design):

        def with_sd(log_sd: float, base: Family = base) -> Array:
            return _with_effects(base, design.mu.link, share, rows.trials, float(np.exp(log_sd)))

        log_sd = _match(with_sd, rows, _ENDS_OF_LOG_SD)
        found[f"{base.name} + obs() (SD = {format_number(float(np.exp(log_sd)), 2)})"] = with_sd(log_sd)
    return found


def _base(design: Design) -> Family | None:
    """Return the family without a dispersion that has the same kind of response."""
    families = [FAMILIES[name] for name in BASES if name in FAMILIES]
    kind = [family for family in families if family.has_trials == design.family.has_trials]
    return kind[0] if kind else None


def _match(variance: Callable[[float], Array], rows: _Rows, ends: tuple[float, float]) -> float:
    """Return where the mean of squared residual / variance is 1, or the end of the range nearest to it."""
    from scipy import optimize

    def excess(eta: float) -> float:
        return float(np.mean(rows.squares / variance(eta))) - 1.0

    low, high = (excess(end) for end in ends)
    if low * high > 0:
        return ends[int(abs(high) < abs(low))]
    return float(optimize.brentq(excess, *ends, xtol=1e-3))


def _with_effects(family: Family, link: Link, share: Array, trials: Array, sd: float) -> Array:
    """Return the variances of rows whose predictor has a normal effect of that SD and whose means are given."""
    name = family.parameters[0].name
    grid = np.linspace(link.forward(share.min()) - sd**2 - 1.0, link.forward(share.max()) + 1.0 + sd**2, 400)
    eta = np.interp(share, link.average(grid, sd**2), grid)

    def square(moved: Array) -> Array:
        inside = {name: link.inverse(moved)}
        return family.variance(inside, trials) + family.mean(inside, trials) ** 2

    mean = average_by_quadrature(lambda moved: family.mean({name: link.inverse(moved)}, trials), eta, sd**2)
    return average_by_quadrature(square, eta, sd**2) - mean**2
