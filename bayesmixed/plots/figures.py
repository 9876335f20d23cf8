"""The empty figure that every plot begins with."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure, sizes in inches, which a notebook shows when it is the value of a cell.

    It is not one of pyplot's: those stay open, and notebooks show them twice.
    """
    from matplotlib.figure import Figure

    _let_notebooks_show(Figure)
    return Figure(figsize=(width, height), layout="constrained")


def _let_notebooks_show(kind: type) -> None:
    """Tell IPython, where it runs, to show figures as PNG, unless it has been told how (`%matplotlib inline`)."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or any(kind in formatter for formatter in shell.display_formatter.formatters.values()):
        return
    from IPython.core.pylabtools import select_figure_formats

    select_figure_formats(shell, {"png"})
