"""Pages of sentences, tables and drawings, as text for terminals and as HTML for notebooks."""

import re
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby, zip_longest

import pandas as pd

from bayesmixed.display.columns_of_text import WIDTH, fill, fold, measure, on_one_line, pad

_NARROWEST, _SENTENCE, _FEWEST = 14, 24, 8
_NUMBER = r"([<>] )?[-\d.,%/ ]*(e[-+]?\d+)?|-?inf"


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
        Lines to be shown as they are, folded where they are too wide.
    code : bool
        The drawing is code to be copied: its lines stay whole.
    picture : str
        SVG shown in HTML in place of table and drawing.
    """

    title: str = ""
    before: tuple[str, ...] = ()
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    drawing: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    picture: str = ""
    code: bool = False


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


def align(table: pd.DataFrame, width: int = WIDTH, labels: Iterable[object] = ()) -> list[str]:
    """Return the lines of a table, text flush left and numbers flush right.

    Where it is too wide, long texts and headers go on below. Columns that still exceed the width follow in further
    blocks, beside those that tell rows apart: `labels`, which stay whole where they can, else the first.
    """
    columns = [_Column.of(table.columns[place], table.iloc[:, place]) for place in range(table.shape[1])]
    if _total(column.widest for column in columns) <= width:
        return _write_lines(columns, [column.widest for column in columns])
    least = _SENTENCE if all(column.left for column in columns) else _NARROWEST
    widths = _narrow(
        [column.widest for column in columns], [column.narrowest(least, False) for column in columns], width
    )
    keys = [place for place, name in enumerate(table.columns) if name in {*labels}]
    if not keys and least == _NARROWEST:
        widths = _narrow(widths, [column.narrowest(least) for column in columns], width)
    if _total(widths) <= width:
        return _write_lines(columns, widths)
    keys = keys or _keys(columns)
    while len(keys) > 1 and _total([_FEWEST] * len(keys)) > width // 2:
        keys.pop()
    blocks = [[*keys]]
    for place in (place for place in range(len(columns)) if place not in keys):
        if len(blocks[-1]) > len(keys) and _total(widths[i] for i in [*blocks[-1], place]) > width:
            blocks.append([*keys])
        blocks[-1].append(place)
    return [line for block in blocks for line in ("", *_write_block([columns[i] for i in block], width))][1:]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column as texts, its name first, and whether it is set flush left."""

    texts: list[str]
    left: bool

    @classmethod
    def of(cls, name: object, values: Iterable[object]) -> "_Column":
        texts = on_one_line([name, *values])
        return cls(texts, not _are_numbers(texts[1:]))

    @property
    def widest(self) -> int:
        return max(map(measure, self.texts))

    def narrowest(self, least: int, any_text: bool = True) -> int:
        """Return the width to which it may be narrowed: sentences and headers of numbers, or any text."""
        if not self.left:
            return max([min(least, measure(self.texts[0])), *map(measure, self.texts[1:])])
        sentences = any(text.count(" ") > 2 for text in self.texts)
        return min(self.widest, least) if sentences or any_text else self.widest


def _keys(columns: Sequence[_Column]) -> list[int]:
    """Return the first columns, as many as tell all rows apart; without such, those of texts that come first, one at least."""
    for count in range(1, len(columns)):
        rows = [*zip(*(column.texts[1:] for column in columns[:count]), strict=True)]
        if len(set(rows)) == len(rows):
            return [*range(count)]
    numbers = (place for place, column in enumerate(columns) if not column.left)
    return [*range(max(1, next(numbers, 1)))]


def _write_block(columns: Sequence[_Column], width: int) -> list[str]:
    widths = [column.widest for column in columns]
    for least, any_text in ((_NARROWEST, False), (_NARROWEST, True), (_FEWEST, True)):
        widths = _narrow(widths, [column.narrowest(least, any_text) for column in columns], width)
    return _write_lines(columns, _narrow(widths, [2] * len(columns), width))


def _write_lines(columns: Sequence[_Column], widths: Sequence[int]) -> list[str]:
    lines = []
    for row in zip(*(column.texts for column in columns), strict=True):
        parts = [fold(text, most) for text, most in zip(row, widths, strict=True)]
        for line in zip_longest(*parts, fillvalue=""):
            padded = [
                pad(text, width, left=column.left) for text, width, column in zip(line, widths, columns, strict=True)
            ]
            lines.append("  ".join(padded).rstrip())
    return lines


def _narrow(widths: Sequence[int], least: Sequence[int], width: int) -> list[int]:
    """Return widths with which a table fills a line at most, if that is possible, the widest narrowed, to `least` at most."""
    found = list(widths)
    while _total(found) > width:
        free = [place for place, most in enumerate(found) if most > least[place]]
        if not free:
            break
        found[max(free, key=found.__getitem__)] -= 1
    return found


def _total(widths: Iterable[int]) -> int:
    return sum(2 + width for width in widths) - 2


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
    lines += ["-" * max(map(measure, lines))] if lines else []
    blocks = [wrap(section.before)] if section.before else []
    if len(section.table.columns):
        blocks.append([f"  {line}".rstrip() for line in align(section.table, WIDTH - 2)])
    drawn = [part for line in section.drawing for part in ([line] if section.code else _fold_drawn(line))]
    blocks += [[f"  {line}" for line in drawn]] if drawn else []
    blocks += [wrap(section.after)] if section.after else []
    for i, block in enumerate(blocks):
        lines += ([""] if i else []) + block
    return lines


def _fold_drawn(line: str) -> list[str]:
    """Return the lines of a line of a drawing, what is too long below it, indented."""
    if measure(line) <= WIDTH - 2:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    first, *others = fold(line.lstrip(), WIDTH - 6 - len(indent))
    return [f"{indent}{first}", *(f"{indent}    {other}" for other in others)]


def wrap(paragraphs: Iterable[str], width: int = WIDTH) -> list[str]:
    """Return the lines of paragraphs; those that begin with a dash are items of lists."""
    lines: list[str] = []
    for paragraph in paragraphs:
        lines += fill(paragraph, width, "  " if paragraph.startswith("- ") else "")
    return lines
