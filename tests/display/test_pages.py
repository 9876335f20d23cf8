"""Pages: every result shows itself as text and as HTML that says which cells are headers."""

import dataclasses
import pkgutil
import re
from collections import Counter
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len

import bayesmixed as bm
from bayesmixed.display.columns_of_text import WIDTH
from bayesmixed.display.pages import Section, align, write_markup, write_table, write_text
from bayesmixed.display.result_tables import as_result
from bayesmixed.equations.text import write_equations

PAGE = [
    Section("A <title>", ("One & only.", "- first", "- second"), pd.DataFrame({"name": ["a<b"], "size": ["1.5"]})),
    Section(drawing=("x  1",), after=("End.",)),
]


ROOMS = ("summaries", "cross_validation", "calibration", "estimation", "fits.convergence", "survey")


def result_classes():
    """Return the dataclasses of results that print as text of their own."""
    found = set()
    for module in pkgutil.walk_packages(bm.__path__, "bayesmixed."):
        if not module.name.startswith(tuple(f"bayesmixed.{room}" for room in ROOMS)):
            continue
        for thing in vars(import_module(module.name)).values():
            own = isinstance(thing, type) and thing.__module__ == module.name
            if own and dataclasses.is_dataclass(thing) and thing.__str__ is not object.__str__:
                found.add(thing)
    return sorted(found, key=lambda thing: thing.__name__)


@pytest.mark.parametrize("thing", result_classes())
def test_a_result_that_prints_shows_itself_in_notebooks(thing):
    assert callable(thing._repr_html_)
    assert thing.__repr__ is not object.__repr__


def test_there_are_results_to_look_at():
    assert {"Summary", "Diagnosis", "PriorTable", "Approximation"} <= {thing.__name__ for thing in result_classes()}


def test_markup_escapes_lists_and_names_its_headers():
    markup = write_markup(PAGE, heading=3)
    assert "<h3>A &lt;title&gt;</h3>\n<p>One &amp; only.</p>\n<ul><li>first</li><li>second</li></ul>" in markup
    assert '<th scope="col" class="number">size</th>' in markup
    assert '<th scope="row" class="text">a&lt;b</th><td class="number">1.5</td>' in markup
    assert "<pre>x  1</pre>" in markup


def test_columns_of_one_name_stand_side_by_side():
    table = pd.DataFrame([["1", "2"]], columns=["x", "x"])
    assert write_table(table).count("<td") == 1
    assert write_table(table).count(">x<") == 2


def test_text_and_markup_say_the_same():
    text = write_text(PAGE)
    for words in ("A <title>", "One & only.", "- first", "a<b", "x  1", "End."):
        assert words in text


WORDS = [
    "a",
    "kg",
    "North Sea, plot 12",
    "Straße",
    "漢字の水準",
    "e\u0301te\u0301",
    "x" * 95,
    "a line\nbelow",
    "$\\foo$",
    "",
]


def random_table(seed):
    """Return a table of any shape: texts and numbers in any order, names and levels short, long and of any alphabet."""
    generator = np.random.default_rng(seed)
    rows, columns = generator.integers(0, 8), generator.integers(1, 30)
    kinds = generator.choice(["number", "text", "sentence"], columns, p=generator.dirichlet([2.0, 1.0, 0.3]))
    names = [str(generator.choice([f"x{i}", f"{generator.choice(WORDS)} {i}"], p=[0.7, 0.3])) for i in range(columns)]
    cells = {
        "number": lambda: f"{generator.normal(scale=10.0 ** generator.integers(-4, 9)):.{generator.integers(6)}f}",
        "text": lambda: generator.choice(WORDS),
        "sentence": lambda: " ".join(generator.choice(WORDS, generator.integers(1, 12))),
    }
    return pd.DataFrame([[cells[kind]() for kind in kinds] for _ in range(rows)], columns=names)


@pytest.mark.parametrize("first", range(0, 100, 10))
def test_tables_of_any_shape_fit_a_terminal_and_lose_no_letter(first):
    for seed in range(first, first + 10):
        table = random_table(seed)
        letters = Counter("".join("".join([name, *table[name]]) for name in table).replace("\n", "").replace(" ", ""))
        for labels in ((), table.columns[:2]):
            lines = align(table, labels=labels)
            assert max(map(cell_len, lines)) <= WIDTH, seed
            shown = Counter("".join("".join(lines).split()))
            assert not letters - shown, seed
            assert max(map(cell_len, repr(as_result(table)).splitlines())) <= WIDTH, seed
        if rows_fit(table):
            assert len(lines) == 1 + len(table), seed


