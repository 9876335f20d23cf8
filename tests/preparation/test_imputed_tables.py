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
        (lambda tables: [tables[0], tables[1][::-1]], "in another order: place 1 has row '39', in table 1 '0'"),
        (
            lambda tables: [tables[0], tables[1][::-1].reset_index(drop=True)],
            "40 of 40 values of 'y' .*in another order",
        ),
        (lambda tables: [tables[0], tables[1].assign(y=lambda d: d["y"] + 1)], "'y' .first: row '0'.*by chance"),
        (lambda tables: [tables[0], tables[1].assign(x=np.arange(40.0))], "'x' .first: row '0'.*by chance"),
        (lambda tables: [tables[0], tables[1].assign(g=np.arange(40) // 4)], "values of 'g' .first: row '1'"),
    ],
)
def test_tables_that_are_not_the_same_rows_are_refused(change, words):
    with pytest.raises((DataError, SpecError), match=words):
        prepare_tables(bm.from_formula("y ~ x + (1 | g)"), change(imputed_tables(2, rows=40)))


def test_values_and_labels_may_be_imputed_also_in_the_response_and_in_most_rows():
    generator = np.random.default_rng(1)
    table = imputed_tables(1, rows=60)[0].assign(z=np.arange(60) % 2, kind=["a", "b", "c"] * 20)
    other = table.copy()
    for column in ("y", "x", "z", "kind"):
        share = 0.7 if column == "y" else 0.4
        rows = generator.random(60) < share
        other.loc[rows, column] = generator.permutation(table.loc[rows, column].to_numpy())
    other.index = range(60, 120)  # as parts of one long table
    assert len(prepare_tables(bm.from_formula("y ~ x + z + kind + (1 | g)"), [table, other])) == 2
    rare = table.assign(z=[1, 1, *[0] * 58])
    assert prepare_tables(bm.from_formula("y ~ x + z"), [rare, rare.assign(z=[0, 0, *[0] * 57, 1])])


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
