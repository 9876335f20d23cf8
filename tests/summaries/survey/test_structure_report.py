"""The structure report: classic and simulated designs, read as a newcomer reads them."""

import time
import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import classic
from typer.testing import CliRunner

import bayesmixed as bm
from bayesmixed.cli import app
from bayesmixed.display.pages import WIDTH
from bayesmixed.survey.structure_report import find_homes, list_groups, list_homes

PENICILLIN = "diameter ~ 1 + (1 | plate) + (1 | dish)"


def penicillin():
    return classic("lme4", "Penicillin").rename(columns={"sample": "dish"})


def pastes():
    return classic("lme4", "Pastes").rename(columns={"sample": "unit"})


def classroom():
    """Return 30 schools of 1 to 9 classes, whose labels begin with 1 in every school."""
    generator = np.random.default_rng(1)
    rows = [
        (school, room)
        for school in range(1, 31)
        for room in range(1, generator.integers(1, 10) + 1)
        for _ in range(generator.integers(2, 8))
    ]
    data = pd.DataFrame(rows, columns=["school", "class"])
    return data.assign(ses=generator.normal(size=len(data)), mathscore=generator.normal(500, 30, len(data)))


def split_plot():
    """Return 4 blocks x 2 crops x 24 plots (3 cultivars x 2 ways to dose x 4 amounts)."""
    axes = [list("1234"), ["oilseed", "potato"], ["A", "B", "C"], ["single", "split"], [0, 1, 2, 3]]
    index = pd.MultiIndex.from_product(axes, names=["block", "crop", "cultivar", "dose", "fertiliser"])
    data = index.to_frame(index=False)
    return data.assign(infection=np.random.default_rng(1).gamma(3, 2, len(data)))


def schools():
    outer = classic("nlme", "MathAchSchool").drop(columns="MEANSES")
    return classic("nlme", "MathAchieve").merge(outer, on="School")


def report_on(spec, data, **options):
    return bm.check_data(bm.from_formula(spec, **options) if "~" in spec else spec, data)


