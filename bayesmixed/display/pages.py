"""Pages of sentences, tables and drawings, as text for terminals and as HTML for notebooks."""

import re
import textwrap
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import groupby, zip_longest

import pandas as pd

WIDTH = 80
"""Columns of text at most."""
_NARROWEST, _SENTENCE = 14, 24
_BREAKS = " :*,_"
_NUMBER = r"[-\d.,%/ ]*"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page; what is empty is left out.

    Attributes
    ----------
    title : str
        Heading.
    before, after : tuple of str
        Paragraphs above and below the table and the drawing.
    table : pandas.DataFrame
        Text columns are set flush left, numbers flush right.
    drawing : tuple of str
        Lines to be shown as they are.
    picture : str
        SVG shown in HTML in place of table and drawing.
    """

    title: str = ""
    before: tuple[str, ...] = ()
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    drawing: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    picture: str = ""


class Page(ABC):
    """What is shown as sections: `str()` for terminals, HTML in notebooks."""

    __slots__ = ()

    @abstractmethod
    def sections(self) -> list[Section]:
        """Return the sections, what matters most first."""

    def __str__(self) -> str:
        return write_text(self.sections())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return write_markup(self.sections())


def write_text(sections: Iterable[Section]) -> str:
    """Return a page as text of at most 80 columns, drawings aside."""
    written = ("\n".join(_section_lines(section)) for section in sections)
    return "\n\n".join(text for text in written if text)


def write_markup(sections: Iterable[Section], heading: int = 4, *, inline: bool = False) -> str:
    """Return a page as HTML, with headings of that level.

    Pictures are images, since notebook viewers remove SVG elements, unless they are to be `inline`.
    """
    parts = []
    for section in sections:
        parts += [f"<h{heading}>{escape(section.title)}</h{heading}>"] if section.title else []
        parts += _paragraphs(section.before)
        parts += list(_figures(section, inline))
        parts += _paragraphs(section.after)
    return "\n".join(parts)


def write_table(table: pd.DataFrame) -> str:
    """Return a table as HTML with its headers marked as such, numbers flush right."""
    columns = [[str(value) for value in table.iloc[:, place]] for place in range(table.shape[1])]
    kinds = ["number" if _are_numbers(column) else "text" for column in columns]
    head = "".join(
        f'<th scope="col" class="{kind}">{escape(str(name))}</th>'
        for name, kind in zip(table.columns, kinds, strict=True)
    )
    lines = []
    for row in zip(*columns, strict=True):
        first, *cells = ((f'class="{kind}"', escape(text)) for kind, text in zip(kinds, row, strict=True))
        line = f'<th scope="row" {first[0]}>{first[1]}</th>' + "".join(f"<td {c}>{text}</td>" for c, text in cells)
        lines.append(f"<tr>{line}</tr>")
    body = "\n".join(lines)
    kind = "dataframe tex2jax_ignore mathjax_ignore"  # a level named $a$ is no formula
    return f'<table class="{kind}">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'


def align(table: pd.DataFrame, width: int = WIDTH) -> list[str]:
    """Return the lines of a table, text flush left and numbers flush right.

    Where it is too wide, long texts go on below. In a table of texts alone, columns that still exceed the width follow
    below, beside those that tell rows apart.
    """
    cells = [[str(name), *(str(value) for value in table[name])] for name in table.columns]
    left = [not _are_numbers(column[1:]) for column in cells]
    sentences = [any(cell.count(" ") > 2 for cell in column) for column in cells]
    widths = [max(map(len, column)) for column in cells]
    if not all(left):
        return _write_lines(
            cells, _narrow(_narrow(widths, sentences, _NARROWEST, width), left, _NARROWEST, width), left
        )
    narrowed = _narrow(widths, sentences, _SENTENCE, width)
    labels = _labels(cells)
    blocks: list[list[int]] = [[]]
    for column in range(len(cells)):
        full = _total(narrowed[i] for i in [*blocks[-1], column]) > width
        if full and len(blocks[-1]) > len(labels):
            blocks.append([*labels])
        blocks[-1].append(column)
    lines: list[str] = []
    for block in blocks:
        own = _narrow([widths[i] for i in block], [sentences[i] for i in block], _NARROWEST, width)
        texts = [True] * len(block)
        lines += ["", *_write_lines([cells[i] for i in block], _narrow(own, texts, _NARROWEST, width), texts)]
    return lines[1:]


def _labels(cells: list[list[str]]) -> list[int]:
    """Return the first columns, as many as tell all rows apart; the first alone where none do."""
    for count in range(1, len(cells)):
        rows = [*zip(*(column[1:] for column in cells[:count]), strict=True)]
        if len(set(rows)) == len(rows):
            return [*range(count)]
    return [0]


def _write_lines(cells: list[list[str]], widths: list[int], left: list[bool]) -> list[str]:
    lines = []
    for row in zip(*cells, strict=True):
        parts = [_break(text, most) for text, most in zip(row, widths, strict=True)]
        for line in zip_longest(*parts, fillvalue=""):
            padded = [
                text.ljust(width) if flush else text.rjust(width)
                for text, width, flush in zip(line, widths, left, strict=True)
            ]
            lines.append("  ".join(padded).rstrip())
    return lines


def _narrow(widths: list[int], columns: list[bool], least: int, width: int) -> list[int]:
    """Return widths with which a table fills a line at most, if that is possible, the widest of some columns narrowed."""
    widths = list(widths)
    while _total(widths) > width:
        widest = max((i for i, one in enumerate(columns) if one), key=widths.__getitem__, default=None)
        if widest is None or widths[widest] <= least:
            break
        widths[widest] -= 1
    return widths


def _total(widths: Iterable[int]) -> int:
    return sum(2 + width for width in widths) - 2


def _break(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken behind spaces and signs where there are any beyond the first third of a line."""
    lines = []
    while len(text) > width:
        found = max(text.rfind(sign, width // 3, width) for sign in _BREAKS) + 1
        lines.append(text[: found or width].rstrip())
        text = text[found or width :].lstrip()
    return [*lines, text]


def _are_numbers(texts: Iterable[str]) -> bool:
    return all(re.fullmatch(_NUMBER, text) for text in texts)


def _figures(section: Section, inline: bool) -> Iterator[str]:
    if section.picture:
        yield section.picture if inline else _as_image(section.picture)
        return
    if len(section.table.columns):
        yield write_table(section.table)
    if section.drawing:
        yield f"<pre>{escape(chr(10).join(section.drawing))}</pre>"


def _as_image(picture: str) -> str:
    """Return an SVG element as an image on white, whose words are those of its title and description."""
    words = " ".join(re.findall(r"<(?:title|desc)[^>]*>([^<]*)<", picture)).replace('"', "&quot;")
    source = b64encode(picture.encode()).decode("ascii")
    return f'<img src="data:image/svg+xml;base64,{source}" alt="{words}" style="background:#fff">'


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    """Yield paragraphs; those that begin with a dash are items of lists."""
    for listed, together in groupby(texts, key=lambda text: text.startswith("- ")):
        if listed:
            yield f"<ul>{''.join(f'<li>{escape(text[2:])}</li>' for text in together)}</ul>"
        else:
            yield from (f"<p>{escape(text)}</p>" for text in together)


def _section_lines(section: Section) -> list[str]:
    lines = wrap([section.title]) if section.title else []
    lines += ["-" * max(map(len, lines))] if lines else []
    blocks = [wrap(section.before)] if section.before else []
    if len(section.table.columns):
        blocks.append([f"  {line}".rstrip() for line in align(section.table, WIDTH - 2)])
    blocks += [[f"  {line}" for line in section.drawing]] if section.drawing else []
    blocks += [wrap(section.after)] if section.after else []
    for i, block in enumerate(blocks):
        lines += ([""] if i else []) + block
    return lines


def wrap(paragraphs: Iterable[str], width: int = WIDTH) -> list[str]:
    """Return the lines of paragraphs; those that begin with a dash are items of lists."""
    lines: list[str] = []
    for paragraph in paragraphs:
        indent = "  " if paragraph.startswith("- ") else ""
        lines += textwrap.wrap(
            paragraph, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
    return lines
