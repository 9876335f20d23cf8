import subprocess
import sys
from pathlib import Path

import pytest

import bayesmixed as bm

PLOTS = Path(bm.__file__).parent / "plots"
FORMATS = """
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import select_figure_formats
shell = InteractiveShell.instance()
shell.display_formatter.active_types = shell.display_formatter.format_types  # as a notebook does
{before}
from bayesmixed.plots.figures import new_figure
figure = new_figure(2, 1)
figure.add_subplot()
formats, _ = shell.display_formatter.format(figure)
print(*sorted(formats))
"""


@pytest.mark.parametrize(
    ("before", "formats"),
    [("", ["image/png", "text/plain"]), ("select_figure_formats(shell, {'svg'})", ["image/svg+xml", "text/plain"])],
    ids=["not told how", "told how"],
)
def test_a_notebook_shows_a_figure_as_it_was_told_or_else_as_a_png(before, formats):
    code = FORMATS.format(before=before)
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert output.stdout.split() == formats


@pytest.mark.parametrize("path", sorted(PLOTS.glob("*.py")), ids=lambda path: path.stem)
def test_only_one_file_makes_figures(path):
    assert path.name == "figures.py" or " Figure(" not in path.read_text(encoding="utf-8")
