"""Mean and variance of counts: what the data show, and what the model and its alternatives would have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.display.tables import format_number
from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.families import FAMILIES, Family
from bayesmixed.families.links import LINKS, Array, Link
from bayesmixed.families.records import ANY_VARIATION, MORE_VARIATION, PLAIN
from bayesmixed.fits.fitting import Fit
from bayesmixed.gauss_hermite import NODES
from bayesmixed.integration.averages import average_moments
from bayesmixed.integration.layers import sum_rows
from bayesmixed.prediction.replicates import replicate, strangers
from bayesmixed.summaries.checks.alternatives import list_families, takes_observation_effects
from bayesmixed.summaries.checks.check_statistics import Index, is_binary
from bayesmixed.summaries.checks.left_out import predict_left_out
from bayesmixed.terms.weights import refuse_weights

DATA, MODEL = "data", "this model"
_ENDS = (-9.0, 9.0)
_ENDS_OF_LOG_SD = (-5.0, 1.4)
_ROWS_PER_BIN, _MOST_BINS = 15, 15
_FEWEST_DRAWS, _LARGEST = 200, 20_000_000
_LEAST_FREE = 0.1


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the other rows say about each row, (n,) each.

    Attributes
    ----------
    expected, variance, doubt
        As in `Prediction`.
    squares
        Squared distance of the response from what is expected.
    trials
        1 where the family has none.
    """

    expected: Array
    variance: Array
    doubt: Array
    squares: Array
    trials: Array


def mean_variance(
    fit: Fit, *, groups: str | Mapping[str, str] = "existing", draws: int | None = 1000, seed: int | None = 0
) -> pd.DataFrame:
    """Return the variance over the mean, of the data, of the model, and of the models that can be tried.

    Every row is predicted from the other rows, in its own groups: its distance from a mean that it contributed to would
    be too small. Rows are put into bins by their expected value (of a proportion for binomial types). Data: mean
    squared distance from it. This model: its predictive variance. Alternatives: their variance at the same expected
    values with the same uncertainty about these, and the one further parameter at which their mean squared Pearson
    residual is 1.

    Parameters
    ----------
    fit : Fit
        Of counts, with or without trials.
    groups : str or mapping
        "existing": new groups have no rows of their own to be compared with.
    draws, seed
        As in `posterior_checks`.

    Returns
    -------
    pandas.DataFrame
        Columns model ("data", "this model", "poisson", "negbin1 (phi = 1.2)", ...), expected, variance (per trial for
        binomial types), rows; for the data also error (standard error of its variance, not below that under the model),
        lower and upper (where it lies in 95 % of replicates of the model, also as rows predict each other: one bin in 20
        lies outside by chance). NaN for the models.

    Raises
    ------
    SpecError
        The response is continuous, an ordered category, or a single 0 or 1; or groups are to be new.
    """
    design = fit.design
    if not design.family.discrete or design.family.has_categories or is_binary(design):
        raise SpecError(
            f"Mean-variance curves are for counts; family '{design.family.name}' has none. "
            f"Use kind='{'statistics' if design.family.has_categories else 'pit'}'."
        )
    if design.family.limited:
        raise SpecError(
            "Mean-variance curves need responses that are known; these are censored or truncated. Use kind='pit'."
        )
    _check_groups(design, groups)
    rows, place = _rows(fit, draws)
    curves = {DATA: rows.squares, MODEL: rows.variance, **_alternatives(design, rows)}
    bins = _bins(place)
    sizes = np.bincount(bins)
    expected = np.bincount(bins, rows.expected / rows.trials) / sizes
    tables = [
        pd.DataFrame(
            {
                "model": model,
                "expected": expected,
                "variance": np.bincount(bins, squares / rows.trials) / sizes,
                "rows": sizes,
                **(_range(fit, rows, bins, draws, seed) if model == DATA else {}),
            }
        )
        for model, squares in curves.items()
    ]
    return pd.concat(tables, ignore_index=True)


def _check_groups(design: Design, groups: str | Mapping[str, str]) -> None:
    new = strangers(design, groups)
    if new:
        raise SpecError(
            f"Mean-variance curves compare rows with what is expected of them in their own {enumerate_words(new)}. "
            "Leave out groups=, or see bm.posterior_checks(fit, groups='new')."
        )


