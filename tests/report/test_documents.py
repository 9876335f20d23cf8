"""The report as a document: complete, accessible, self-contained, with the text of the data escaped."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from contracts.test_predictions_of_families import MEANS, make_fit
from fixed_draws import fit_at
from report_fits import NASTY, fit_without_groups
from report_outlines import Outline, each_document

import bayesmixed as bm
from bayesmixed.families import FAMILIES
from bayesmixed.report.documents import list_chapters, write_document


@each_document
def test_every_element_is_closed_and_every_id_is_there_once(documents, name):
    outline = Outline(documents[name])
    assert not outline.open
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [a["href"][1:] for a in outline.find("a")] + [a["aria-labelledby"] for a in outline.find("section")]
    assert set(targets) <= set(ids)


@each_document
def test_headings_go_down_one_level_at_a_time(documents, name):
    levels = [int(tag[1]) for tag, _ in Outline(documents[name]).elements if re.fullmatch(r"h\d", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@each_document
def test_landmarks_language_alternative_texts_and_headers_are_there(documents, name):
    outline = Outline(documents[name])
    assert outline.find("html") == [{"lang": "en"}]
    assert [len(outline.find(tag)) for tag in ("header", "nav", "main", "footer")] == [1] * 4
    drawings = [svg["aria-labelledby"].split() for svg in outline.find("svg") if "aria-labelledby" in svg]
    assert [title.get("id") for title in outline.find("title")] == [None, *(title for title, _ in drawings)]
    assert [words["id"] for words in outline.find("desc")] == [words for _, words in drawings]
    assert all(image["alt"] for image in outline.find("img"))
    assert all(svg["role"] == "img" and {"aria-label", "aria-labelledby"} & set(svg) for svg in outline.find("svg"))
    assert all(cell["scope"] in ("col", "row") for cell in outline.find("th"))
    assert all(box["aria-label"] for box in outline.find("div") if "tabindex" in box)


@each_document
def test_nothing_is_loaded_from_elsewhere(documents, name):
    sources = [a[key] for _, a in Outline(documents[name]).elements for key in ("src", "href") if key in a]
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket", documents[name])


def test_text_from_the_data_is_escaped(documents):
    outline = Outline(documents["nasty names"])
    assert len(outline.find("script")) == 2
    assert not outline.find("b")
    chart = json.loads(outline.text_of(id="groups-0-data"))
    assert sorted(chart["levels"]) == sorted(NASTY)
    assert all(name in outline.text_of(**{"data-table-of": "groups-0"}) for name in NASTY)


def test_names_of_columns_titles_and_what_a_file_says_of_a_run_are_escaped():
    bad = "<script>alert({})</script><img src=x onerror=alert(1)>'\"&$\\x$"
    y, x, f, g = (bad.format(name).replace("/", "") for name in "yxfg")
    generator = np.random.default_rng(1)
    rows = {
        y: generator.normal(size=48),
        x: generator.normal(size=48),
        f: np.tile([bad.format(i) for i in range(3)], 16),
    }
    rows |= {g: np.repeat([bad.format(i) for i in range(8)], 6)}
    spec = bm.from_formula(f"`{y}` ~ `{x}`*`{f}` + (1 | `{g}`)", title=bad, question=bad)
    fit = fit_at(bm.prepare(spec, rows), {f"sd_{g}": 1.0, "sigma": 1.0}, jitter=0.1)
    fit = replace(
        fit, engine=replace(fit.engine, name=bad, why=bad, decisions=(bad,)), versions={"bayesmixed": bad, bad: bad}
    )
    outline = Outline(write_document(fit))
    assert len(outline.find("script")) == 2
    assert not [image for image in outline.find("img") if image["src"] == "x"]
    for shown in (spec, fit.design, fit, bm.summary(fit), bm.check_data(spec, rows), bm.marginal_means(fit, f)):
        page = Outline(f"<html>{shown._repr_html_()}</html>")
        assert not page.find("script")
        assert not [image for image in page.find("img") if image["src"] == "x"]


def test_a_report_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(bm.DataError, match=r"nowhere. does not exist; make it before writing .report\.html. there"):
        bm.write_report(fit_without_groups(), tmp_path / "nowhere" / "report.html")
    with pytest.raises(bm.DataError, match="cannot be written"):
        bm.write_report(fit_without_groups(), tmp_path)


def fit_of(family):
    """Return the fit of a family, given as an object, whose draws differ a little."""
    fit = make_fit(family, False)
    values = {name: fit.posterior[name].values[0, 0] for name in fit.posterior.data_vars}
    return fit_at(fit.design, values, jitter=0.001)


@pytest.mark.slow
@pytest.mark.parametrize("family", MEANS.values(), ids=list(MEANS))
def test_every_family_has_every_chapter(family):
    varied = fit_of(family)
    # The checks of every family are tested where they are made.
    for chapter, (_, show) in list_chapters(varied, bm.diagnose(varied), "data.csv").items():
        assert chapter == "checks" or len(show()) > 100


def test_a_model_that_no_file_can_hold_says_so():
    text = write_document(fit_of(replace(FAMILIES["poisson"], name="own_poisson")))
    assert "cannot be written as TOML. Keep the code that makes it." in text
