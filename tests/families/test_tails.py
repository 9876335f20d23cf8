"""Tails in log space are those of the distribution function, and stay finite with their gradients far out."""

import numpy as np
import pytest
from family_cases import CASES, draws_of, some_values, trials_of
from scipy import stats

from bayesmixed.families import FAMILIES
from bayesmixed.families.tails import (
    beta_tails,
    gamma_tails,
    hazard_tails,
    log_complement,
    numpy_functions,
    pytensor_functions,
    student_tails,
)

M = numpy_functions()
WITH_TAILS = {name: family for name, family in CASES.items() if family.log_tails is not None}
with_tails = pytest.mark.parametrize("family", WITH_TAILS.values(), ids=list(WITH_TAILS))


def inside(family, y):
    """Return the points at which some, but not all, responses are smaller."""
    return y[(y < trials_of(family)) | (not family.has_trials)] if family.has_trials else y[y < edge(family)]


def edge(family):
    return 1.0 if not family.discrete and not family.accepts(np.array([2.0]), 1.0)[0] else np.inf


@with_tails
def test_tails_are_those_of_the_distribution_function(family):
    for values in some_values(family):
        y = inside(family, np.unique(draws_of(family, values, 300)))
        below, above = family.log_tails(M, y, values, trials_of(family))
        np.testing.assert_allclose(np.exp(below), family.cdf(y, values, trials_of(family)), rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(np.exp(below) + np.exp(above), 1.0, rtol=1e-9)


def far_points(family, values):
    """Return points ten SDs from the mean, and one near it, inside the support."""
    mean = np.asarray(family.mean(values, trials_of(family)))
    sd = np.sqrt(family.variance(values, trials_of(family)))
    y = mean + np.array([-10.0, -5.0, 0.1, 5.0, 10.0]) * sd
    y = np.floor(y) if family.discrete else y
    positive = not family.accepts(np.array([-1.0]), 1.0)[0]
    least = (1.0 if family.name.startswith("truncated") else 0.0) if family.discrete else mean * 1e-6
    y = np.maximum(y, least) if positive else y
    most = trials_of(family) - 1.0 if family.has_trials else edge(family) - 1e-6
    return np.unique(np.minimum(y, most))


QUICK = ("gaussian", "lognormal", "gamma", "exponential", "weibull", "poisson", "exgaussian", "hurdle_lognormal")


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(family, id=name, marks=[] if name in QUICK else pytest.mark.calibration)
        for name, family in WITH_TAILS.items()
    ],
)
def test_tails_and_gradients_are_finite_and_right_ten_sds_out(family):
    import pytensor
    import pytensor.tensor as pt

    names = [parameter.name for parameter in family.parameters]
    values = some_values(family)[1]
    y = far_points(family, values)
    given = {name: pt.vector(name) for name in names}
    arrays = [np.full(len(y), values[name]) for name in names]
    found = family.log_tails(pytensor_functions(), y, given, trials_of(family))
    gradients = [
        g for tail in found for g in pytensor.grad(tail.sum(), list(given.values()), disconnected_inputs="ignore")
    ]
    compute = pytensor.function(list(given.values()), [*found, *gradients], mode="FAST_COMPILE")
    below, above, *slopes = compute(*arrays)
    expected = family.log_tails(M, y, values, trials_of(family))
    for one, other in zip((below, above), expected, strict=True):
        assert np.all(np.isfinite(one))
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    for place, slope in enumerate(slopes):
        tail, name = divmod(place, len(names))
        step = 1e-4 * max(abs(values[names[name]]), 0.1)
        ends = [
            family.log_tails(M, y, values | {names[name]: values[names[name]] + k * step}, trials_of(family))[tail]
            for k in (-2, -1, 1, 2)
        ]
        numeric = (8 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12 * step)
        assert np.all(np.isfinite(slope))
        np.testing.assert_allclose(slope, numeric, rtol=1e-5, atol=1e-6 * max(1.0, np.max(np.abs(numeric))))


def test_tails_are_those_of_scipy_where_probabilities_are_no_longer_numbers():
    z = np.array([-60.0, -8.0, 0.0, 3.0, 50.0])
    below, above = FAMILIES["gaussian"].log_tails(M, z, {"mu": 0.0, "sigma": 1.0}, 1.0)
    np.testing.assert_allclose(below, stats.norm.logcdf(z), rtol=1e-12)
    np.testing.assert_allclose(above, stats.norm.logsf(z), rtol=1e-12)
    below, above = student_tails(M, z, np.array(7.0))
    np.testing.assert_allclose(below, stats.t.logcdf(z, 7.0), rtol=1e-9)
    np.testing.assert_allclose(above, stats.t.logsf(z, 7.0), rtol=1e-9)
    below, above = hazard_tails(M, np.array([-800.0, -12.0, 0.0, 3.0]))
    np.testing.assert_allclose(
        below, [-800.0, np.log(-np.expm1(-np.exp(-12.0))), np.log1p(-np.exp(-1.0)), 0.0], rtol=1e-9, atol=2e-9
    )


def test_the_leading_terms_continue_the_incomplete_functions():
    """Beyond 1e-290 there is a leading term: as a function of x it has the slope of the logarithm there."""
    shape, x = 3.0, np.array([640.0, 660.0, 690.0, 2000.0])
    exact = shape * np.log(x) - x - np.log(2.0) - np.log(x) + np.log1p(2.0 / x + 2.0 / x**2)
    np.testing.assert_allclose(gamma_tails(M, shape, np.log(x))[1], exact, atol=1e-4)
    tiny = np.array([1e-90, 1e-98, 1e-120])
    np.testing.assert_allclose(gamma_tails(M, shape, np.log(tiny))[0], shape * np.log(tiny) - np.log(6.0), rtol=1e-12)
    np.testing.assert_allclose(
        beta_tails(M, 3.0, 2.0, tiny, 1.0 - tiny)[0], 3.0 * np.log(tiny) + np.log(4.0), rtol=1e-12
    )


def test_a_complement_keeps_its_digits_at_both_ends():
    logs = np.array([-1e-250, -1e-12, -0.7, -50.0])
    np.testing.assert_allclose(
        log_complement(M, logs), [np.log(1e-250), np.log(1e-12), np.log(-np.expm1(-0.7)), -np.exp(-50.0)], rtol=1e-9
    )
