"""Pieces that families share: supports and means that are kept off the border."""

import numpy as np
import pytest

from bayesmixed.errors import SpecError
from bayesmixed.families import ResponseScale
from bayesmixed.families.links import LINKS
from bayesmixed.families.parts import (
    PRECISION,
    SIGMA,
    is_count,
    is_whole,
    location_mean,
    no_latent_variance,
    proportion_mean,
    rate_mean,
    residual_variance,
    share,
)

Y = np.array([-1.0, 0.0, 0.5, 3.0, np.inf, np.nan])


def test_counts_are_whole_numbers_from_zero():
    np.testing.assert_array_equal(is_whole(Y), [True, True, False, True, False, False])
    np.testing.assert_array_equal(is_count(Y, 1.0), [False, True, False, True, False, False])


def test_smoothed_means_add_half_an_event():
    y, trials = np.array([0.0, 3.0]), np.array([4.0, 5.0])
    assert location_mean(y, 1.0, 1.0) == 1.5
    assert proportion_mean(y, trials, 1.0) == pytest.approx(3.5 / 10.0)
    assert proportion_mean(np.array([1.0, 1.0]), 1.0, 1.0) == pytest.approx(2.5 / 3.0)
    assert rate_mean(y, 1.0, np.array([2.0, 5.0])) == pytest.approx(3.5 / 7.0)


def test_a_residual_variance_belongs_to_one_link():
    assert residual_variance(4.0, LINKS["identity"]) == 4.0
    with pytest.raises(SpecError, match="not defined for link 'log'"):
        residual_variance(4.0, LINKS["log"])
    with pytest.raises(SpecError, match="no residual variance"):
        no_latent_variance({}, LINKS["log"], 1.0)


def test_default_priors_of_scales_have_the_unit_of_the_response_and_of_shares_none():
    small, large = ResponseScale(mean=0.0, unit=1.0), ResponseScale(mean=0.0, unit=20.0)
    assert SIGMA.prior(large)[1].arguments == (4.0, 20.0)
    assert SIGMA.intercept(large)[0] - SIGMA.intercept(small)[0] == pytest.approx(np.log(20.0))
    for parameter in (PRECISION, share("zi", "probability of an extra zero")):
        assert parameter.prior(large) == parameter.prior(small)
        assert parameter.intercept(large) == parameter.intercept(small)
