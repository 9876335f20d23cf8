"""Structures whose parameters the rows say nothing about are refused."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.errors import DataError


def rows(groups=5, times=4):
    rng = np.random.default_rng(2)
    g = np.repeat([f"g{j}" for j in range(groups)], times)
    t = np.tile(np.arange(float(times)), groups)
    return pd.DataFrame(
        {"g": g, "t": t, "f": [f"v{int(k)}" for k in t], "y": rng.normal(size=len(g)), "n": rng.poisson(3, len(g))}
    )


@pytest.mark.parametrize("call", ["homdiag", "homcs"])
def test_a_structure_that_can_hold_the_residual_is_refused(call):
    with pytest.raises(DataError, match=r"not identified together. Write \(1 \| g\)"):
        bm.prepare(f"y ~ f + {call}(0 + f | g)", rows())


@pytest.mark.parametrize(
    ("formula", "family", "priors", "copies"),
    [
        ("y ~ f + homcs(0 + f | g)", "gaussian", {}, 2),
        ("y ~ f + homcs(0 + f | g)", "gaussian", {"sigma": 0.1}, 1),
        ("n ~ f + homcs(0 + f | g)", "poisson", {}, 1),
        ("y ~ t + ar1(0 + t | g)", "gaussian", {}, 1),
        ("y ~ t + homcs(1 + t | g)", "gaussian", {}, 1),
    ],
)
def test_other_models_are_not(formula, family, priors, copies):
    bm.prepare(formula, pd.concat([rows()] * copies, ignore_index=True), family=family, priors=priors)


def test_two_times_of_an_autoregression_are_equally_correlated():
    with pytest.raises(DataError, match="not identified together"):
        bm.prepare("y ~ t + ar1(0 + t | g)", rows(times=2))


@pytest.mark.parametrize("term", ["cs(0 + f | g)", "cs(1 + f | g)", "hetar1(0 + t | g)", "toep(0 + t | g)"])
def test_two_columns_with_sds_of_their_own_have_any_covariance(term):
    with pytest.raises(DataError, match="can hold any difference between the rows of a level"):
        bm.prepare(f"y ~ t + {term}", rows(times=2))
    bm.prepare(f"y ~ t + {term}", pd.concat([rows(times=2)] * 2, ignore_index=True))
    bm.prepare(f"y ~ t + {term}", rows(times=3))


def test_one_level_suffices_for_one_sd_and_not_for_several():
    bm.prepare("n ~ 1 + ar1(0 + t | g)", rows(1, 20), family="poisson")
    with pytest.raises(DataError, match="one level"):
        bm.prepare("n ~ 1 + hetar1(0 + t | g)", rows(1, 20), family="poisson")
    with pytest.raises(DataError, match="one level"):
        bm.prepare("n ~ 1 + (1 | g) + ar1(0 + t | g)", rows(1, 20), family="poisson")


def test_levels_at_one_time_each_say_nothing_about_correlations():
    data = rows(20, 1).assign(t=np.arange(20.0) % 4)
    with pytest.raises(DataError, match="nothing is known about their correlation"):
        bm.prepare("n ~ 1 + ar1(0 + t | g)", data, family="poisson")


def test_a_column_of_one_level_has_no_sd_of_its_own():
    data = rows().query("g == 'g0' or t < 3")
    with pytest.raises(DataError, match=r"'g\[?"):
        bm.prepare("n ~ f + cs(0 + f | g)", data, family="poisson")
    bm.prepare("n ~ f + homcs(0 + f | g)", data, family="poisson")


def test_one_column_has_no_structure():
    with pytest.raises(DataError, match="has one value"):
        bm.prepare("n ~ 1 + ar1(0 + t | g)", rows().assign(t=1.0), family="poisson")
    with pytest.raises(DataError, match="need several columns"):
        bm.prepare("n ~ 1 + homcs(1 | g)", rows(), family="poisson")


def test_two_terms_of_a_factor_with_the_same_parameter_are_refused():
    with pytest.raises(bm.errors.SpecError, match="could not tell apart"):
        bm.prepare("n ~ t + ar1(0 + t | g) + hetar1(0 + f | g)", rows(), family="poisson")
