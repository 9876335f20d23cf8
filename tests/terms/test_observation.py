"""One effect for each row."""

import numpy as np
import pandas as pd
import pytest

from bayesmixed.errors import SpecError
from bayesmixed.tables.factors import as_table
from bayesmixed.terms.observation import Observation

TABLE = as_table(pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=["a", "b", "a"]), [], ["x"])


def test_the_term_is_read_and_takes_no_argument():
    (term,) = Observation.read("obs()")
    assert (str(term), term.name, term.columns(["x"])) == ("obs()", "obs", set())
    assert Observation.read("obs") == ()
    with pytest.raises(SpecError, match="takes no argument"):
        Observation.read("obs(x)")


def test_every_row_has_a_level_of_its_own_named_by_its_label():
    block = Observation().build(TABLE)
    assert block.levels == ("a (1)", "b (2)", "a (3)")
    effects = np.array([[[0.5], [-1.0], [2.0]]])
    np.testing.assert_array_equal(block.contribution(effects), [[0.5, -1.0, 2.0]])
    assert block.residual


def test_rows_to_predict_are_new_levels_behind_those_of_the_fit():
    fitted = Observation().build(TABLE)
    block = Observation().build(as_table(TABLE.data.iloc[:1], [], ["x"]), fitted)
    assert block.levels == (*fitted.levels, "new a")
    assert block.unseen == ("new a",)
    np.testing.assert_array_equal(block.index, [3])
