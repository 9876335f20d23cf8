"""Drawings, as SVG, of how rows fall into groups: a tree of nested factors, a grid of two crossed ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from zlib import crc32

import numpy as np

from bayesmixed.display.columns_of_text import cut, measure
from bayesmixed.display.palette import BLUE, GREEN, GREY, VERMILION
from bayesmixed.families.links import Array
from bayesmixed.terms.relations import Factor, Integers, Node, Pair, grow_tree

LINE, LETTER = 20, 7.0
MOST_NODES = {1: (15,), 2: (6, 4), 3: (3, 2, 2)}
MOST_DOTS = 10
MOST_LETTERS = 18
MOST_NUMBERED, MOST_TILES = 30, 80
COLOURS = (BLUE, GREEN, VERMILION)
SHADES = ("#DCEAF5", "#A9CBE6", "#6BA6D3", "#2F7DB9", "#0B4F85")
FRAME, LINK = "#C3CAD3", "#8B95A3"
ROWS = GREY


def draw_tree(chain: Sequence[Factor]) -> str:
    """Return nested factors as a tree, outermost first and at the left, the rows of each innermost group as dots.

    Of many groups the first are drawn, and the others counted.
    """
    sizes = chain[-1].sizes
    rows, inner = int(sizes.sum()), chain[-1].name
    most = MOST_NODES.get(len(chain), (3,) + (2,) * (len(chain) - 1))
    places, height = _place("", grow_tree(chain), 0, most, 2 * LINE)
    names = [f"{factor.name}: {len(factor.labels):,}" for factor in chain]
    columns = _find_columns(places, names, len(f"{rows:,} rows"))
    tree = _Placed(f"{rows:,} rows", 0, -1, _middle(places), tuple(places))
    heads = [_text(x, LINE * 0.8, name, "font-weight:600") for x, name in zip(columns[1:], names, strict=False)]
    heads.append(_text(columns[-1] - 4, LINE * 0.8, f"rows of each {inner}", "font-weight:600"))
    body = [*heads, *_draw_node(tree, columns)]
    around = " in ".join(f"{len(factor.labels):,} {factor.name}" for factor in reversed(chain))
    each = f"{sizes.min():,}" if np.ptp(sizes) == 0 else f"{sizes.min():,} to {sizes.max():,}"
    description = f"{rows:,} rows in {around}; {each} rows in each {inner}."
    width = columns[-1] + max(7 * (MOST_DOTS + 1) + 9 * LETTER, LETTER * (len(inner) + 14))
    return _frame(f"Tree of {' > '.join(factor.name for factor in chain)}", description, body, width, height)


def draw_crossing(pair: Pair) -> str:
    """Return two factors as a grid: the rows in each combination as numbers, or as shades where groups are many."""
    counts = _count_tiles(pair)
    numbered = max(counts.shape) <= MOST_NUMBERED
    side = 22 if numbered else 7
    inner, outer = pair.inner, pair.outer
    left, top = 2 * LINE, int(1.3 * LINE)
    body = []
    if numbered:
        left = int(LETTER * max(len(_cut(label)) for label in (*inner.labels, inner.name)) + 14)
        top = LINE + int(LETTER * max(len(_cut(label)) for label in outer.labels) + 12)
        body += [_text(left - 8, top + side * (i + 0.68), _cut(t), anchor="end") for i, t in enumerate(inner.labels)]
        body += [_upright(left + side * (j + 0.68), top - 6, _cut(label)) for j, label in enumerate(outer.labels)]
        body += [_text(left - 8, top - 6, inner.name, "font-weight:600", "end")]
    else:
        middle = top + side * counts.shape[0] / 2
        body += [_upright(LINE, middle, f"{len(inner.labels):,} {inner.name}", "font-weight:600", "middle")]
    heading = outer.name if numbered else f"{len(outer.labels):,} {outer.name}"
    body += [_text(left, LINE * 0.8, heading, "font-weight:600")]
    body += list(_draw_tiles(counts, left, top, side, numbered))
    foot = top + side * counts.shape[0]
    body += list(_draw_legend(counts, left, foot + LINE, pair))
    description = (
        f"{inner.name} down, {outer.name} across: {len(pair.cells):,} of {pair.possible:,} combinations occur, with "
        f"{pair.rows.min():,} to {pair.rows.max():,} rows in each."
    )
    width = max(left + side * counts.shape[1], left + 300, left + LETTER * len(heading)) + 8
    return _frame(f"{inner.name} crossed with {outer.name}", description, body, width, foot + 2.6 * LINE)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A group of the tree with its place: depth is -1 for all rows; a group with no rows stands for those left out."""

    label: str
    rows: int
    depth: int
    y: float
    inside: tuple["_Placed", ...] = ()


