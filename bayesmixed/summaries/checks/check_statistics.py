"""Test statistics of a response, chosen to suit its family and the groups of its model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import count_of
from bayesmixed.integration.layers import sum_rows

FEWEST_LEVELS = FEWEST_ROWS = 3
UNKNOWN = np.array(np.nan)
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Sample:
    """Responses of some rows, with what is expected of them.

    Attributes
    ----------
    y : (..., n) array
        One or many data sets.
    trials : (n,) array
        1 where the family has none.
    expected, variance : arrays that broadcast against y
        Moments under the model; NaN where they are not known.
    """

    y: Array
    trials: Array
    expected: Array
    variance: Array

    @cached_property
    def residuals(self) -> Array:
        """The Pearson residuals; where the variance is infinite or zero they are not scaled."""
        usable = np.isfinite(self.variance) & (self.variance > 0)
        return np.asarray((self.y - self.expected) / np.sqrt(np.where(usable, self.variance, 1.0)))


@dataclass(frozen=True, slots=True)
class Statistic:
    """One number of a data set.

    Attributes
    ----------
    name, more, less : str
        What it is, and what to say of data in which it is too large or too small: "share of zeros", "more zeros",
        "fewer zeros".
    compute : callable
        From a `Sample`, one number for each data set.
    advice : str
        What to try, if the data have more of it, comes from this list of `alternatives`.
    residual : bool
        It needs the moments of the sample.
    """

    name: str
    more: str
    less: str
    compute: Callable[[Sample], Array]
    advice: str = ""
    residual: bool = False


def choose_statistics(design: Design, rows: Index | None = None) -> tuple[Statistic, ...]:
    """Return the statistics that suit a design, on all its rows or on some of them."""
    family, rows = design.family, np.arange(design.rows) if rows is None else rows
    # The mean and the variance of category numbers mean nothing.
    chosen = [] if family.has_categories else [MEAN]
    chosen += [_share_of(number, label) for number, label in enumerate(design.categories, 1)]
    if family.counted:
        chosen += [_spread_of(number, label) for number, label in enumerate(design.categories, 1)]
    if has_zeros(design):
        chosen.append(ZEROS)
    if has_ones(design):
        chosen.append(ONES)
    if family.has_trials:
        chosen.append(FULL)
    if family.discrete and not is_binary(design) and not family.has_categories:
        chosen.append(DISPERSION)
    if not family.discrete:
        chosen += [SD, SKEWNESS] if len(rows) >= FEWEST_ROWS else []
        chosen += [LARGEST_RESIDUAL, MINIMUM]
    if not family.has_trials and not is_binary(design) and not family.has_categories:
        chosen.append(MAXIMUM)
    return (*chosen, *_between_and_within(design, rows))


def _share_of(number: int, label: str) -> Statistic:
    """Return the share of a category."""

    def compute(sample: Sample) -> Array:
        return np.asarray(count_of(sample.y, number).sum(axis=-1) / sample.trials.sum())

    return Statistic(f"share of {label}", f"more of {label}", f"fewer of {label}", compute)


def _spread_of(number: int, label: str) -> Statistic:
    """Return the SD between rows of the share of a category in the counts."""

    def compute(sample: Sample) -> Array:
        some = sample.trials > 0
        return np.asarray(np.std(count_of(sample.y, number)[..., some] / sample.trials[some], axis=-1))

    more, less = (f"{word} variation of the share of {label} between rows" for word in ("more", "less"))
    return Statistic(f"SD between rows of the share of {label}", more, less, compute, "variation")


def extreme_means(design: Design) -> tuple[Statistic, ...]:
    """Return the smallest and the largest mean (proportion) of the levels of each grouping factor."""
    found = []
    for group in design.mu.groups:
        if group.one_each and not group.residual and not design.family.has_categories:
            means = _means_of(group.pairs()[1])
            found.append(Statistic(f"smallest mean of a {group.name}", "", "", _reduced(means, np.min)))
            found.append(Statistic(f"largest mean of a {group.name}", "", "", _reduced(means, np.max)))
    return tuple(found)


def is_binary(design: Design) -> bool:
    """Return whether a response is a single 0 or 1."""
    family = design.family
    return family.discrete and not family.has_trials and not family.accepts(np.array([2.0]), 1.0)[0]


def has_zeros(design: Design) -> bool:
    """Return whether zero is the lowest of more than two possible responses."""
    lowest = design.family.accepts(np.array([-1.0, 0.0]), 1.0)
    return bool(lowest[1] and not lowest[0]) and not is_binary(design)


def has_ones(design: Design) -> bool:
    """Return whether a continuous response can be exactly one at its upper end."""
    highest = design.family.accepts(np.array([1.0, 2.0]), 1.0)
    return not design.family.discrete and bool(highest[0] and not highest[1])


def _between_and_within(design: Design, rows: Index) -> Iterator[Statistic]:
    for group in (group for group in design.mu.groups if group.one_each):
        levels, index = np.unique(group.pairs()[1][rows], return_inverse=True)
        if group.residual or len(levels) < FEWEST_LEVELS:
            continue
        if design.family.has_categories:
            yield _between_groups_above(design, group.name, index)
            continue
        yield _between_groups(group.name, index)
        if not is_binary(design) and len(index) > len(levels):
            yield _within_groups(group.name, index)


def _between_groups(name: str, index: Index) -> Statistic:
    """Return the SD of the means (proportions) of groups, for the group of every row."""
    more, less = (f"{word} variation between {name}" for word in ("more", "less"))
    return Statistic(f"SD between {name}", more, less, _reduced(_means_of(index), partial(np.std, ddof=1)))


def _between_groups_above(design: Design, name: str, index: Index) -> Statistic:
    """Return the SD of the shares of groups above the category, of categories without order: in the category, that divides
    the data most evenly."""
    y, template, trials = design.response, design.family.template, np.sum(np.broadcast_to(design.trials, design.rows))

    def event(y: Any, k: int) -> Array:
        return count_of(y, k) if template else np.greater(y, k).astype(float)

    numbers = range(1, len(design.categories) + bool(template))
    number = min(numbers, key=lambda k: abs(float(np.sum(event(y, k)) / trials) - 0.5))
    means = _means_of(index)

    def compute(sample: Sample) -> Array:
        inside = replace(sample, y=event(sample.y, number))
        return np.asarray(np.std(means(inside), axis=-1, ddof=1))

    more, less = (f"{word} variation between {name}" for word in ("more", "less"))
    share = f"share {'of' if template else 'above'} {design.categories[number - 1]}"
    return Statistic(f"SD between {name} of the {share}", more, less, compute)


def _means_of(index: Index) -> Callable[[Sample], Array]:
    """Return a function that gives the mean (proportion) of each group, (..., J)."""

    def means(sample: Sample) -> Array:
        return np.asarray(sum_rows(sample.y, index) / sum_rows(sample.trials, index))

    return means


def _reduced(values: Callable[[Sample], Array], reduce: Callable[..., Any]) -> Callable[[Sample], Array]:
    return lambda sample: np.asarray(reduce(values(sample), axis=-1))


def _within_groups(name: str, index: Index) -> Statistic:
    sizes = np.bincount(index)

    def compute(sample: Sample) -> Array:
        share = sample.y / sample.trials
        deviation = share - (sum_rows(share, index) / sizes)[..., index]
        return np.asarray(np.sqrt(np.sum(deviation**2, axis=-1) / (len(index) - len(sizes))))

    more, less = (f"{word} variation within {name}" for word in ("more", "less"))
    return Statistic(f"SD within {name}", more, less, compute, "variation")


def _skewness(sample: Sample) -> Array:
    residual = sample.residuals
    centred = residual - residual.mean(axis=-1, keepdims=True)
    count, squares = centred.shape[-1], centred * centred
    square = np.linalg.vecdot(centred, centred) / count
    # A level of a semi-continuous response can hold nothing but zeros.
    return np.asarray(np.linalg.vecdot(squares, centred) / count / np.where(square > 0, square, 1.0) ** 1.5)


MEAN = Statistic("mean", "a larger mean", "a smaller mean", lambda s: np.asarray(s.y.sum(axis=-1) / s.trials.sum()))
SD = Statistic("SD", "more variation", "less variation", lambda s: np.std(s.y, axis=-1, ddof=1))
ZEROS = Statistic("share of zeros", "more zeros", "fewer zeros", lambda s: np.mean(s.y == 0, axis=-1), "zeros")
ONES = Statistic("share of ones", "more ones", "fewer ones", lambda s: np.mean(s.y == 1, axis=-1), "top")
FULL = Statistic(
    "share of rows with all successes",
    "more rows with all successes",
    "fewer rows with all successes",
    lambda s: np.mean(s.y == s.trials, axis=-1),
    "top",
)
DISPERSION = Statistic(
    "dispersion (mean squared Pearson residual)",
    "more variation",
    "less variation",
    lambda s: np.mean(s.residuals**2, axis=-1),
    "variation",
    residual=True,
)
SKEWNESS = Statistic(
    "skewness of residuals",
    "residuals skewed more to the right",
    "residuals skewed more to the left",
    _skewness,
    "shape",
    residual=True,
)
LARGEST_RESIDUAL = Statistic(
    "largest residual (in SDs)",
    "larger extremes",
    "smaller extremes",
    lambda s: np.max(np.abs(s.residuals), axis=-1),
    "shape",
    residual=True,
)
MINIMUM = Statistic("minimum", "a larger minimum", "a smaller minimum", lambda s: np.min(s.y, axis=-1), "shape")
MAXIMUM = Statistic("maximum", "a larger maximum", "a smaller maximum", lambda s: np.max(s.y, axis=-1))
