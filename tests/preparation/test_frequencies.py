"""Rows with frequency weights are expanded, and merged again."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.preparation.frequencies import merge_copies, write_out
from bayesmixed.terms.weights import FREQUENCY, Weights

DATA = pd.DataFrame({"y": [1.0, 4.0, 2.0, 8.0], "x": [0.0, 1.0, 2.0, 5.0], "g": list("aabb"), "n": [2, 1, 3, 1]})
WEIGHTS = Weights(column="n", kind=FREQUENCY)


def test_a_row_stands_as_often_as_its_frequency_says():
    found = write_out(WEIGHTS, DATA)
    np.testing.assert_array_equal(found["y"], [1.0, 1.0, 4.0, 2.0, 2.0, 2.0, 8.0])


def test_a_row_without_a_frequency_stands_once():
    found = write_out(WEIGHTS, DATA.assign(n=[2, -9, 3, np.nan]), na=[-9])
    np.testing.assert_array_equal(found["y"], [1.0, 1.0, 4.0, 2.0, 2.0, 2.0, 8.0])


@pytest.mark.parametrize("wrong", [0.5, 0.0, -1.0])
def test_a_frequency_is_a_whole_number_from_one(wrong):
    with pytest.raises(bm.DataError, match="'n'"):
        write_out(WEIGHTS, DATA.assign(n=[2, 1, wrong, 1]))


def test_more_rows_than_can_be_written_out_are_refused():
    with pytest.raises(bm.DataError, match="at most 50,000,000 can be expanded"):
        write_out(WEIGHTS, DATA.assign(n=[2, 1, 50_000_000, 1]))


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_merged_rows_are_the_first_of_each_and_keep_what_was_learned_from_all():
    whole = bm.prepare("y ~ x + (1 | g)", write_out(WEIGHTS, DATA))
    counts = np.repeat(DATA["n"], DATA["n"]).to_numpy(dtype=float)
    found = merge_copies(whole, counts)
    assert found.rows == 4
    np.testing.assert_array_equal(found.response, DATA["y"])
    np.testing.assert_array_equal(found.weights, DATA["n"])
    assert found.priors == whole.priors
    np.testing.assert_array_equal(found.mu.population.means, whole.mu.population.means)
    np.testing.assert_allclose(found.mu.normal_blocks[0].sizes, whole.mu.normal_blocks[0].sizes)
