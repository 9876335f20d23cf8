"""The values of a covariate of a smooth."""

import numpy as np

from bayesmixed.errors import DataError
from bayesmixed.families.links import Array
from bayesmixed.formulas.evaluation import evaluate_expression
from bayesmixed.tables.factors import Table, is_number


def read_covariate(term: object, expression: str, table: Table, instead: str) -> Array:
    """Return the values of an expression that a term reads, (n,).

    Raises
    ------
    DataError
        They are no numbers (`instead` says what to write for factors), or not finite.
    """
    column = evaluate_expression(expression, table)
    if not is_number(column):
        raise DataError(f"{term}: '{expression}' holds no numbers. {instead}")
    x = column.to_numpy(dtype=float)
    bad = np.flatnonzero(~np.isfinite(x))
    if len(bad):
        raise DataError(
            f"{term}: '{expression}' is not finite in {len(bad)} of {len(x)} rows (first: row {table.data.index[bad[0]]})."
        )
    return np.asarray(x)
