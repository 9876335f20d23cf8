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
    assert len(message) < 250
    assert message.startswith("Column ")
    assert message.endswith("is not in the data. Look at its name.")
    short = f"Column 'o'neil' is not in the data.\nThere is {quote}b{quote}."
    assert str(bm.DataError(short)) == short


@pytest.mark.parametrize("text", ["x", "' '", "a'\n", '" "'])
@pytest.mark.parametrize("size", [10, 500, 50_000])
def test_what_an_error_says_first_stays_whole_before_what_another_one_said(text, size):
    inner = bm.DataError(f"Formula '{text * size}' has a bracket 'x' that is not closed.\nClose 'it'.")
    error = inner.after("'a/b.nc' cannot be loaded:")
    said = str(error)
    assert type(error) is bm.DataError
    assert said.startswith("'a/b.nc' cannot be loaded: Formula '")
    assert said.endswith("Close 'it'.")
    assert len(said) <= 1_000


HOSTILE = ["x", "ab cd ", "' '", "C(f, 'it''s') + ", '" "', "a'\n\t", "([{"]
PLACES = {
    "formula": lambda text: bm.from_formula(f"y ~ x + {text} ("),
    "formula of a table": lambda text: bm.prepare(text, {"y": [1.0, 2.0]}),
    "family": lambda text: bm.from_formula("y ~ x", family=text),
    "link": lambda text: bm.from_formula("y ~ x", link=text),
    "prior": lambda text: bm.from_formula("y ~ x", priors={"sigma": text}),
    "name of a prior": lambda text: bm.Prior(name=text, arguments=(1.0,)),
    "key of a prior": lambda text: bm.prepare(bm.from_formula("y ~ x", priors={text: "Normal(0, 1)"}), TABLE),
    "key of a prior of a term": lambda text: bm.prepare(
        bm.from_formula("y ~ x", priors={f"beta[{text}]": "Normal(0, 1)"}), TABLE
    ),
    "column": lambda text: bm.prepare(f"y ~ `{text.replace('`', '')}`", TABLE),
    "cells": lambda text: bm.prepare("y ~ x", {**TABLE, "y": [text] * 6}),
    "other cells": lambda text: bm.prepare("y ~ x", {**TABLE, "x": [1.0, 2.0, 3.0, 4.0, text, text]}),
    "table": lambda text: bm.prepare("y ~ x", text),
    "file of a fit": lambda text: bm.load_fit(text),
    "file of a table": lambda text: bm.read_table(text),
    "spec": lambda text: bm.load_spec(text),
    "data set": lambda text: bm.datasets.load(text),
}
TABLE = {"y": [1.0, 2.5, 3.0, 4.5, 4.0, 7.0], "x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("place", PLACES)
def test_no_place_repeats_more_than_about_200_characters_of_input(place, piece):
    with pytest.raises(bm.BayesMixedError) as refused:
        PLACES[place](piece * (5_000 // len(piece)))
    said, core = str(refused.value), " ".join(piece.split())
    assert said.count(core) * len(core) < 350, said
    assert len(said) < 1_000
