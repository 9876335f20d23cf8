"""Names of columns and levels may be any text: no part of a label is ever read as a formula."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.spec.formula_changes import left_over
from bayesmixed.spec.parsing import parse_terms

QUOTED, FACTOR, BRACKET, GROUP = 'a"b', "x~y", "k[", 'g"'
FORMULAS = (
    f"y ~ x:`{FACTOR}`",
    f"y ~ exp(x)*`{FACTOR}`",
    f"y ~ `{QUOTED}` + `{FACTOR}` + (x | `{GROUP}`)",
    f"y ~ `{FACTOR}`*`{BRACKET}` + (1 | `{GROUP}`)",
    f"y ~ C(`{BRACKET}`, contr.sum):x + (1 | `{GROUP}`)",
    f"y ~ poly(`{QUOTED}`, 2)*`{BRACKET}`",
    f"y ~ s(x, by=`{FACTOR}`) + `{FACTOR}`",
)


@pytest.fixture(scope="module")
def table():
    generator = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "y": generator.normal(size=120),
            "x": generator.normal(size=120),
            QUOTED: generator.normal(size=120),
            FACTOR: generator.choice(["b]", "(0, 9]", "[T.a]"], 120),
            BRACKET: generator.choice(['q"', "x:y[z]", "`c`"], 120),
            GROUP: generator.choice(["g(1", "g]2", "g`4", 'g"5', "g~6"], 120),
        }
    )


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize("formula", FORMULAS)
def test_designs_tables_and_equations_take_names_and_levels_of_any_text(formula, table):
    spec = bm.from_formula(formula)
    assert bm.from_formula(spec.formula) == spec
    design = bm.prepare(spec, table)
    bm.prior_table(spec, table)
    assert all((spec.to_latex(), design.to_latex(), design._repr_html_()))


def test_a_factor_of_any_name_is_made_fixed_and_random(table):
    spec = bm.from_formula(f"y ~ x*`{FACTOR}` + (x | `{GROUP}`)")
    fixed = bm.prepare(spec.as_fixed(GROUP), table)
    assert f"{GROUP}[g]2]" in fixed.mu.population.labels
    with pytest.warns(bm.StatisticsWarning, match="has 3 levels"):
        random = bm.prepare(spec.as_random(FACTOR), table)
    assert [group.name for group in random.mu.groups] == [GROUP, FACTOR]


def test_priors_of_levels_of_any_text_go_with_their_terms(table):
    spec = bm.from_formula(f"y ~ x*`{FACTOR}` + `{BRACKET}`")
    labels = bm.prepare(spec, table).mu.population.labels
    before, after = parse_terms(f"x*`{FACTOR}` + `{BRACKET}`"), parse_terms(f"x + `{FACTOR}`")
    gone = left_over([f"beta[{label}]" for label in labels], before, after)
    own = [label for label in labels if label.startswith(BRACKET) or ":x~y" in label or label.startswith("x:")]
    assert gone == [f"beta[{label}]" for label in own]
    assert len(own) == 4


def test_cells_without_rows_are_found_whatever_their_levels_are_called(table):
    kept = table[~((table[FACTOR] == "b]") & (table[BRACKET] == "x:y[z]"))]
    for formula in (f"y ~ `{FACTOR}`*`{BRACKET}`", f"y ~ C(`{FACTOR}`, contr.sum)*`{BRACKET}`"):
        with pytest.raises(bm.DataError, match=r"no rows with .*x~y.* = b\] and k\[ = x:y\[z\]"):
            bm.prepare(bm.from_formula(formula), kept)
