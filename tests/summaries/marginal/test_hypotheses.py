"""Statements about parameters: names, arithmetic, probabilities."""

import numpy as np
import pytest
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm

SLEEP = classic("lme4", "sleepstudy")


@pytest.fixture(scope="module")
def sleep():
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", SLEEP)
    values = {"beta": [250.0, 1.0], "sd_Subject": [25.0, 6.0], "corr_Subject": np.eye(2), "sigma": 20.0}
    return fit_at(design, values, jitter=1.0)


def test_the_probability_is_the_share_of_draws_in_which_the_statement_holds(sleep):
    row = bm.hypothesis(sleep, "0 < beta[Days] <= 1.5", rope=(-0.5, 0.5)).table.iloc[0]
    draws = sleep.posterior["beta"].values[..., 1]
    assert row["probability"] == np.mean((draws > 0) & (draws <= 1.5))
    assert row["pd"] == np.mean(draws > 0)
    assert row["in_rope"] == np.mean(np.abs(draws) <= 0.5)
    assert row["mean"] == pytest.approx(draws.mean())
    assert 0 < row["probability"] < 1


def test_several_statements_make_several_rows_and_an_expression_has_no_probability(sleep):
    found = bm.hypothesis(sleep, ["beta[Days] > 0", "sigma - 20"])
    assert list(found.table["statement"]) == ["beta[Days] > 0", "sigma - 20"]
    assert np.isnan(found.table["probability"][1])
    assert "nan" not in str(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("beta[Dayz] > 0", "Did you mean 'Days'"),
        ("bet[Days] > 0", "no variable 'bet'. Did you mean 'beta'"),
        ("beta[Days] == 0", "a single value has probability 0"),
        ("beta[Days > 0", "is not closed"),
        ("sigma[1] > 0", "'sigma' has no element '1'"),
        ("beta[Days] >", "cannot be read"),
        ("sine(sigma)", "function 'sine' is not known"),
        ("sigma.mean()", r"no variable 'mean'|holds|cannot be read"),
        ("[sigma for _ in (1,)]", "no variable|holds"),
    ],
)
def test_what_cannot_be_read_is_refused(sleep, text, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.hypothesis(sleep, text)
