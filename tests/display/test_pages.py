"""Pages: every result shows itself as text and as HTML that says which cells are headers."""

import dataclasses
import pkgutil
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.display.pages import WIDTH, Section, align, write_markup, write_table, write_text
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


@pytest.mark.parametrize("seed", range(20))
def test_tables_fit_a_terminal_and_lose_no_letter(seed):
    generator = np.random.default_rng(seed)
    signs = np.array(list("abcdefgh :*,_"))
    texts = {name: ["".join(generator.choice(signs, size)) for size in generator.integers(1, 90, 4)] for name in "uvw"}
    table = pd.DataFrame({**texts, "mean": ["-0.5", "12.25", "", "3"]})
    lines = align(table)
    assert max(map(len, lines)) <= WIDTH
    letters = sorted("".join("".join(column) for column in texts.values()) + "uvwmean-0.512.253")
    assert [one for one in letters if one != " "] == sorted("".join("".join(lines).split()))
    short = pd.DataFrame({"term": ["x", "period[T.2]"], "mean": ["-0.5", "12.25"]})
    assert align(short) == ["term          mean", "x             -0.5", "period[T.2]  12.25"]


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


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_a_fit_are_at_most_80_columns_wide(name):
    text = str(PAGES[name](bm.load_fit("herd_period")))
    assert max(map(len, text.splitlines())) <= WIDTH, text
