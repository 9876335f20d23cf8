"""Columns of a terminal: texts of any alphabet are measured, cut and wrapped by what they take on the screen."""

import unicodedata

import numpy as np
import pytest
from rich.cells import cell_len

from bayesmixed.display.columns_of_text import cut, fill, fold, measure, on_one_line, pad, squeeze

SIGNS = [*"ab :,-é漢字ｱＡ한글 ", "e\u0301", "o\u0308\u0323", "\u1112\u1161"]


def random_texts(seed, count=30, longest=60):
    generator = np.random.default_rng(seed)
    return ["".join(generator.choice(SIGNS, size)) for size in generator.integers(0, longest, count)]


@pytest.mark.parametrize("text", ["abc", "漢字", "e\u0301te\u0301", "Ａb", "한글", "naïve", "Ω≈ç√", "", "日本 (n = 3)"])
def test_texts_are_as_wide_as_a_terminal_shows_them(text):
    assert measure(text) == cell_len(text)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("width", [2, 9, 30])
def test_lines_fit_and_lose_no_letter_and_no_accent_begins_one(seed, width):
    for text in random_texts(seed):
        lines = fold(text, width)
        assert max(map(measure, lines)) <= width
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert not any(unicodedata.combining(line[0]) for line in lines[1:] if line)
        assert text.startswith(cut(text, width))


@pytest.mark.parametrize("seed", range(5))
def test_shortened_and_padded_texts_have_the_width_that_was_asked(seed):
    for text in random_texts(seed):
        short = squeeze(text, 20)
        assert measure(short) <= 20
        assert short == " ".join(text.split()) or " ... " in short
        assert measure(pad(short, 25)) == measure(pad(short, 25, left=False)) == 25


def test_paragraphs_break_between_words_alone():
    assert fill("- one  two three", 9, "  ") == ["- one", "  two", "  three"]
    assert fill("one  two", 20) == ["one  two"]
    assert fill("漢字漢字 漢字", 9) == ["漢字漢字", "漢字"]
    assert fill(f"a {'x' * 30} b", 10) == ["a", "x" * 30, "b"]
    assert fill("", 10) == []
    assert on_one_line(["a\nb\tc\r", 1.5]) == ["a b c ", "1.5"]
