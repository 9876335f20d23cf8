"""Parts of a variance: SDs that give the variance back, drawn correlations, what is read back."""

import json
from dataclasses import astuple

import numpy as np
import pytest
from scipy import stats

from bayesmixed.design.variance_parts import Part, read_parts

PART = Part(
    "g",
    ("sd_g[a]", "sd_g[b]", "sd_g[c]"),
    ((1.0, 0.2, 0.1), (0.2, 2.0, 0.6), (0.1, 0.6, 0.7)),
    (((0, 2), 1.0),),
    "corr_g",
)


def test_a_part_depends_on_correlations_only_where_moments_of_its_columns_do():
    assert not PART.free_of_correlations
    assert Part("g", ("a", "b"), ((1.0, 0.0), (0.0, 3.0)), (((0, 1), 2.0),)).free_of_correlations
    assert Part("g", ("a", "b"), ((1.0, 0.5), (0.5, 3.0))).free_of_correlations


def test_drawn_sds_give_the_variance_with_uniform_shares_of_the_columns():
    generator = np.random.default_rng(3)
    variance, correlations = np.linspace(0.5, 4.0, 10_000), PART.draw_correlations(10_000, generator)
    sds = PART.draw_sds(variance, {"corr_g": correlations}, generator)
    assert PART.variance(sds[:, :, None] * correlations * sds[:, None, :]) == pytest.approx(variance)
    own = sds**2 * np.diag(PART.matrix)
    assert stats.kstest(own[:, 1] / own.sum(axis=1), stats.beta(1, 2).cdf).pvalue > 0.01
    # Columns that are not correlated together stay apart; LKJ(1) of two columns is uniform.
    assert np.all(correlations[:, 0, 1] == 0.0)
    assert stats.kstest(correlations[:, 0, 2], stats.uniform(-1, 2).cdf).pvalue > 0.01


def test_parts_are_read_back_from_json():
    assert read_parts(json.loads(json.dumps([astuple(PART)]))) == (PART,)