REPORTS = {
    # formula or name, data, options, levels, parts of the text
    "penicillin": (
        PENICILLIN,
        penicillin,
        {"crossed": ["dish"]},
        {"plate": 1, "dish": 1},
        [
            "'plate' and 'dish' are crossed: every plate (24) meets every dish (6), with 1 row in each of the 144 "
            "combinations (balanced)",
            "... and 18 more of plate",
            "No value is missing. The data suit the model.",
        ],
    ),
    "penicillin, not said to be crossed": (
        PENICILLIN,
        penicillin,
        {},
        {"plate": 1, "dish": 1},
        [
            "Do the labels of 'dish' mean the same unit in every 'plate'?",
            "(1 | plate) + (1 | plate:dish). This makes 144 groups, 6 in each plate. As many groups as rows: hardly what",
            'crossed = ["dish"]. There are then 6 groups of dish, each in 24 plate',
        ],
    ),
    "pastes": (
        "strength ~ 1 + (1 | batch/cask)",
        pastes,
        {},
        {"batch:cask": 1, "batch": 2},
        [
            "'batch:cask' is nested in 'batch': each batch:cask lies in one batch only; 3 in each batch",
            "The labels of 'cask' are re-used: 3 of 3 occur in more than one batch.",
            "batch > batch:cask; 2 rows in each batch:cask: A a, b, c B a, b, c",
            "A fixed batch:cask would leave nothing for batch",
        ],
    ),
    "pastes, unique labels": (
        "strength ~ 1 + (1 | batch) + (1 | unit)",
        pastes,
        {},
        {"unit": 1, "batch": 2},
        [
            "'unit' is nested in 'batch'",
            "The labels of 'unit' say so: (1 | batch/unit) is the same as (1 | batch) + (1 | unit)",
            "A A:a, A:b, A:c",
        ],
    ),
    "classroom, nested": (
        "mathscore ~ ses + (ses | school) + (1 | school:class)",
        classroom,
        {},
        {"school:class": 1, "school": 2},
        [
            "'school:class' is nested in 'school': each school:class lies in one school only; 1 to 9 (median 7) in each",
            "The labels of 'class' are re-used: 9 of 9 occur in more than one school",
            "... and 24 more of school",
            "2 SDs, 1 correlation 58 coefficients (2 x 29)",
            "slopes have weights of their own",
        ],
    ),
    "split-plot": (
        "sqrt(infection) ~ crop*cultivar + dose*fertiliser + (1 | block/crop)",
        split_plot,
        {},
        {"block:crop": 1, "block": 2},
        [
            "crop is a group-level predictor: constant in each block:crop.",
            "these 8 groups, not the 192 rows, are the sample",
            "block: an SD learned from 4 groups is mostly its prior",
            "block:crop cannot be fixed as long as crop is in the model",
        ],
    ),
    "cbpp": (
        "herd_period",
        lambda: classic("lme4", "cbpp"),
        {},
        {"herd": 1},
        [
            "family binomial, link logit; 56 rows. 99 of 842 trials (0.118).",
            "Groups of 'herd' with a single row: 1 of 15",
            "Here ρ is the ICC of a single trial on the latent logit scale",
            "14 coefficients 1 to 4 (median 4)",
        ],
    ),
    "sleepstudy": (
        "sleepstudy",
        lambda: classic("lme4", "sleepstudy"),
        {},
        {"Subject": 1},
        ["Days numbers (10 different) 0 rows", "Subject all 18 10 0.53 0.81 0.91 0.99", "34 coefficients (2 x 17)"],
    ),
    "arabidopsis": (
        "arabidopsis",
        lambda: classic("lme4", "Arabidopsis"),
        {},
        {"reg:popu:gen": 1, "reg:popu": 2, "reg": 3},
        [
            "reg:popu:gen (gen in popu in reg)",
            "The labels of 'popu' are unique",
            "NL 116 rows 3.NL 4 (31), 5 (11), 6 (13)",
            "reg: an SD learned from 3 groups is mostly its prior. Fixed costs 2 coefficients",
            "- 'reg' has 3 levels",
        ],
    ),
    "schools": (
        "MathAch ~ SES + Sex + Sector + PRACAD + DISCLIM + HIMINTY + (SES | School)",
        schools,
        {},
        {"School": 1},
        [
            "Sector, PRACAD, DISCLIM and HIMINTY are group-level predictors: constant in each School",
            "these 160 groups, not the 7,185 rows",
            "SES varies within groups of 'School' and between them (28 % of its variance lies between)",
            "School cannot be fixed as long as Sector, PRACAD, DISCLIM and HIMINTY are in the model",
        ],
    ),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_says_how_the_data_are_structured(name):
    formula, data, options, levels, fragments = REPORTS[name]
    report = report_on(formula, data(), **options)
    assert (dict(report.levels), report.refusal) == (levels, "")
    text = " ".join(str(report).split())
    for fragment in fragments:
        assert fragment in text


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_fits_a_terminal_and_a_notebook(name):
    formula, data, options, _, _ = REPORTS[name]
    report = report_on(formula, data(), **options)
    assert max(map(len, str(report).splitlines())) <= WIDTH
    assert "<h4>Levels</h4>" in report._repr_html_()


def test_crossed_labels_that_do_not_count_raise_no_question():
    sites = np.array(["Askov", "Foulum", "Jyndevad", "Tystofte", "Roskilde", "Holeby"])
    years = pd.DataFrame({"year": np.tile(np.arange(2001, 2009), 12), "site": np.repeat(sites, 16)})
    report = report_on("y ~ 1 + (1 | year) + (1 | site)", years.assign(y=np.arange(96) % 7))
    assert (report.refusal, report.labels, report.notes) == ("", (), ())


def test_labels_that_differ_in_capitals_or_blanks_are_noted():
    data = classic("lme4", "Dyestuff").assign(place="north")
    data["Batch"] = data["Batch"].astype(str)
    data.loc[0, "Batch"], data.loc[6, "Batch"], data.loc[3, "place"] = "a", " B", "North "
    (batch, place) = report_on("Yield ~ place + (1 | Batch)", data).notes[-2:]
    assert "Labels of 'Batch' differ in capitals or blanks only: ' B' and 'B', and so in 1 more case." in batch
    assert "'North ' and 'north'" in place
    assert report_on("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff")).notes == ()


def test_reused_labels_are_refused_and_the_way_out_is_shown():
    report = report_on("mathscore ~ ses + (ses | school) + (1 | class)", classroom())
    assert report.design is None
    assert "start anew within every level of 'school'" in report.refusal
    text = " ".join(str(report).split())
    for fragment in (
        "Refused ------- The labels of 'class' start anew",
        "school 1: class 1, 2, 3, 4, 5 school 2: class 1, 2, 3, 4, 5, 6, 7, 8",
        "write mathscore ~ 1 + ses + (1 + ses | school) + (1 | school:class). This makes 189 groups, 1 to 9 (median 7)",
        'say crossed = ["class"]. There are then 9 groups of class, each in 5 to 30 (median 25) school',
    ):
        assert fragment in text
    assert "The data suit the model" not in text


