"""Densities of rows, compiled or from the records of families."""

from dataclasses import replace

import pytest
from conditional_cases import TABLE

import bayesmixed as bm
from bayesmixed.families import FAMILIES


@pytest.mark.parametrize("method", ["laplace", "joint"])
def test_a_family_without_compiled_rows_has_the_same_maximum(method):
    own = replace(FAMILIES["gamma"], name="own")
    found, compiled = (bm.approximate("p ~ x + (1 | g)", TABLE, family=f, method=method) for f in (own, "gamma"))
    assert found.log_likelihood == pytest.approx(compiled.log_likelihood, abs=1e-6)
    for name, error in compiled.standard_errors.items():
        assert found.standard_errors[name] == pytest.approx(error, rel=1e-3)