def _place(
    around: str, nodes: Sequence[Node], depth: int, most: tuple[int, ...], y: float
) -> tuple[list[_Placed], float]:
    """Return the groups that are shown, with their places, and where the next one can stand."""
    shown = nodes if len(nodes) <= most[depth] + 1 else nodes[: most[depth]]
    placed = []
    for node in shown:
        label = _cut(node.label.removeprefix(around))
        if node.children:
            inside, below = _place(f"{node.label}:", node.children, depth + 1, most, y)
            placed.append(_Placed(label, node.rows, depth, _middle(inside), tuple(inside)))
            y = below + (LINE / 4)
        else:
            placed.append(_Placed(label, node.rows, depth, y))
            y += LINE
    if len(shown) < len(nodes):
        placed.append(_Placed(f"… {len(nodes) - len(shown):,} more", 0, depth, y))
        y += LINE
    return placed, y


def _middle(nodes: Sequence[_Placed]) -> float:
    return (nodes[0].y + nodes[-1].y) / 2


def _find_columns(nodes: Sequence[_Placed], names: Sequence[str], first: int) -> list[float]:
    """Return where the labels of all rows, of each factor, and the dots begin."""
    longest = [first, *(measure(name) for name in names)]
    todo = list(nodes)
    while todo:
        node = todo.pop()
        longest[node.depth + 1] = max(longest[node.depth + 1], measure(node.label))
        todo += node.inside
    places = [14.0]
    for letters in longest:
        places.append(places[-1] + LETTER * letters + 2.7 * LINE)
    places[-1] -= LINE / 2
    return places


def _draw_node(node: _Placed, columns: Sequence[float]) -> Iterator[str]:
    x = columns[node.depth + 1]
    gone = not node.rows and node.depth >= 0
    yield _text(x, node.y + 4, node.label, "font-style:italic" if gone else "")
    if gone:
        return
    colour = COLOURS[node.depth % len(COLOURS)] if node.depth >= 0 else ROWS
    yield f'<circle cx="{x - 8:.0f}" cy="{node.y:.1f}" r="4.5" fill="{colour}"/>'
    if not node.inside:
        yield from _draw_dots(node, columns[-1])
        return
    start, end = x + LETTER * len(node.label) + 4, columns[node.depth + 2] - 14
    for inner in node.inside:
        line = f"M{start:.0f} {node.y:.1f}H{end - LINE * 0.7:.0f}V{inner.y:.1f}H{end - (0 if inner.rows else 4):.0f}"
        dashes = "" if inner.rows else ' stroke-dasharray="2 3"'
        yield f'<path d="{line}" fill="none" stroke="{LINK}"{dashes}/>'
        yield from _draw_node(inner, columns)


def _draw_dots(node: _Placed, x: float) -> Iterator[str]:
    dots = min(node.rows, MOST_DOTS)
    for i in range(dots):
        yield f'<circle cx="{x + 7 * i:.0f}" cy="{node.y:.1f}" r="2.5" fill="{ROWS}"/>'
    more = "… " if node.rows > dots else ""
    yield _text(x + 7 * dots + 4, node.y + 4, f"{more}{node.rows:,}")