def _rows(fit: Fit, draws: int | None) -> tuple[_Rows, Array]:
    """Return what is expected of each row, and what to order the rows by."""
    design = fit.design
    refuse_weights(design.spec.weights, "A mean-variance curve")
    found = predict_left_out(fit, draws, moments=True)
    y = np.asarray(design.response, dtype=float)
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), y.shape)
    squares = (y - found.expected) ** 2
    return _Rows(found.expected, found.variance, found.doubt, squares, trials), found.place


def _range(fit: Fit, rows: _Rows, bins: Index, draws: int | None, seed: int | None) -> dict[str, Array]:
    """Return error and range of the mean squares of each bin, by replicates that have the variance of the rows."""
    draws = min(draws or _LARGEST, max(_FEWEST_DRAWS, _LARGEST // fit.design.rows))
    made = np.concatenate([piece.response for piece in replicate(fit, draws=draws, seed=seed)], axis=1)
    made = made.reshape(-1, made.shape[-1])
    away = (made - made.mean(axis=0)) ** 2
    spread = away.mean(axis=0)
    away *= rows.variance / (np.where(spread > 0, spread, 1.0) * rows.trials)
    sizes = np.bincount(bins)
    means = sum_rows(away, bins) / sizes
    # The rows of a group predict each other: in a normal model their n squares have n (1 - h) degrees of freedom, h the
    # share of doubt in a row's variance; replicates at draws of the parameters have n.
    free = 1.0 - np.bincount(bins, rows.doubt / np.maximum(rows.variance, np.finfo(float).tiny)) / sizes
    centre = means.mean(axis=0)
    means = centre * (means / np.where(centre > 0, centre, 1.0)) ** (1.0 / np.sqrt(np.maximum(free, _LEAST_FREE)))
    lower, upper = np.quantile(means, [0.025, 0.975], axis=0)
    each = rows.squares / rows.trials
    apart = (each - (np.bincount(bins, each) / sizes)[bins]) ** 2
    # When a bin's few squares happen to be small, so is their spread.
    error = np.maximum(np.sqrt(np.bincount(bins, apart) / np.maximum(sizes - 1, 1) / sizes), means.std(axis=0))
    return {"error": error, "lower": lower, "upper": upper}


def _bins(values: Array) -> Index:
    """Return the bin of each value: equal numbers of rows, at least about 15."""
    count = int(np.clip(len(values) // _ROWS_PER_BIN, 2, _MOST_BINS))
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(rank * count // len(values))


def _alternatives(design: Design, rows: _Rows) -> dict[str, Array]:
    """Return the variances of the rows under each alternative, by its label."""
    found = {}
    share = rows.expected / rows.trials if design.family.has_trials else rows.expected
    for family in list_families(design, PLAIN, MORE_VARIATION, ANY_VARIATION):
        first, *further = family.parameters
        if not further:
            found[family.name] = family.variance({first.name: share}, rows.trials) + rows.doubt
            continue
        extra, link = further[0], LINKS[further[0].link]

        def variance(eta: float, family: Family = family, link: Link = link, extra: str = extra.name) -> Array:
            values = {family.parameters[0].name: share, extra: link.inverse(eta)}
            return family.variance(values, rows.trials) + rows.doubt

        eta = _match(variance, rows, _ENDS)
        found[f"{family.name} ({extra.name} = {format_number(float(link.inverse(eta)), 2)})"] = variance(eta)
    base = _base(design)
    if base is not None and takes_observation_effects(design):

        def with_sd(log_sd: float, base: Family = base) -> Array:
            return _with_effects(base, design.mu.link, share, rows.trials, float(np.exp(log_sd))) + rows.doubt

        log_sd = _match(with_sd, rows, _ENDS_OF_LOG_SD)
        found[f"{base.name} + obs() (SD = {format_number(float(np.exp(log_sd)), 2)})"] = with_sd(log_sd)
    return found


def _base(design: Design) -> Family | None:
    """Return the family without a dispersion that has the same kind of response."""
    plain = (family for family in FAMILIES.values() if family.offers == PLAIN)
    return next((family for family in plain if family.has_trials == design.family.has_trials), None)


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

    def inside(scores: Array) -> dict[str, Array]:
        return {name: link.inverse(eta + sd * scores[0])}

    _, between, within = average_moments(family, inside, trials, 1, NODES[1])
    return between + within
