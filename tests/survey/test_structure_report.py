"""The structure report: classic and simulated designs, read as a newcomer reads them."""

import html
import re
import time

import numpy as np
import pandas as pd
import pytest
from conftest import classic
from survey_data import PENICILLIN, classroom, penicillin, report_on

import bayesmixed as bm
from bayesmixed.display.columns_of_text import WIDTH
from bayesmixed.survey.structure_report import find_homes, list_groups, list_homes


def pastes():
    return classic("lme4", "Pastes").rename(columns={"sample": "unit"})


def split_plot():
    """Return 4 blocks x 2 crops x 24 plots (3 cultivars x 2 ways to dose x 4 amounts)."""
    axes = [list("1234"), ["oilseed", "potato"], ["A", "B", "C"], ["single", "split"], [0, 1, 2, 3]]
    index = pd.MultiIndex.from_product(axes, names=["block", "crop", "cultivar", "dose", "fertiliser"])
    data = index.to_frame(index=False)
    return data.assign(infection=np.random.default_rng(1).gamma(3, 2, len(data)))


def schools():
    outer = classic("nlme", "MathAchSchool").drop(columns="MEANSES")
    return classic("nlme", "MathAchieve").merge(outer, on="School")


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
            "(1 | plate) + (1 | plate:dish). This makes 144 groups, 6 in each plate. As many groups as rows: probably not",
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
    texts = (
        " ".join(str(report).split()),
        " ".join(html.unescape(re.sub("<[^>]*>", " ", report._repr_html_())).split()),
    )
    for fragment in fragments:
        assert any(fragment in text for text in texts)


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_fits_a_terminal_and_a_notebook(name):
    formula, data, options, _, _ = REPORTS[name]
    report = report_on(formula, data(), **options)
    assert max(map(len, str(report).splitlines())) <= WIDTH
    assert "<h4>Levels</h4>" in report._repr_html_()


def test_a_large_crossed_table_is_reported_in_two_seconds():
    data = classic("lme4", "InstEval")
    report_on("y ~ 1 + (1 | s)", data.head(100))
    start = time.process_time()
    text = str(report := report_on("y ~ 1 + service + (1 | s) + (1 | d) + (1 | dept)", data))
    assert time.process_time() - start < 20
    assert dict(report.levels) == {"s": 1, "d": 1, "dept": 2}
    assert "73,421 of 3,352,416 combinations occur (2.2 %), with 1 row in each" in " ".join(text.split())
    assert len(text.splitlines()) < 120


def test_tables_of_a_report_can_be_read_by_programs():
    report = report_on("MathAch ~ SES + Sector + (1 | School)", schools())
    assert list_groups(report)["groups"].tolist() == ["7,185", "160"]
    assert list_homes(report).set_index("predictor")["varies between"].to_dict() == {"SES": "rows", "Sector": "School"}


def test_a_school_level_predictor_belongs_to_the_school_not_to_its_classes():
    data = classroom()
    report = report_on("mathscore ~ size + (1 | school/class)", data.assign(size=data["school"] * 10.0))
    assert find_homes(report, report.predictors[0]) == ["school"]
    assert "these 30 groups" in " ".join(str(report).split())


def test_a_factor_that_is_fixed_and_random_is_pointed_out():
    text = str(report_on("mathscore ~ C(school) + (1 | school)", classroom()))
    assert "school is fixed and random at once" in text


def test_groups_of_one_row_are_effects_of_rows():
    data = penicillin().assign(unit=range(144))
    report = report_on("diameter ~ 1 + (1 | plate) + (1 | unit)", data)
    assert dict(report.levels) == {"plate": 1, "unit": 0}
    assert "Every row is a unit of its own" in str(report)


def test_a_model_without_groups_says_so():
    text = str(report_on("Reaction ~ Days", classic("lme4", "sleepstudy")))
    assert "all rows are taken to be independent" in text
    assert "shrinkage" not in text
    spec = bm.from_formula("Reaction ~ Days", residual="ar1(Days | Subject)")
    text = str(report_on(spec, classic("lme4", "sleepstudy")))
    assert "all rows are taken to be independent" not in text
    assert "rows of different levels of Subject are taken to be independent" in " ".join(text.split())
