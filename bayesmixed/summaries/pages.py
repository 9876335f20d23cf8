"""Pages of sentences, tables and drawings, as text for terminals and as HTML for notebooks."""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

import pandas as pd

WIDTH = 100
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
    """

    title: str = ""
    before: tuple[str, ...] = ()
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    drawing: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def write_text(sections: Iterable[Section]) -> str:
    """Return a page as text of at most 100 columns, tables and drawings aside."""
    return "\n\n".join("\n".join(_section_lines(section)) for section in sections)


def write_markup(sections: Iterable[Section]) -> str:
    """Return a page as HTML for notebooks."""
    parts = []
    for section in sections:
        parts += [f"<h4>{escape(section.title)}</h4>"] if section.title else []
        parts += [f"<p>{escape(text)}</p>" for text in section.before]
        parts += [section.table.to_html(index=False, escape=True)] if len(section.table.columns) else []
        parts += [f"<pre>{escape(chr(10).join(section.drawing))}</pre>"] if section.drawing else []
        parts += [f"<p>{escape(text)}</p>" for text in section.after]
    return "\n".join(parts)


def align(table: pd.DataFrame) -> list[str]:
    """Return the lines of a table, text flush left and numbers flush right."""
    cells = [[str(name), *(str(value) for value in table[name])] for name in table.columns]
    left = [not all(re.fullmatch(_NUMBER, text) for text in column[1:]) for column in cells]
    widths = [max(map(len, column)) for column in cells]
    lines = []
    for row in zip(*cells, strict=True):
        padded = [
            text.ljust(width) if flush else text.rjust(width)
            for text, width, flush in zip(row, widths, left, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return lines


def _section_lines(section: Section) -> list[str]:
    lines = [section.title, "-" * len(section.title)] if section.title else []
    blocks = [_wrap(section.before)] if section.before else []
    if len(section.table.columns):
        blocks.append([f"  {line}" for line in align(section.table)])
    blocks += [[f"  {line}" for line in section.drawing]] if section.drawing else []
    blocks += [_wrap(section.after)] if section.after else []
    for i, block in enumerate(blocks):
        lines += ([""] if i else []) + block
    return lines


def _wrap(paragraphs: Iterable[str]) -> list[str]:
    lines: list[str] = []
    for paragraph in paragraphs:
        indent = "  " if paragraph.startswith("- ") else ""
        lines += textwrap.wrap(
            paragraph, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
    return lines