def rows_fit(table):
    """Return whether a table fits a line without breaking a cell."""
    widest = [max(cell_len(str(cell)) for cell in [name, *table[name]]) for name in table]
    return sum(widest) + 2 * len(widest) - 2 <= WIDTH


def test_tables_that_fit_are_set_flush():
    short = pd.DataFrame({"term": ["x", "period[T.2]"], "mean": ["-0.5", "12.25"]})
    assert align(short) == ["term          mean", "x             -0.5", "period[T.2]  12.25"]
    wide = pd.DataFrame({"level": ["漢字", "e\u0301"], "mean": ["-0.5", "12.25"]})
    assert align(wide) == ["level   mean", "漢字    -0.5", "e\u0301      12.25"]


@pytest.mark.parametrize("labels", [1, 2, 3])
def test_many_columns_of_numbers_follow_below_beside_the_labels_of_their_rows(labels):
    frame = pd.DataFrame({f"key {i}": [f"level {j if i == 0 else 1}" for j in range(3)] for i in range(labels)})
    frame = frame.assign(**{f"column {i}": [f"{i}.{j}2345" for j in range(3)] for i in range(14)})
    for lines in (align(frame), align(frame, labels=frame.columns[:labels])):
        blocks = "\n".join(lines).split("\n\n")
        assert len(blocks) > 1
        assert len({len(block.splitlines()) for block in blocks}) == 1
        for block in blocks:
            assert [line[:7] for line in block.splitlines()] == ["key 0  ", *(f"level {j}" for j in range(3))]
        shown = [name for block in blocks for name in re.findall("column \\d+", block.splitlines()[0])]
        assert shown == [f"column {i}" for i in range(14)]


def test_lines_of_drawings_that_are_too_long_go_on_below():
    lines = write_text([Section(drawing=("root  " + "leaf, " * 20, "    b  " + "x" * 90))]).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert [line[:6] for line in lines] == ["  root", "      ", "      ", "      "]


def test_columns_that_follow_below_stand_beside_all_that_tell_rows_apart():
    table = pd.DataFrame({"quantity": ["effect", "effect"], "term": ["a", "b"]})
    table = table.assign(**{f"set {i}": [f"{i}.1 [{'0' * 12}, a]", f"{i}.2 [0, b]"] for i in range(6)})
    heads = [line for line in align(table) if "quantity" in line]
    assert len(heads) > 1
    assert all(line.startswith("quantity  term  set") for line in heads)


PAGES = {
    "summary": bm.summary,
    "diagnose": bm.diagnose,
    "pulls": bm.prior_sensitivity,
    "priors": lambda fit: bm.prior_table(fit.design.spec, bm.datasets.load("cbpp")),
    "check": lambda fit: bm.check_data(fit.design.spec, bm.datasets.load("cbpp")),
    "dossier": bm.variance_dossier,
    "loo": lambda fit: bm.loo(fit, unit="observation"),
    "comparison": lambda fit: bm.compare_models({"one": fit, "other": fit}, unit="observation"),
    "half-normal": bm.half_normal,
    "checks": bm.posterior_checks,
    "hypothesis": lambda fit: bm.hypothesis(fit, ["beta[period[T.2]] < beta[period[T.4]]"]),
    "equations": lambda fit: write_equations(fit.design),
}


def test_specs_designs_and_fits_are_at_most_80_columns_wide():
    columns = [f"a_covariate_with_a_long_name_{i}" for i in range(6)]
    data = pd.DataFrame(np.random.default_rng(1).normal(size=(24, 6)), columns=columns).assign(z=1.0)
    data = data.assign(地域=np.repeat(["北海道", "大阪", "a", "b", "c", "d"], 4), y=np.arange(24.0))
    formula = f"y ~ {' + '.join(columns)} + (1 |p| 地域)"
    joint = bm.prepare_joint([formula, f"{columns[0]} ~ 1 + (1 |p| 地域)"], data)
    fit = bm.load_fit("herd_period")
    for thing in (joint, joint.spec, *joint.spec.models, *joint.parts.values(), fit, fit.design):
        assert max(map(cell_len, str(thing).splitlines())) <= WIDTH, thing


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_a_fit_are_at_most_80_columns_wide(name):
    text = str(PAGES[name](bm.load_fit("herd_period")))
    assert max(map(len, text.splitlines())) <= WIDTH, text
