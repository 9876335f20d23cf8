"""Chapters of a report: each has something to say, or says why not."""

import numpy as np
import pytest
from fixed_draws import fit_at
from report_outlines import Outline, each_document

import bayesmixed as bm
from bayesmixed.report.chapters import show_answer
from bayesmixed.report.documents import list_chapters


@each_document
def test_every_chapter_has_something_to_say(documents, name):
    outline = Outline(documents[name])
    for chapter, (heading, _) in list_chapters(None, None, "").items():
        text = outline.text_of(id=chapter)
        assert len(text.replace(heading, "").strip()) > 30


@pytest.mark.parametrize("chapter", ["variation", "groups", "future"])
def test_a_chapter_that_the_model_does_not_have_says_why(documents, chapter):
    assert "Not in this report:" in Outline(documents["no group"]).text_of(id=chapter)


@pytest.mark.parametrize(
    ("name", "titles"),
    [("15 groups", ["Tree of herd"]), ("no group", []), ("crossed", ["plate crossed with dish"])],
)
def test_the_structure_is_drawn(documents, name, titles):
    outline = Outline(documents[name])
    keys = [attributes["id"] for attributes in outline.find("title") if "id" in attributes]
    assert [outline.text_of(id=key) for key in keys] == titles


def test_each_curve_has_a_picture_and_each_factor_a_future(documents):
    outline = Outline(documents["crossed"])
    future = outline.text_of(id="future")
    assert "The population of groups: plate" in future
    assert "The population of groups: dish" in future
    told = [image["alt"] for image in outline.find("img")]
    assert told[0].startswith("The expected response over each column")
    assert told[1] == "s(x) over its covariate, with 95 % bands."
    assert len(told) == 1 + 1 + 1 + 2


def test_sentences_and_means_stay_where_a_picture_or_some_means_are_refused():
    generator = np.random.default_rng(1)
    numbers = {f"x{i}": generator.normal(size=80) for i in range(13)}
    words = {"many": [f"l{i}" for i in np.arange(80) % 20], "few": np.repeat(["a", "b"], 40)}
    spec = bm.from_formula("y ~ few + many + " + " + ".join(numbers))
    design = bm.prepare(spec, {"y": generator.normal(size=80), **numbers, **words})
    text = show_answer(fit_at(design, {"sigma": 1.0}, jitter=0.1))
    assert "x12, " in text
    assert "few, b instead of a" in text
    assert text.count("Not in this report:") == 2
    assert "bm.marginal_means(fit, &#x27;many&#x27;)" in text
    assert "Marginal means of few" in text
    assert "<figure>" not in text


def test_the_checks_of_a_report_are_computed_once(monkeypatch):
    fit, made, ordinary = bm.load_fit("herd_period"), [], bm.posterior_checks
    monkeypatch.setattr(bm, "posterior_checks", lambda *given, **named: made.append(1) or ordinary(*given, **named))
    chapters = list_chapters(fit, bm.diagnose(fit), "data.csv")
    assert "All 6 statistics fit" in chapters["checks"][1]()
    assert "all agreed" in chapters["citation"][1]()
    assert len(made) == 1
