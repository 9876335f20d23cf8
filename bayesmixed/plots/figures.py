"""The empty figure that every plot begins with, and what is done to every figure at its end."""

import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmixed.display.columns_of_text import squeeze
from bayesmixed.display.palette import GREY
from bayesmixed.errors import SpecError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_LONGEST = 32
"""Characters of a label of an axis."""
_EASTERN = 0x2E80
"""The first East Asian character."""
_EASTERN_FONTS = (
    *(
        " CJK ",
        "Source Han Sans",
        "WenQuanYi",
        "YaHei",
        "JhengHei",
        "SimHei",
        "Yu Gothic",
        "MS Gothic",
        "Meiryo",
        "Hiragino",
    ),
    *("PingFang", "Heiti", "IPAGothic", "IPAexGothic", "TakaoGothic", "VL Gothic", "Malgun Gothic", "NanumGothic"),
    *("AppleGothic", "Apple SD Gothic", "Arial Unicode", "Droid Sans Fallback", "Unifont"),
)
"""What their names hold."""
type Where = tuple[Any, tuple[float, float] | None]
"""The arguments `ax` and `figsize` of a plot."""


def new_figure(width: float, height: float, ax: Any = None, figsize: tuple[float, float] | None = None) -> Any:
    """Return an empty figure, sizes in inches, which a notebook shows when it is the value of a cell.

    Where pyplot opens windows, as in scripts on a desktop, it is one of pyplot's, so that `plt.show()` shows it; elsewhere
    not: those stay open, and notebooks show them twice. With `ax`, a part of the user's own figure takes its place; with
    `figsize`, that is its size.

    Raises
    ------
    SpecError
        `ax` is no place to draw, `figsize` no size, or both are given.
    """
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase

    if ax is not None:
        if figsize is not None:
            raise SpecError("figsize= is the size of a new figure; with ax= the size is that of your own figure.")
        if isinstance(ax, Axes):
            return _Panel(ax)
        if isinstance(ax, FigureBase):
            return ax
        raise SpecError(
            f"ax must be matplotlib axes or a SubFigure, not a {type(ax).__name__}. Of plt.subplots(1, 2) give one: axes[0]."
        )
    size = (width, height) if figsize is None else (float(figsize[0]), float(figsize[1]))
    if not all(0.0 < one < 1000.0 for one in size):
        raise SpecError(f"figsize must be two positive numbers of inches, not {size}.")
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and _opens_windows(pyplot.get_backend()):
        return pyplot.figure(figsize=size, layout="constrained")
    _let_notebooks_show(Figure)
    return Figure(figsize=size, layout="constrained")


class _Panel:
    """Axes of the user in the place of a figure with one panel: what belongs to the figure goes to the axes."""

    def __init__(self, axes: Any) -> None:
        self.axes, self.figure = [axes], axes.figure.figure
        self.findobj, self.supxlabel, self.supylabel = axes.findobj, axes.set_xlabel, axes.set_ylabel

    def add_subplot(self, rows: int = 1, columns: int = 1, *_: Any, **__: Any) -> Any:
        if rows * columns > 1:
            raise SpecError(
                "This picture has several panels, more than ax= can hold. Give it a part of a figure: "
                'left, right = plt.figure(layout="constrained").subfigures(1, 2), then ax=left.'
            )
        return self.axes[0]

    def add_gridspec(self, rows: int, columns: int, **_: Any) -> Any:
        return self.add_subplot(max(rows, 2), columns)

    def subplots(self, rows: int, columns: int, **_: Any) -> Any:
        return np.array([[self.add_subplot(rows, columns)]])

    def suptitle(self, text: str, *, fontsize: float, **_: Any) -> None:
        own = self.axes[0].get_title()
        self.axes[0].set_title(f"{text}\n{own}" if own else text, fontsize=fontsize)

    def legend(self, *handles: Any, loc: str = "", **options: Any) -> Any:
        return self.axes[0].legend(*handles, **options)

    def colorbar(self, image: Any, **options: Any) -> None:
        self.figure.colorbar(image, **options)


def close(figure: "Figure") -> None:
    """Close a figure that is used up, so that `plt.show()` does not show it."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)


def _opens_windows(backend: str) -> bool:
    from matplotlib.backends.registry import BackendFilter, backend_registry

    return backend.lower() in backend_registry.list_builtin(BackendFilter.INTERACTIVE)


def ink() -> str:
    """Return the colour of text: dark on light paper, light on dark paper."""
    from matplotlib import rcParams

    return str(rcParams["text.color"])


def shade() -> float:
    """Return the opacity of coloured bands and of many thin lines: dark paper needs more of it than light paper."""
    from matplotlib import colors, rcParams

    return 0.2 if sum(colors.to_rgb(rcParams["figure.facecolor"])) > 1.5 else 0.4


def quiet_grid(axes: Any, axis: str = "both") -> None:
    """Draw grid lines behind everything that are faint on light and on dark paper."""
    axes.grid(axis=axis, color=GREY, alpha=0.22, linewidth=0.7)
    axes.set_axisbelow(True)


def as_written(figure: Any, *, legend: int = 0) -> "Figure":
    """Return the whole figure, whose texts show as they are: matplotlib reads text between two $ as mathematics.

    With `legend`, its legend is below, in that many columns.
    """
    from matplotlib.text import Text

    if legend:
        with_legend(figure, legend)
    axes = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    for axis in axes:
        labels = [label.get_text() for label in axis.get_ticklabels()]
        if any(len(label) > _LONGEST for label in labels):
            axis.set_ticks(axis.get_ticklocs(), _shorten(labels))
    powers = {label for axis in axes if axis.get_scale() != "linear" for label in axis.get_ticklabels(which="both")}
    for text in figure.findobj(Text):
        if any(ord(letter) >= _EASTERN for letter in text.get_text()):
            text.set_fontfamily([*text.get_fontfamily(), *_eastern_fonts()])
        if text.get_wrap():  # matplotlib measures lines that it breaks as mathematics all the same
            text.set_text(text.get_text().replace("$", r"\$"))
        else:
            text.set_parse_math(text in powers)
    whole: Figure = figure.figure
    return whole


@cache
def _eastern_fonts() -> list[str]:
    """Return the installed fonts with East Asian characters, which matplotlib's own font lacks."""
    from matplotlib import font_manager

    return [name for name in font_manager.get_font_names() if any(one in name for one in _EASTERN_FONTS)]


def with_legend(figure: Any, columns: int) -> Any:
    """Return a figure with its legend below, in that many columns."""
    figure.legend(loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
    return figure


def _let_notebooks_show(kind: type) -> None:
    """Tell IPython, where it runs, to show figures as PNG, unless it has been told how (`%matplotlib inline`)."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or any(kind in formatter for formatter in shell.display_formatter.formatters.values()):
        return
    from IPython.core.pylabtools import select_figure_formats

    select_figure_formats(shell, {"png"})


def _shorten(labels: list[str]) -> list[str]:
    """Return labels with the middle of long ones left out, so far as they stay different."""
    most = _LONGEST
    while len({squeeze(label, most) for label in labels}) < len({" ".join(label.split()) for label in labels}):
        most += 8
    return [squeeze(label, most) for label in labels]
