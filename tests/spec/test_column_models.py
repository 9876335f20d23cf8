"""mi(x) and me(x, sd) in formulas, and the models of such columns."""

import pytest

import bayesmixed as bm
from bayesmixed.spec.column_models import InexactColumn, inexact_columns
from bayesmixed.spec.files import spec_from_toml, spec_to_toml


@pytest.mark.parametrize("impute", [{}, {"x": "~ z + (1 | g)"}, {"x": {"formula": "~ z", "family": "lognormal"}}])
def test_a_spec_with_imputations_is_written_and_read_back(impute):
    spec = bm.from_formula("y ~ mi(x) * z + me(w, sd) + (1 | g)", impute=impute)
    assert spec_from_toml(spec_to_toml(spec)) == spec
    assert bm.from_formula(**spec.as_formula()) == spec
    assert spec.update("~ . + w2").impute == spec.impute
    assert spec.update("~ z").impute == {}
    assert bm.from_r("brm(y ~ me(w, sd) + (1 | g))").inexact[0].error == "sd"


def test_columns_are_found_in_all_predictors_and_only_where_they_are_called():
    spec = bm.from_formula("y ~ center(mi(x)) * z + memory", sigma="~ me(`a b`, sd)")
    assert spec.inexact == (InexactColumn("x", None), InexactColumn("a b", "sd"))
    assert spec.model_of("x").formula == "x ~ 1"
    assert inexact_columns(bm.from_formula("y ~ mi + me + semi(x)", functions={"semi": abs}).terms) == ()
    assert inexact_columns(bm.from_formula("y ~ .").terms) == ()
