"""What reads as a number, under which marks, and what are names that look like numbers."""

import numpy as np
import pytest

from bayesmixed.tables.number_texts import (
    COMMA,
    POINT,
    READINGS,
    are_classes,
    look_measured,
    parse_numbers,
    possible_readings,
    reads_as_number,
    reads_with_marks,
)


@pytest.mark.parametrize("text", ["1", "-1.5e3", " .5 ", "+2.", "inf", "-Infinity"])
def test_numbers_with_a_decimal_point(text):
    assert reads_as_number(text)
    assert parse_numbers([text], POINT, "")[0] == float(text)


@pytest.mark.parametrize("text", ["", "1,5", "1 000", "a", "1e", "0x1", "1_000", "--1", "nan"])
def test_texts_that_are_no_numbers_with_a_decimal_point(text):
    assert not reads_as_number(text)
    assert parse_numbers([text], POINT, "") is None


@pytest.mark.parametrize("marks", READINGS)
def test_numbers_written_with_some_marks_are_read_with_them(marks):
    numbers = [1234567.25, -0.5, 12.0, 999.125]
    texts = [f"{number:,.3f}".replace(",", "t").replace(".", marks[0]).replace("t", marks[1]) for number in numbers]
    assert all(map(reads_with_marks, texts))
    assert marks in possible_readings(texts)
    np.testing.assert_array_equal(parse_numbers(texts, *marks), numbers)


def test_a_comma_may_stand_for_thousands_or_decimals_until_a_text_decides():
    assert (COMMA, "") in possible_readings(["1,234"])
    assert (POINT, COMMA) in possible_readings(["1,234"])
    assert possible_readings(["1,234", "1,234.5"]) == [(POINT, COMMA)]
    assert possible_readings(["1,234", "1,2"])[0] == (COMMA, "")


def test_digits_and_marks_of_other_scripts_are_numbers():
    np.testing.assert_array_equal(parse_numbers(["\u0661\u066b\u0665", "\u22122"], POINT, ""), [1.5, -2.0])


@pytest.mark.parametrize(
    ("texts", "classes"),
    [
        (["0", "1", "2", "3+"], True),
        (["0", "1-2", ">2"], True),
        (["1 or more", "0"], True),
        (["0", "2", "3+"], False),
        (["1-3", "3-5"], False),
        (["5+"], False),
        (["0", "many"], False),
    ],
)
def test_classes_follow_each_other_without_a_gap(texts, classes):
    assert are_classes(texts) is classes


@pytest.mark.parametrize(
    ("texts", "rows", "measured"),
    [
        (["1.5", "<0.1", "2024-03-01"], [1, 1, 1], [True, True, True]),
        (["1", "2", "30"], [5, 5, 5], [False] * 3),
        (["12A", "7B"], [5, 5], [False, False]),
        (["1.5 kg", "2.25 kg"], [5, 5], [True, True]),
        (["20C", "25C"], [1, 1], [True, True]),
        (["20C", "25C"], [9, 9], [False, False]),
        (["1.1", "1.2", "2.1", "2.2"], [4] * 4, [False] * 4),
        (["1.1", "1.2", "2.1", "3.9"], [4] * 4, [True] * 4),
    ],
)
def test_measurements_and_dates_are_told_from_names_of_levels(texts, rows, measured):
    np.testing.assert_array_equal(look_measured(texts, np.array(rows)), measured)