def _count_tiles(pair: Pair) -> Array:
    """Return the rows in each combination; of many groups, the rows in blocks of neighbouring ones."""
    tiles = pair.cells // _find_blocks(pair)
    counts = np.zeros(tiles.max(axis=0) + 1)
    np.add.at(counts, tuple(tiles.T), pair.rows)
    return counts


def _find_blocks(pair: Pair) -> tuple[int, int]:
    """Return how many groups of each factor stand together in a tile."""
    return -(-len(pair.inner.labels) // MOST_TILES), -(-len(pair.outer.labels) // MOST_TILES)


def _draw_tiles(counts: Array, left: float, top: float, side: int, numbered: bool) -> Iterator[str]:
    """Yield a frame, the tiles of each shade as one path, and their numbers."""
    height, width = side * counts.shape[0], side * counts.shape[1]
    yield f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="{FRAME}"/>'
    shades = _find_shades(counts)
    for shade, colour in enumerate(SHADES):
        tiles = np.argwhere((shades == shade) & (counts > 0))
        path = "".join(f"M{left + side * j} {top + side * i}h{side - 1}v{side - 1}h{1 - side}z" for i, j in tiles)
        if path:
            yield f'<path d="{path}" fill="{colour}"/>'
    if numbered:
        for i, j in np.argwhere(counts > 0):
            ink = "fill:#fff" if shades[i, j] >= 3 else "fill:#1c2430"
            yield _text(left + side * (j + 0.48), top + side * (i + 0.68), f"{counts[i, j]:.0f}", ink, "middle")


def _find_shades(counts: Array) -> Integers:
    """Return the shade of each tile: equal steps from the fewest rows to the most; the middle one if all are equal."""
    found = counts[counts > 0]
    if np.ptp(found) == 0:
        return np.full(counts.shape, 1)
    steps = np.linspace(found.min(), found.max(), len(SHADES) + 1)[1:-1]
    return np.searchsorted(steps, counts, side="left")


def _draw_legend(counts: Array, left: float, y: float, pair: Pair) -> Iterator[str]:
    """Yield what a tile is, and the shades of the fewest and the most rows."""
    found, blocks = counts[counts > 0], _find_blocks(pair)
    neighbours = f"{blocks[0]:,} {pair.inner.name} x {blocks[1]:,} {pair.outer.name}"
    tile = "a combination" if blocks == (1, 1) else f"a block of {neighbours}"
    x = left
    for shade in np.unique(_find_shades(counts)[counts > 0]):
        yield f'<rect x="{x}" y="{y - 9}" width="13" height="11" fill="{SHADES[shade]}"/>'
        x += 14
    x += 6
    low, high = int(found.min()), int(found.max())
    each = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    empty = "" if len(found) == counts.size else "; empty: none"
    yield _text(x, y, f"{each} row{'' if high == 1 else 's'} in {tile}{empty}")


def _cut(label: str) -> str:
    return label if measure(label) <= MOST_LETTERS else f"{cut(label, MOST_LETTERS - 1)}…"


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "") -> str:
    placed = f' text-anchor="{anchor}"' if anchor else ""
    styled = f' style="{style}"' if style else ""
    return f'<text x="{x:.0f}" y="{y:.1f}"{placed}{styled}>{escape(text)}</text>'


def _upright(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    turned = f'transform="rotate(-90 {x:.0f} {y:.0f})"'
    return _text(x, y, text, style, anchor).replace("<text", f"<text {turned}", 1)


def _frame(title: str, description: str, body: Sequence[str], width: float, height: float) -> str:
    """Return an SVG element of that size that says in words what it shows."""
    inside = "\n".join(body)
    key = f"drawing-{crc32((title + inside).encode()):08x}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-labelledby="{key}-title {key}-words" fill="currentColor" '
        'style="font:12px system-ui,sans-serif;print-color-adjust:exact;-webkit-print-color-adjust:exact">\n'
        f'<title id="{key}-title">{escape(title)}</title>\n<desc id="{key}-words">{escape(description)}</desc>\n'
        f"{inside}\n</svg>"
    )
