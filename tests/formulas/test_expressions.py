import numpy as np
import pytest
from formula_tables import FRAME

import bayesmixed as bm
from bayesmixed.formulas.expressions import parse_expression


@pytest.mark.parametrize("name", ["1", "a/b", "a:b", 'a"b', "x~y"])
def test_a_name_in_backticks_is_that_column_as_response_too(name):
    design = bm.prepare(f"`{name}` ~ z", FRAME)
    np.testing.assert_allclose(design.response, FRAME[name])
    again = bm.prepare(bm.from_formula(**design.spec.as_formula()), FRAME)
    np.testing.assert_allclose(again.response, FRAME[name])


@pytest.mark.parametrize(
    "text", ["I(x ** 2)", "I((x > 1) & (z < 1) | !t)", "cut(x, [0, 1], labels=['a'])", "log(`a b`)"]
)
def test_what_labels_show_is_read_back_to_the_same(text):
    assert parse_expression(parse_expression(text).text).text == parse_expression(text).text
