"""Coefficients without a finite maximum are named, all others have the standard errors of the rows that tell of them."""

import warnings

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm

N = 80


def table() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    data = pd.DataFrame(
        {"x": rng.normal(size=N), "g": np.repeat(list("abcdefgh"), N // 8), "f": np.tile(list("uvwz"), 20)}
    )
    end = data["f"] == "w"
    effect = 0.8 * rng.normal(size=8)[pd.factorize(data["g"])[0]]
    mean = 1 / (1 + np.exp(-effect))
    data["split"] = (data["x"] > 0.1).astype(int)
    data["event"] = np.where(end, 0, rng.binomial(1, mean))
    data["count"] = np.where(end, 0, rng.poisson(2 * np.exp(effect)))
    data["hits"] = np.where(end, 9, rng.binomial(9, mean))
    data["rank"] = np.where(end, 3, 1 + rng.binomial(2, mean))
    data["fair"] = rng.binomial(1, mean)
    return data


TABLE = table()
ENDS = [
    ("event ~ f + (1 | g)", {"family": "bernoulli"}),
    ("count ~ f + (1 | g)", {"family": "poisson"}),
    ("hits | trials(9) ~ f + (1 | g)", {"family": "binomial", "link": "probit"}),
    ("rank ~ f + (1 | g)", {"family": "cumulative"}),
]


def heard(formula, data=TABLE, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = bm.approximate(formula, data, **options)
    return found, [str(one.message) for one in caught if "finite maximum" in str(one.message)]


@pytest.mark.parametrize(("formula", "options"), ENDS, ids=[formula for formula, _ in ENDS])
def test_a_level_whose_rows_all_lie_at_one_end_is_named_and_changes_nothing_else(formula, options):
    found, said = heard(formula, **options)
    assert [note[:14] for note in said] == ["'beta[f[T.w]]'"]
    assert "priors=True" in said[0]
    assert "NOTE: 'beta[f[T.w]]'" in str(found)
    without, silent = heard(formula, TABLE[TABLE["f"] != "w"], **options)
    assert not silent
    assert np.isnan(found.standard_errors["beta[f[T.w]]"])
    own = [found.standard_errors[name] for name in without.standard_errors]
    np.testing.assert_allclose(own, list(without.standard_errors.values()), rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("method", ["joint", "agq"])
def test_a_column_that_tells_outcomes_apart_is_named_by_every_method(method):
    _, said = heard("split ~ x + (1 | g)", family="bernoulli", method=method)
    assert [note[:9] for note in said] == ["'beta[x]'"]


def test_a_ladder_says_it_once_for_all_rungs():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        steps = bm.ladder("event ~ f + (1 | g)", TABLE, family="bernoulli", posterior=False, draws=50)
    said = [str(one.message) for one in caught if "finite maximum" in str(one.message)]
    assert len(said) == 1
    assert said[0] in steps.notes


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("fair ~ f * x + (1 | g)", {"family": "bernoulli"}),
        ("count ~ x + (1 | g)", {"family": "hurdle_poisson"}),
        ("x ~ f + (1 | g)", {}),
    ],
)
def test_no_alarm_where_a_maximum_is_finite(formula, options):
    assert heard(formula, **options)[1] == []


def test_standard_errors_beside_a_direction_without_curvature_are_those_without_it():
    """An SD of 0 and a correlation of 1: of the others, the standard errors of the model that lacks them."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"x": rng.normal(size=120), "g": (np.arange(120) % 12).astype(str)})
    data["h"] = (np.arange(120) // 20).astype(str)
    data["n"] = rng.poisson(np.exp(0.3 + 0.2 * data["x"] + 0.4 * rng.normal(size=12)[data["g"].astype(int)]))
    plain, _ = heard("n ~ x + (1 | g)", data, family="poisson")
    found, _ = heard("n ~ x + (1 | g) + (1 | h)", data, family="negbin", crossed=["h"])
    assert np.isnan(found.standard_errors["sd_h[Intercept]"])
    for name, error in plain.standard_errors.items():
        assert found.standard_errors[name] == pytest.approx(error, rel=0.02)
