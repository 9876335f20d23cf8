"""Looking at a table with the eyes of a spec: what is missing, refused, and pointed out."""

import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import classic
from survey_data import PENICILLIN, classroom, penicillin, report_on

import bayesmixed as bm


def test_labels_that_are_not_counted_from_one_raise_no_question_about_nesting():
    sites = np.array(["Askov", "Foulum", "Jyndevad", "Tystofte", "Roskilde", "Holeby"])
    years = pd.DataFrame({"year": np.tile(np.arange(2001, 2009), 12), "site": np.repeat(sites, 16)})
    report = report_on("y ~ 1 + (1 | year) + (1 | site)", years.assign(y=np.arange(96) % 7))
    assert (report.refusal, report.labels, report.notes) == ("", (), ())


def test_labels_that_differ_in_capitals_or_blanks_are_noted():
    data = classic("lme4", "Dyestuff").assign(place="north")
    data["Batch"] = data["Batch"].astype(str)
    data.loc[0, "Batch"], data.loc[6, "Batch"], data.loc[3, "place"] = "a", " B", "North "
    (batch, place) = report_on("Yield ~ place + (1 | Batch)", data).notes[-2:]
    assert "Labels of 'Batch' differ only in case or spaces: ' B' and 'B', and so in 1 more case." in batch
    assert "'North ' and 'north'" in place
    assert report_on("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff")).notes == ()


@pytest.mark.parametrize("missing", ["error", "drop"])
def test_missing_values_are_counted_by_column(missing):
    data = classic("lme4", "sleepstudy")
    data.loc[[3, 5], "Reaction"] = np.nan
    data.loc[3, "Days"] = np.nan
    report = bm.check_data("sleepstudy", data, missing=missing)
    assert (report.rows, report.complete, dict(report.missing)) == (180, 178, {"Reaction": 2, "Days": 1})
    assert ("2 of 180 rows have missing values" in report.refusal) == (missing == "error")
    assert "178 of 180 rows are complete" in str(report)


REFUSED = [
    (
        "diameter ~ 1 + (1 | plate) + (1 | b_plate)",
        lambda: classic("lme4", "Penicillin").rename(columns={"sample": "b_plate"}),
        {},
        "Rename the column",
    ),
    ("Reaction ~ Days + (1 | Subject)", lambda: classic("lme4", "sleepstudy"), {"family": "poisson"}, "whole numbers"),
    ("Reaction ~ Days + (1 | one)", lambda: classic("lme4", "sleepstudy").assign(one=1), {}, "has one level"),
]


@pytest.mark.parametrize(("formula", "data", "options", "fragment"), REFUSED, ids=[row[3] for row in REFUSED])
def test_refused_data_are_reported_with_the_reason(formula, data, options, fragment):
    report = report_on(formula, data(), **options)
    assert fragment in report.refusal
    assert "Levels\n------" in str(report)


NOTHING = [
    ("Reaction ~ Dayz + (1 | Subject)", lambda: classic("lme4", "sleepstudy"), bm.SpecError, "Did you mean 'Days'"),
    ("Reaction ~ Days + (1 | Subjekt)", lambda: classic("lme4", "sleepstudy"), bm.SpecError, "Did you mean 'Subject'"),
    ("y ~ x", lambda: [1, 2], bm.DataError, "give a data frame"),
    ("y ~ x", lambda: {"y": [1.0, np.nan], "x": [np.nan, 1.0]}, bm.DataError, "missing values"),
]


@pytest.mark.parametrize(("formula", "data", "error", "message"), NOTHING)
def test_where_there_is_nothing_to_report_an_error_says_why(formula, data, error, message):
    with pytest.raises(error, match=message):
        bm.check_data(formula, data())


def test_an_unknown_choice_for_missing_values_is_refused():
    with pytest.raises(bm.DataError, match="missing='omit' is not known"):
        bm.check_data("sleepstudy", classic("lme4", "sleepstudy"), missing="omit")


def test_checking_warns_of_nothing_and_keeps_the_notes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = report_on(PENICILLIN, penicillin())
    assert report.design is not None
    assert report.notes == report.design.notes


def test_likely_typing_errors_in_labels_and_columns_are_pointed_out():
    data = classroom()
    data["unit"] = data["school"].astype(str) + "-" + data["class"].astype(str)
    data.loc[5, "unit"] = "9-1"
    data["size"] = data["school"] * 10.0
    data.loc[3, "size"] = 70.0
    text = " ".join(str(report_on("mathscore ~ size + (1 | school) + (1 | unit)", data)).split())
    assert "Almost nested: only 1 of 189 unit occur in more than one school (first: 9-1)" in text
    assert "size is constant within groups of 'school' but for 1 of 30" in text


def test_a_binomial_row_counts_by_its_trials():
    report = report_on("herd", classic("lme4", "cbpp"))
    share = 99.5 / 843
    np.testing.assert_allclose(
        report.information, classic("lme4", "cbpp")["size"] * share * (1 - share) * np.pi**2 / 3, rtol=1e-12
    )


@pytest.mark.parametrize(("response", "family"), [("y", "gaussian"), ("n", "poisson"), ("k | trials(t)", "binomial")])
def test_lines_with_frequencies_count_as_rows_written_out(response, family):
    rng = np.random.default_rng(1)
    lines = pd.DataFrame(
        {"g": list("abcdef") * 4, "y": rng.normal(size=24), "n": rng.poisson(3, 24), "w": rng.integers(1, 5, 24)}
    )
    lines = lines.assign(t=6, k=rng.binomial(6, 0.4, 24))
    both = "+" if "|" in response else "|"
    weighted = bm.check_data(f'{response} {both} weights(w, "frequency") ~ 1 + (1 | g)', lines, family=family)
    written = bm.check_data(f"{response} ~ 1 + (1 | g)", lines.loc[lines.index.repeat(lines["w"])], family=family)
    for_lines, for_rows = (np.bincount(report.factors[0].index, report.information) for report in (weighted, written))
    np.testing.assert_allclose(for_lines, for_rows, rtol=1e-12)
