"""Drawings of nested and of crossed factors."""

import re
from base64 import b64decode
from xml.etree import ElementTree

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.survey.drawings import draw_crossing, draw_tree
from bayesmixed.terms.relations import Factor, relate

SVG = "{http://www.w3.org/2000/svg}"
SHARP = ("<b>", "a & b", 'say "no"', "a label that is longer than its place")


def factor(name, index, labels=None):
    index = np.asarray(index, dtype=np.intp)
    return Factor(name, index, tuple(labels or (str(i) for i in range(index.max() + 1))))


def nested(outer, inner, rows):
    """Return two nested factors with so many inner groups in each outer one, and so many rows in each of these."""
    around = np.repeat(np.arange(outer), inner * rows)
    within = np.repeat(np.arange(outer * inner), rows)
    labels = [f"{i // inner}:{i % inner}" for i in range(outer * inner)]
    return factor("farm", around), factor("farm:field", within, labels)


def texts(drawing):
    return [element.text for element in drawing.iter(f"{SVG}text")]


def circles(drawing, radius):
    return [element for element in drawing.iter(f"{SVG}circle") if element.get("r") == radius]


def numbers(drawing):
    return [int(e.text) for e in drawing.iter(f"{SVG}text") if e.get("text-anchor") == "middle"]


CROSSED = relate(factor("plate", np.repeat(np.arange(6), 4)), factor("dish", np.tile(np.arange(4), 6)))
SPARSE = relate(factor("word", [0, 0, 0, 1, 2, 2]), factor("reader", [0, 0, 1, 1, 0, 2]))
MANY = relate(factor("word", np.arange(9000) % 2000), factor("reader", np.arange(9000) % 77))


@pytest.mark.parametrize(
    ("draw", "what", "title", "said"),
    [
        (draw_tree, nested(3, 2, 5), "Tree of farm > farm:field", "30 rows in 6 farm:field in 3 farm; 5 rows in each"),
        (draw_crossing, CROSSED, "plate crossed with dish", "24 of 24 combinations occur, with 1 to 1 rows in each"),
        (draw_crossing, SPARSE, "reader crossed with word", "5 of 9 combinations occur, with 1 to 2 rows in each"),
    ],
)
def test_a_drawing_says_in_words_what_it_shows(draw, what, title, said):
    drawing = ElementTree.fromstring(draw(what))
    heading, words = drawing.find(f"{SVG}title"), drawing.find(f"{SVG}desc")
    assert drawing.get("role") == "img"
    assert drawing.get("aria-labelledby") == f"{heading.get('id')} {words.get('id')}"
    assert set(title.split()) == set(heading.text.split())
    assert said in words.text


def test_a_tree_has_a_dot_for_each_row_and_a_line_for_each_group():
    drawing = ElementTree.fromstring(draw_tree(nested(3, 2, 5)))
    assert len(circles(drawing, "2.5")) == 30
    assert len(circles(drawing, "4.5")) == 1 + 3 + 6
    assert len(list(drawing.iter(f"{SVG}path"))) == 3 + 6
    assert texts(drawing).count("5") == 6


def test_a_tree_of_many_groups_draws_the_first_and_counts_the_others():
    chain = [factor("g", np.repeat(np.arange(2000), 30))]
    drawing = ElementTree.fromstring(draw_tree(chain))
    assert "… 1,985 more" in texts(drawing)
    assert texts(drawing).count("… 30") == 15
    assert float(drawing.get("height")) < 500
    inner = ElementTree.fromstring(draw_tree(nested(100, 50, 2)))
    assert [text for text in texts(inner) if "more" in text] == ["… 46 more"] * 6 + ["… 94 more"]


def test_no_group_is_hidden_behind_a_line_that_only_counts_it():
    drawing = ElementTree.fromstring(draw_tree([factor("g", np.arange(16))]))
    assert len(circles(drawing, "4.5")) == 17
    assert not [text for text in texts(drawing) if "more" in text]


@pytest.mark.parametrize("pair", [CROSSED, SPARSE], ids=["crossed", "sparse"])
def test_the_numbers_of_a_grid_are_the_rows(pair):
    drawing = ElementTree.fromstring(draw_crossing(pair))
    assert sorted(numbers(drawing)) == sorted(pair.rows)
    assert ("empty: none" in texts(drawing)[-1]) == (len(pair.cells) < pair.possible)


def test_a_grid_of_many_groups_has_a_tile_for_each_block_with_rows():
    drawing = ElementTree.fromstring(draw_crossing(MANY))
    tiles = sum(element.get("d").count("M") for element in drawing.iter(f"{SVG}path"))
    blocks = {(i // 25, j // 1) for i, j in MANY.cells}
    assert tiles == len(blocks)
    assert "a block of 25 word x 1 reader" in texts(drawing)[-1]
    assert float(drawing.get("width")) < 620


@pytest.mark.parametrize("draw", ["tree", "grid"])
def test_labels_from_data_are_text_and_stay_within_their_place(draw):
    sharp = factor("x < y", np.repeat(np.arange(4), 3), SHARP)
    other = factor("t&u", np.tile(np.arange(3), 4))
    markup = draw_tree([sharp]) if draw == "tree" else draw_crossing(relate(sharp, other))
    drawing = ElementTree.fromstring(markup)
    assert set(SHARP[:3]) | {"a label that is l…"} <= set(texts(drawing))
    assert not list(drawing.iter(f"{SVG}b"))
    edge = float(drawing.get("width"))
    upright = [e for e in drawing.iter(f"{SVG}text") if e.get("transform") is None]
    assert all(float(e.get("x")) + 7 * len(e.text) * (e.get("text-anchor") is None) <= edge for e in upright)


def test_a_notebook_gets_the_drawing_as_an_image_with_its_words():
    page = bm.check_data("herd", bm.datasets.load("cbpp"))._repr_html_()
    source, words = re.search(r'<img src="data:image/svg\+xml;base64,([^"]*)" alt="([^"]*)"', page).groups()
    drawing = ElementTree.fromstring(b64decode(source))
    assert texts(drawing)[0] == "herd: 15"
    assert words == "Tree of herd 56 rows in 15 herd; 1 to 4 rows in each herd."
    assert "<svg" not in page
