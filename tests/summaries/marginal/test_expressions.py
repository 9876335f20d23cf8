"""Arithmetic over draws: names, labels, what is refused."""

import numpy as np
import pytest
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.summaries.marginal.expressions import evaluate_draws


@pytest.fixture(scope="module")
def sleep():
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", classic("lme4", "sleepstudy"))
    values = {"beta": [250.0, 1.0], "sd_Subject": [25.0, 6.0], "corr_Subject": np.eye(2), "sigma": 20.0}
    return fit_at(design, values, jitter=1.0)


@pytest.fixture(scope="module")
def herds():
    spec = bm.from_formula("incidence | trials(size) ~ period + (1 | herd)", family="binomial", factors=["period"])
    return fit_at(
        bm.prepare(spec, classic("lme4", "cbpp")), {"beta": [-1.4, -1.0, -1.1, -1.6], "sd_herd": 0.8}, jitter=0.5
    )


def draws_of(fit, name, *place):
    return fit.posterior[name].values[(..., *place)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("beta[Days]", lambda d: d("beta", 1)),
        ("sigma", lambda d: d("sigma")),
        ("2 * sigma ** 2 - 1", lambda d: 2 * d("sigma") ** 2 - 1),
        ("-exp(beta[Days] / 10)", lambda d: -np.exp(d("beta", 1) / 10)),
        ("b_Subject[308, Days]", lambda d: d("b_Subject", 0, 1)),
        ("corr_Subject[Intercept, Days]", lambda d: d("corr_Subject", 0, 1)),
        (
            "sd_Subject[Intercept] / (sd_Subject[Days] + sigma)",
            lambda d: d("sd_Subject", 0) / (d("sd_Subject", 1) + d("sigma")),
        ),
        ("beta[Days] > sigma", lambda d: d("beta", 1) - d("sigma")),
        ("0 < beta[Days] < 2", lambda d: d("beta", 1)),
    ],
)
def test_an_expression_is_computed_for_every_draw(sleep, text, expected):
    found = evaluate_draws(text, sleep.posterior).values
    np.testing.assert_allclose(found, expected(lambda name, *place: draws_of(sleep, name, *place)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("beta[period[T.2]]", lambda d: d("beta", 1)),
        ("sd_herd", lambda d: d("sd_herd", 0)),
        ("b_herd[3]", lambda d: d("b_herd", 2, 0)),
        ("b_herd[3, Intercept]", lambda d: d("b_herd", 2, 0)),
        ("expit(beta[Intercept] + beta[period[T.4]])", lambda d: 1 / (1 + np.exp(-d("beta", 0) - d("beta", 3)))),
    ],
)
def test_labels_may_hold_brackets_and_be_left_out_where_there_is_one(herds, text, expected):
    found = evaluate_draws(text, herds.posterior).values
    np.testing.assert_allclose(found, expected(lambda name, *place: draws_of(herds, name, *place)))
