"""Texts measured, cut and wrapped by the columns that they take on a terminal, where some letters take two and some none."""

import re
import unicodedata
from collections.abc import Iterable

WIDTH = 80
"""Columns of text at most."""
_BREAKS = " :*,_"
_GAP = " ... "
_JOINED = ("Mn", "Me", "Cf")
"""Categories of what stands above, below or between letters: accents, marks that join or turn them."""


def measure(text: str) -> int:
    """Return the columns that a text takes: two for each wide letter of East Asia, none for accents that are combined."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, width: int) -> str:
    """Return the longest beginning of a text within a width, accents with their letters; one letter at least."""
    if text.isascii():
        return text[: max(width, 1)]
    taken, end = 0, 0
    for end, sign in enumerate(text):
        taken += _columns(sign)
        if taken > width and any(map(_columns, text[:end])):
            return text[:end]
    return text


def pad(text: str, width: int, *, left: bool = True) -> str:
    """Return a text filled with spaces, flush left or right."""
    spaces = " " * (width - measure(text))
    return text + spaces if left else spaces + text


def squeeze(text: str, most: int) -> str:
    """Return a text on one line, the middle left out where it takes more columns than `most`, which is 8 or more."""
    line = " ".join(text.split())
    if measure(line) <= most:
        return line
    room = most - len(_GAP)
    end = len(line)
    while measure(line[end - 1 :]) <= room // 3:
        end -= 1
    while end < len(line) and not _columns(line[end]):
        end += 1
    return f"{cut(line, room - room // 3).rstrip()}{_GAP}{line[end:].lstrip()}"


def fold(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken behind spaces and signs where there are any beyond the first third of a line."""
    lines = []
    while measure(text) > width:
        start = cut(text, width)
        found = max(start.rfind(sign, len(start) // 3) for sign in _BREAKS) + 1
        place = found or len(start)
        lines.append(text[:place].rstrip())
        text = text[place:].lstrip()
    return [*lines, text]


def fill(text: str, width: int, indent: str = "") -> list[str]:
    """Return the lines of a paragraph, all but the first indented; words stay whole, also those that are too long."""
    lines: list[str] = []
    line = ""
    for gap, word in re.findall(r"(\s*)(\S+)", text):
        spaces = re.sub(r"\s", " ", gap)
        if line and measure(f"{line}{spaces}{word}") > width:
            lines.append(line)
            line = f"{indent}{word}"
        else:
            line += spaces + word
    return [*lines, line] if line else lines


def fill_lines(texts: Iterable[str]) -> str:
    """Return texts of one or several lines as lines of at most 80 columns, what is longer indented below."""
    lines = (line for text in texts for line in text.split("\n"))
    return "\n".join(part for line in lines for part in fill(line, WIDTH, "    ") or [""])


def on_one_line(texts: Iterable[object]) -> list[str]:
    """Return what is shown of values in cells of a table: texts without the breaks that would end a row."""
    return [re.sub(r"[\s\x00-\x1f\x7f-\x9f]", " ", str(text)) for text in texts]


def _columns(sign: str) -> int:
    if (unicodedata.category(sign) in _JOINED and sign != "\xad") or "\u1160" <= sign <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1
