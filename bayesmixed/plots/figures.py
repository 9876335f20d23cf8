"""The empty figure that every plot begins with, and what is done to every figure at its end."""

import sys
from typing import TYPE_CHECKING, Any

from bayesmixed.display.palette import GREY

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure, sizes in inches, which a notebook shows when it is the value of a cell.

    Where pyplot opens windows, as in scripts on a desktop, it is one of pyplot's, so that `plt.show()` shows it; elsewhere
    not: those stay open, and notebooks show them twice.
    """
    from matplotlib.figure import Figure

    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and _opens_windows(pyplot.get_backend()):
        return pyplot.figure(figsize=(width, height), layout="constrained")
    _let_notebooks_show(Figure)
    return Figure(figsize=(width, height), layout="constrained")


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


def as_written(figure: "Figure", *, legend: int = 0) -> "Figure":
    """Return a figure whose texts show as they are: matplotlib reads text between two $ as mathematics.

    With `legend`, its legend is below, in that many columns.
    """
    from matplotlib.text import Text

    if legend:
        figure.legend(loc="outside lower center", ncols=legend, frameon=False, fontsize=9)
    axes = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    powers = {label for axis in axes if axis.get_scale() != "linear" for label in axis.get_ticklabels(which="both")}
    for text in figure.findobj(Text):
        if text.get_wrap():  # matplotlib measures lines that it breaks as mathematics all the same
            text.set_text(text.get_text().replace("$", r"\$"))
        else:
            text.set_parse_math(text in powers)
    return figure


def _let_notebooks_show(kind: type) -> None:
    """Tell IPython, where it runs, to show figures as PNG, unless it has been told how (`%matplotlib inline`)."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or any(kind in formatter for formatter in shell.display_formatter.formatters.values()):
        return
    from IPython.core.pylabtools import select_figure_formats

    select_figure_formats(shell, {"png"})
