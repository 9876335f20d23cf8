"""Correlated residuals of nlme, mmrm and brms."""

import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


@pytest.mark.parametrize(
    ("call", "residual", "sigma"),
    [
        (
            "gls(y ~ x, d, correlation = corSymm(form = ~ 1 | id), weights = varIdent(form = ~ 1 | v))",
            "us(v | id)",
            "0 + labels(v)",
        ),
        ("gls(y ~ x, correlation = corSymm(form = ~ v | id))", "us(v | id)", "1"),
        ("gls(y ~ x, correlation = corAR1(0.3, form = ~ 1 | id))", "ar1(1 | id)", None),
        (
            "gls(y ~ x, correlation = corAR1(form = ~ t | id), weights = varIdent(form = ~ 1 | t))",
            "hetar1(t | id)",
            "0 + labels(t)",
        ),
        (
            "gls(y ~ x, correlation = corCAR1(form = ~ t | id), weights = varIdent(form = ~ 1 | arm))",
            "ou(t | id)",
            "0 + labels(arm)",
        ),
        ("lme(y ~ x, random = ~ 1 | id, correlation = corAR1(form = ~ t | id))", "ar1(t | id)", None),
        ("mmrm(y ~ x + us(v | id), data = d)", "us(factor(v) | id)", "0 + labels(v)"),
        ("mmrm(y ~ ar1(v | id), data = d, reml = TRUE)", "ar1(factor(v) | id)", None),
        ("brm(y ~ x + unstr(v, id), d)", "us(v | id)", "1"),
        ("brm(bf(y ~ x + unstr(time = v, gr = id), sigma ~ 0 + v), d)", "us(v | id)", "0 + v"),
        ("brm(y ~ x + ar(time = t, gr = id, cov = TRUE), d, family = student)", "ar1(t | id)", None),
        ("brm(y ~ x + cosy(gr = id), d)", "homcs(1 | id)", None),
    ],
)
def test_it_is_translated(call: str, residual: str, sigma: str | None) -> None:
    spec = bm.from_r(call)
    assert str(spec.residual) == residual
    assert [str(term) for term in spec.predictors.get("sigma", ())] == ([] if sigma is None else [sigma])
    assert "id" not in [term.name for term in spec.predictors["mu"]] or "lme" in call


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("gls(y ~ x, correlation = corARMA(p = 2))", "corARMA"),
        ("gls(y ~ x, correlation = corAR1())", "state the group"),
        ("gls(y ~ x, correlation = corSymm(form = ~ 1 | id))", "state the visits"),
        ("gls(y ~ x, weights = varPower(form = ~ x))", "varPower"),
        ("lme(y ~ x, random = list(id = pdDiag(~ x)))", "pdDiag"),
        ("mmrm(y ~ x + us(v | arm / id), data = d)", "differ between groups"),
        ("mmrm(y ~ x + ad(v | id), data = d)", "has no counterpart"),
        ("mmrm(y ~ x, data = d)", "has a covariance of visits"),
        ("brm(y ~ x + ar(t, id, p = 2), d)", "order above 1"),
        ("brm(y ~ x + ar(t), d)", "state the group"),
        ("brm(y ~ x + ar(t, id, cov = TRUE), d, prior = prior(normal(0, 1), class = sigma))", "given the one before"),
    ],
)
def test_what_has_no_counterpart_is_named(call: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        bm.from_r(call)
