"""What a spec says about correlated residuals."""

import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.spec.files import spec_from_toml, spec_to_toml


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("ar1(time | subject)", "ar1(time | subject)"),
        ("ar1(0 + time | subject)", "ar1(time | subject)"),
        ("unstructured(visit | subject)", "us(visit | subject)"),
        ("cs(1 | subject)", "homcs(1 | subject)"),
        ("cs(visit | subject)", "cs(visit | subject)"),
        ("hetar1(factor(visit) | site/subject)", "hetar1(factor(visit) | site:subject)"),
        ("ou(`my time` | `a b`:c)", "ou(`my time` | `a b`:c)"),
        ("diag(visit | subject)", "diag(visit | subject)"),
    ],
)
def test_it_is_written_and_read_back(text: str, written: str) -> None:
    spec = bm.from_formula("y ~ x", residual=text)
    assert str(spec.residual) == written
    assert spec_from_toml(spec_to_toml(spec)) == spec
    assert bm.from_formula(**spec.as_formula()) == spec
    assert bm.load_spec.__module__
    assert spec.update("~ . + z").residual == spec.residual


def test_each_visit_has_an_sd_unless_a_formula_says_otherwise() -> None:
    assert str(bm.from_formula("y ~ x", residual="us(v | s)").predictors["sigma"][0]) == "0 + labels(v)"
    assert str(bm.from_formula("y ~ x", residual="us(v | s)", sigma="~ arm").predictors["sigma"][0]) == "1 + arm"
    assert "sigma" not in bm.from_formula("y ~ x", residual="ar1(v | s)").predictors
    assert bm.from_formula("y ~ x", residual="diag(v | s)").correlated is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ar1", "is not known. Write a covariance of visits"),
        ("arma(t | s)", "covariance 'arma' is not known"),
        ("ar1(t)", "write one bar between visits and group"),
        ("ar1(t + u | s)", "one column"),
        ("ar1(log(t) | s)", "one column"),
        ("us(1 | s)", "state the column of visits"),
        ("homdiag(t | s)", "leave it out"),
        ("gau(t | s)", "is of effects of places"),
        ("ar1(t | a + b)", "one grouping factor"),
    ],
)
def test_what_is_no_correlation_is_refused(text: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        bm.from_formula("y ~ x", residual=text)


def test_families_weights_and_limits_without_residuals_are_refused() -> None:
    with pytest.raises(SpecError, match="'poisson' has none"):
        bm.from_formula("y ~ x", residual="ar1(t | s)", family="poisson")
    with pytest.raises(SpecError, match="only precision weights"):
        bm.from_formula('y | weights(w, "frequency") ~ x', residual="ar1(t | s)")
    with pytest.raises(SpecError, match="only precision weights"):
        bm.from_formula("y | se(e, sigma=True) ~ x", residual="ar1(t | s)")
    with pytest.raises(SpecError, match="the density of a group is then an integral"):
        bm.from_formula("y | cens(c) ~ x", residual="ar1(t | s)")
    assert bm.from_formula('y | weights(w, "precision") ~ x', residual="ar1(t | s)").correlated
