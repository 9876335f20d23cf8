"""Models of columns with missing values in brms become `impute`."""

import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError


@pytest.mark.parametrize(
    ("call", "formula", "impute"),
    [
        (
            "brm(bf(y ~ mi(x) + z) + bf(x | mi() ~ z) + set_rescor(FALSE), data = d)",
            "y ~ 1 + mi(x) + z",
            {"x": ("~ z", "gaussian")},
        ),
        (
            "brm(bf(y ~ mi(x) + mi(e), sigma ~ z) + bf(x | mi() ~ z + (1 | g), family = student()) + "
            'bf(e | mi() ~ 1, family = "bernoulli"), data = d)',
            "y ~ 1 + mi(x) + mi(e)",
            {"x": ("~ z + (1 | g)", "student"), "e": ("~ 1", "bernoulli")},
        ),
    ],
)
def test_formulas_of_columns_are_their_models(call, formula, impute):
    spec = bm.from_r(call)
    assert spec.formula == formula
    assert {name: (one.formula, one.family) for name, one in spec.impute.items()} == impute


def test_imputed_tables_are_given_as_a_list():
    with pytest.warns(bm.StatisticsWarning, match=r"bm.fit\(spec, \[table1, table2"):
        assert bm.from_r("brm_multiple(y ~ x + (1 | g), data = imp)") == bm.from_formula("y ~ x + (1 | g)")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("brm(bf(y ~ mi(x)) + bf(w ~ z) + bf(x | mi() ~ 1))", "beside such models there is one response"),
        ("brm(bf(y ~ mi(x)) + bf(x | mi() ~ 1, family = poisson()))", "fit the list of tables"),
        ("brm(bf(y ~ mi(x)) + bf(x | mi() ~ 1, center = TRUE))", "center = TRUE"),
        ('brm(bf(y ~ mi(x)) + bf(x | mi() ~ 1, family = bernoulli(link = "probit")))', "no counterpart"),
        ("brm(bf(y ~ mi(x)) + bf(x | mi() ~ 1) + set_rescor(TRUE))", "independent"),
    ],
)
def test_what_has_no_counterpart_is_refused(call, words):
    with pytest.raises(SpecError, match=words):
        bm.from_r(call)
