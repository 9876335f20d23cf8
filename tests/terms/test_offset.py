"""Offsets: one expression, finite in every row."""

import numpy as np
import pandas as pd
import pytest

from bayesmixed.errors import DataError, SpecError
from bayesmixed.tables.factors import as_table
from bayesmixed.terms.offset import Offset

TABLE = as_table(pd.DataFrame({"e": [1.0, 2.0, 4.0], "z": [0.0, 1.0, 1.0], "f": list("aba")}), [], ["e", "z", "f"])


def test_an_offset_is_read_printed_and_evaluated():
    (term,) = Offset.read("offset(log(e) + 1)")
    assert str(term) == "offset(log(e) + 1)"
    assert term.columns(["e", "z"]) == {"e"}
    np.testing.assert_allclose(term.build(TABLE).values, np.log([1.0, 2.0, 4.0]) + 1.0)
    assert Offset.read("log(e)") == ()


def test_two_offsets_are_added():
    first, second = (Offset(expression=text).build(TABLE) for text in ("e", "z"))
    np.testing.assert_array_equal(first.join(second).values, [1.0, 3.0, 5.0])


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("offset(e, z)", SpecError, "an offset has one expression"),
        ("offset(scale(e))", SpecError, r"scale\(\) learns from the data"),
        ("offset(log(z))", DataError, r"not finite in 1 of 3 rows \(first: row 0\)"),
        ("offset(f)", DataError, "holds no numbers"),
    ],
)
def test_what_is_no_known_addition_is_refused(text, error, words):
    with pytest.raises(error, match=words):
        Offset.read(text)[0].build(TABLE)
