"""Imputed tables are the same rows, under the priors of the first table."""

import numpy as np
import pytest
from imputed import imputed_tables

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError
from bayesmixed.preparation.imputed_tables import prepare_tables


def test_priors_are_those_of_the_first_table():
    tables = imputed_tables(3, rows=40)
    designs = prepare_tables(bm.from_formula("y ~ x + (x | g)"), tables)
    assert designs[0].priors == designs[2].priors
    assert designs[0].priors == bm.prepare("y ~ x + (x | g)", tables[0]).priors
    np.testing.assert_array_equal(designs[2].mu.population.matrix[:, 1], tables[2]["x"])
    np.testing.assert_allclose(designs[2].mu.population.means, designs[0].mu.population.means)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tables: tables[:1], "A list of 1 tables"),
        (lambda tables: [tables[0], tables[1][:-3]], "table 2 has 37 rows, table 1 40"),
        (lambda tables: [tables[0], tables[1].assign(g=lambda d: d["g"] + 1)], "other levels of 'g'"),
        (lambda tables: [tables[0], tables[1].drop(columns="x")], "Imputed table 2: .*'x'"),
        (lambda tables: [tables[0].assign(x=["a", "b"] * 20), tables[1]], "has other columns of 'mu'"),
        (lambda tables: [tables[0], tables[1].assign(x=np.nan)], "Imputed table 2: .*missing"),
        (lambda tables: [tables[0], 7], "Imputed table 2:"),
    ],
)
def test_tables_that_are_not_the_same_rows_are_refused(change, words):
    with pytest.raises((DataError, SpecError), match=words):
        prepare_tables(bm.from_formula("y ~ x + (1 | g)"), change(imputed_tables(2, rows=40)))


def test_rows_cannot_be_dropped_and_equal_tables_are_noted():
    tables = imputed_tables(2, rows=40)
    with pytest.raises(SpecError, match="missing='drop' with imputed tables"):
        bm.fit("y ~ x", tables, missing="drop")
    with pytest.warns(bm.StatisticsWarning, match="nothing was imputed"):
        prepare_tables(bm.from_formula("y ~ x"), [tables[0], tables[0]])
    with pytest.raises(SpecError, match="A list of imputed tables needs all values"):
        prepare_tables(bm.from_formula("y ~ mi(x)"), tables)
    with pytest.raises(SpecError, match="This fit is of one table"):
        bm.missing_information(bm.load_fit("herd_period"))
