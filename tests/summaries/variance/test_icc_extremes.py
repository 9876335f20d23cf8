"""The lecture's two extremes: countries that differ much, and groups that do not differ at all."""

import numpy as np
import pytest

import bayesmixed as bm

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def alcohol():
    return bm.fit("alcohol", bm.simulate("alcohol", seed=11).data, seed=1, progress=False)


@pytest.fixture(scope="module")
def noise():
    return bm.fit("noise", bm.simulate("noise", seed=11).data, seed=1, progress=False)


def icc_row(fit):
    table = bm.icc(fit)
    return table[table["effect"] == "icc"].iloc[0]


def test_countries_that_differ_have_an_icc_near_one_and_little_shrinkage(alcohol):
    row = icc_row(alcohol)
    # The true value is 22.2 / (22.2 + 1.1); its standard error with 189 countries is about 0.007.
    assert abs(row["mean"] - 22.2 / 23.3) < 0.025
    assert bm.shrinkage(alcohol)["factor"].min() > 0.9
    assert int(alcohol.draws["sample_stats"]["diverging"].sum()) == 0


def test_pure_noise_has_an_icc_that_reaches_zero_and_strong_shrinkage(noise):
    row = icc_row(noise)
    assert row["lower"] < 0.01
    assert row["mean"] < 0.15
    assert bm.shrinkage(noise)["factor"].mean() < 0.4
    assert int(noise.draws["sample_stats"]["diverging"].sum()) == 0


def test_three_parameters_are_estimated_and_189_effects_predicted(alcohol):
    assert "3 parameters estimated, 189 country effects predicted" in str(bm.summary(alcohol))


def test_partial_pooling_moves_every_country_towards_the_mean(alcohol):
    table = bm.shrinkage(alcohol)
    centre = float(bm.population_effects(alcohol)["mean"].iloc[0])
    outer = np.abs(table["no_pooling"] - centre) > 1
    assert np.all(np.abs(table["mean"] - centre)[outer] < np.abs(table["no_pooling"] - centre)[outer])
