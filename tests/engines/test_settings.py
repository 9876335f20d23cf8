"""Settings of a run: which numbers are possible."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.engines.settings import Settings, check_count, check_share

POSSIBLE = {"chains": 4, "draws": 100, "tune": 0, "cores": 1, "target_accept": 0.9, "seed": 0}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, 0) for name in ("chains", "draws", "cores")]
    + [("tune", -1), ("seed", -1), ("draws", 2.5), ("chains", True), ("target_accept", 1.0), ("target_accept", -0.1)],
)
def test_an_impossible_number_is_refused_by_its_name(name, value):
    with pytest.raises(bm.SpecError, match=rf"{name}=.* is impossible"):
        Settings(**POSSIBLE | {name: value})


@pytest.mark.parametrize("change", [{}, {"tune": 5}, {"target_accept": 0}, {"draws": np.int64(7)}, {"seed": 2**40}])
def test_possible_numbers_are_kept(change):
    settings = Settings(**POSSIBLE | change)
    assert {name: getattr(settings, name) for name in POSSIBLE} == POSSIBLE | change


@pytest.mark.parametrize("least", [0, 1, 5])
def test_the_least_count_is_possible_and_one_less_is_not(least):
    check_count("n", least, least)
    with pytest.raises(bm.SpecError, match=f"at least {least}"):
        check_count("n", least - 1, least)


@pytest.mark.parametrize("value", [0, 1, True, "0.5", np.nan])
def test_a_share_lies_strictly_between_zero_and_one(value):
    check_share("share", 0.5)
    with pytest.raises(bm.SpecError, match="between 0 and 1"):
        check_share("share", value)
