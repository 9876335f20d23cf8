"""Errors and warnings as a user meets them."""

import pandas as pd
import pytest

import bayesmixed as bm


def test_a_warning_points_to_the_line_of_the_user():
    data = pd.DataFrame({"y": [1.0, 2.5, 3.0, 4.5, 4.0, 7.0], "x": [1.0, 2, 3, 4, 5, 6], "z": [1.0, 0, 1, 0, 1, 1]})
    with pytest.warns(bm.StatisticsWarning, match="'x' enters an interaction") as found:
        bm.prior_predictive("y ~ x * z", data, draws=10)
    assert found[0].filename == __file__


@pytest.mark.parametrize("text", ["x", "ab ", "\n", "(", "'", '"', "' '", "é\t"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_an_error_repeats_little_of_a_long_text_and_all_of_a_short_one(text, quote):
    message = str(bm.SpecError(f"Column {quote}{text * 5_000}{quote} is not in the data. Look at its name."))
    assert len(message) < (1_300 if text == "' '" and quote == "'" else 250)
    assert message.startswith("Column ")
    assert message.endswith("is not in the data. Look at its name.")
    short = f"Column 'o'neil' is not in the data.\nThere is {quote}b{quote}."
    assert str(bm.DataError(short)) == short
