"""Numbers as text: rounding keeps what an interval says, whatever its unit, width and Monte Carlo error."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from bayesmixed.display.tables import format_interval, format_number, format_range, format_table, to_text

SHARE = 0.05


def keeps(texts, values):
    """Return whether rising numbers still rise as text, and no end has moved by more than 5 % of the width."""
    read = [float(text) for text in texts]
    steps = zip(pairwise(read), pairwise(values), strict=True)
    rising = all(a < b for (a, b), (low, high) in steps if low < high)
    width = values[-1] - values[0]
    return rising and all(
        abs(one - value) <= SHARE * width * (1 + 1e-9) for one, value in zip(read, values, strict=True)
    )


def random_intervals(count=3000):
    generator = np.random.default_rng(8)
    for _ in range(count):
        size = 10.0 ** generator.uniform(-60, 60)
        centre = generator.choice([0.0, 1.0, 1e3, 1e6]) * generator.normal() * size
        steps = size * 10.0 ** generator.uniform(-6, 3, 2)
        values = centre + np.array([-steps[0], 0.0, steps[1]])
        if values[0] < values[1] < values[2]:
            yield values


def test_rounding_keeps_every_interval_whatever_its_errors():
    generator = np.random.default_rng(9)
    for values in random_intervals():
        errors = (values[2] - values[0]) * 10.0 ** generator.uniform(-5, 4, 3)
        assert keeps(format_interval(values, errors), values), (values, errors)


@pytest.mark.parametrize("digits", [2, 3])
def test_ranges_of_significant_digits_keep_every_interval(digits):
    for values in random_intervals():
        assert keeps(format_range(values, digits), values), values


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ((2.995, 3.4, 10.36), (2.0, 1.0, 5.0)),
        ((0.9, 120.0, 34_785.0), (1e5, 4e4, 1e5)),
        ((-1e-9, 0.0, 1e-9), (1.0, 1.0, 1.0)),
        ((0.995, 0.9961, 0.9969), (0.01, 0.01, 0.01)),
        ((1e6, 1e6 + 0.1, 1e6 + 0.2), (1.0, 1.0, 1.0)),
    ],
)
def test_intervals_that_were_printed_wrong_keep_their_ends(values, errors):
    assert keeps(format_interval(values, errors), values)
    assert keeps(format_range(values, 2), values)


def test_a_table_keeps_its_intervals_and_no_spread_becomes_zero():
    rows = list(random_intervals(300))
    table = pd.DataFrame(rows, columns=["lower", "mean", "upper"])
    table["sd"] = (table["upper"] - table["lower"]) / 4
    table["mcse"] = 3.0 * table["sd"]
    shown = format_table(table)
    for place, values in enumerate(rows):
        assert keeps(shown.loc[place, ["lower", "mean", "upper"]], values)
        assert float(shown["sd"][place]) == pytest.approx(table["sd"][place], rel=0.05)


def test_a_mean_outside_of_the_interval_and_numbers_that_are_not_finite_are_shown():
    assert format_interval((1.0, 50.0, 9.0), (0.1, 10.0, 0.1)) == ["1.0", "50.0", "9.0"]
    assert format_interval((1.0, np.inf, np.inf), (0.1, np.nan, np.nan)) == ["1.0", "inf", "inf"]
    assert format_interval((2.0, 2.0, 2.0), (0.0, 0.0, 0.0)) == ["2", "2", "2"]
    assert to_text(-1e-30, 0.1) == "0.0"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (298.51, 3, "299"),
        (-37.4, 2, "-37"),
        (0.9953, 2, "0.995"),
        (0.0004512, 2, "0.00045"),
        (0.0, 3, "0"),
        (20130.0, 2, "20000"),
        (2.5e9, 2, "2.5e+09"),
        (np.inf, 2, "inf"),
    ],
)
def test_numbers_are_cut(value, digits, text):
    assert format_number(value, digits) == text