def test_a_large_crossed_table_is_reported_in_two_seconds():
    data = classic("lme4", "InstEval")
    report_on("y ~ 1 + (1 | s)", data.head(100))
    start = time.process_time()
    text = str(report := report_on("y ~ 1 + service + (1 | s) + (1 | d) + (1 | dept)", data))
    assert time.process_time() - start < 20
    assert dict(report.levels) == {"s": 1, "d": 1, "dept": 2}
    assert "73,421 of 3,352,416 combinations occur (2.2 %), with 1 row in each" in " ".join(text.split())
    assert len(text.splitlines()) < 120


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
    ("diameter ~ 1 + (1 | mu)", lambda: classic("lme4", "Penicillin").assign(mu=1), {}, "Rename the column"),
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


def test_an_unknown_way_with_missing_values_is_an_error():
    with pytest.raises(bm.DataError, match="missing='omit' is not known"):
        bm.check_data("sleepstudy", classic("lme4", "sleepstudy"), missing="omit")


def test_checking_warns_of_nothing_and_keeps_the_notes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = report_on(PENICILLIN, penicillin())
    assert report.design is not None
    assert report.notes == report.design.notes


def test_tables_of_a_report_can_be_read_by_programs():
    report = report_on("MathAch ~ SES + Sector + (1 | School)", schools())
    assert list_groups(report)["groups"].tolist() == ["7,185", "160"]
    assert list_homes(report).set_index("predictor")["varies between"].to_dict() == {"SES": "rows", "Sector": "School"}


def test_a_school_level_predictor_belongs_to_the_school_not_to_its_classes():
    data = classroom()
    report = report_on("mathscore ~ size + (1 | school/class)", data.assign(size=data["school"] * 10.0))
    assert find_homes(report, report.predictors[0]) == ["school"]
    assert "these 30 groups" in " ".join(str(report).split())


def test_slips_in_labels_and_columns_are_pointed_out():
    data = classroom()
    data["unit"] = data["school"].astype(str) + "-" + data["class"].astype(str)
    data.loc[5, "unit"] = "9-1"
    data["size"] = data["school"] * 10.0
    data.loc[3, "size"] = 70.0
    text = " ".join(str(report_on("mathscore ~ size + (1 | school) + (1 | unit)", data)).split())
    assert "Almost nested: only 1 of 189 unit occur in more than one school (first: 9-1)" in text
    assert "size is constant within groups of 'school' but for 1 of 30" in text


def test_one_grouping_under_two_names_is_pointed_out():
    data = classroom().assign(twin=lambda d: "s" + d["school"].astype(str))
    text = str(report_on("mathscore ~ 1 + (1 | school) + (1 | twin)", data))
    assert "'school' and 'twin' are the same grouping under two names" in text


def test_a_factor_that_is_fixed_and_random_is_pointed_out():
    text = str(report_on("mathscore ~ C(school) + (1 | school)", classroom()))
    assert "school is fixed and random at once" in text


def test_groups_of_one_row_are_effects_of_rows():
    data = penicillin().assign(unit=range(144))
    report = report_on("diameter ~ 1 + (1 | plate) + (1 | unit)", data)
    assert dict(report.levels) == {"plate": 1, "unit": 0}
    assert "Every row is a unit of its own" in str(report)


def test_a_binomial_row_counts_by_its_trials():
    report = report_on("herd", classic("lme4", "cbpp"))
    share = 99.5 / 843
    np.testing.assert_allclose(
        report.information, classic("lme4", "cbpp")["size"] * share * (1 - share) * np.pi**2 / 3, rtol=1e-12
    )


def test_a_model_without_groups_says_so():
    text = str(report_on("Reaction ~ Days", classic("lme4", "sleepstudy")))
    assert "all rows are taken to be independent" in text
    assert "shrinkage" not in text


def test_the_command_prints_the_report_and_refuses_with_code_1(tmp_path):
    classroom().to_csv(tmp_path / "class.csv", index=False)
    arguments = ["--data", str(tmp_path / "class.csv"), "--family", "gaussian"]
    refused = CliRunner().invoke(app, ["check", "mathscore ~ ses + (1 | school) + (1 | class)", *arguments])
    assert refused.exit_code == 1
    assert "school 1: class 1, 2, 3, 4, 5" in refused.stdout
    assert refused.stderr.startswith("error: The labels of 'class' start anew")
    done = CliRunner().invoke(app, ["check", "mathscore ~ ses + (1 | school/class)", *arguments])
    assert (done.exit_code, "is nested in 'school'" in done.stdout) == (0, True)


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
