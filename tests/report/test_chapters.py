"""Chapters of a report: each has something to say, or says why not."""

import pytest
from report_outlines import Outline, each_document

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
