"""The notebooks as they lie in the repository; that they run is tested by `pytest --nbmake examples`."""

import json
import re
from pathlib import Path

import numpy as np
import page_outputs
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
README = EXAMPLES.parent / "README.md"
NUMBER = re.compile(r"(?<![\w.])-?\d+\.?\d*")

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])


def cells_of(path, kind):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


@each_notebook
def test_a_notebook_is_short_and_begins_with_a_title(path):
    prose = cells_of(path, "markdown")
    assert len(prose) + len(cells_of(path, "code")) < 40
    assert "".join(prose[0]["source"]).startswith("# ")
    assert path.stat().st_size < 1_000_000


@each_notebook
def test_a_notebook_was_run_from_top_to_bottom(path):
    counts = [cell["execution_count"] for cell in cells_of(path, "code")]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_a_notebook_shows_no_error_and_no_warning(path):
    outputs = [output for cell in cells_of(path, "code") for output in cell["outputs"]]
    assert outputs
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]


@pytest.mark.parametrize("path", [*NOTEBOOKS, *page_outputs.pages()], ids=lambda path: path.stem)
def test_numbers_are_shown_of_fits_that_converged(path):
    assert "NOT CONVERGED" not in path.read_text(encoding="utf-8")


@each_notebook
def test_the_readme_leads_to_a_notebook(path):
    assert f"examples/{path.name}" in README.read_text(encoding="utf-8")


@each_notebook
def test_decimal_numbers_of_the_text_are_those_of_code_and_outputs(path):
    shown = [part for cell in cells_of(path, "code") for part in [*cell["source"], *texts_of(cell["outputs"])]]
    numbers = np.array([float(one) for one in NUMBER.findall("".join(shown))])
    for cell in cells_of(path, "markdown"):
        text = re.sub(r"`[^`]*`|\$[^$]*\$", "", "".join(cell["source"]))
        for quoted in re.findall(r"(?<![\w.-])-?\d+\.\d+(?!\d*[.%]| %)", text):
            half = 0.51 * 10.0 ** -len(quoted.partition(".")[2])
            assert np.abs(numbers - float(quoted)).min() <= half, quoted


def texts_of(outputs):
    """Return what outputs show as plain text."""
    parts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    return ["".join(part) for part in parts]
