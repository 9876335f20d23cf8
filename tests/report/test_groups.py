"""The chart of the groups of a report holds the numbers of the tables."""

import json

import pytest
from report_fits import fit_of_probabilities
from report_outlines import Outline

import bayesmixed as bm
from bayesmixed.report.documents import write_document
from bayesmixed.summaries.pooling.group_levels import levels_at_means


def test_the_chart_holds_what_shrinkage_returns():
    fit = fit_of_probabilities()
    chart = json.loads(Outline(write_document(fit)).text_of(id="groups-0-data"))
    table = bm.shrinkage(fit, "farm")
    moved, where = levels_at_means(fit, "farm", table)
    for effect, rows in zip(chart["effects"], (moved, table[table["effect"] == "x"]), strict=True):
        link = effect["scales"][-1]
        for name, column in {"raw": "no_pooling", "partial": "mean", "lower": "lower", "upper": "upper"}.items():
            assert link[name] == pytest.approx(rows[column], abs=10.0 ** -link["places"])
    response, link = chart["effects"][0]["scales"]
    inverse = fit.design.mu.link.inverse
    assert response["name"] == f"probability, where {where}"
    assert response["upper"] == pytest.approx(inverse(moved["upper"]), abs=1e-2)
    assert response["complete"] == pytest.approx(inverse(link["complete"]), abs=1e-2)


def test_two_thousand_groups_make_a_report_of_bounded_size(documents):
    text = documents["2,000 groups"]
    assert len(json.loads(Outline(text).text_of(id="groups-0-data"))["levels"]) == 2000
    assert len(text) < 3_000_000
