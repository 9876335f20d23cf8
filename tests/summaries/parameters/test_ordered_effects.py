"""Average steps and shares against algebra."""

import numpy as np
import pytest
from ordered_rows import STEPS, fitted

import bayesmixed as bm
from bayesmixed.errors import SpecError


def test_averages_and_shares_are_those_of_the_steps():
    found = bm.monotonic_effects(fitted())
    assert np.allclose(found["mean"], [STEPS.mean(), *STEPS / STEPS.sum()])
    assert found["level"].tolist() == ["", "low", "mid", "high"]


def test_steps_that_are_all_zero_have_equal_shares():
    found = bm.monotonic_effects(fitted(beta=np.zeros(5)))
    assert np.allclose(found["mean"], [0.0, 1 / 3, 1 / 3, 1 / 3])


def test_a_model_without_ordered_predictors_is_refused():
    with pytest.raises(SpecError, match=r"add a term mo\(x\)"):
        bm.monotonic_effects(bm.load_fit("herd_period"))
