"""Every structure has a root and correlations that agree, in NumPy and in PyTensor."""

import numpy as np
import pytest

from bayesmixed.terms.covariances import COVARIANCES
from bayesmixed.terms.structures import Structure

STRUCTURED = [name for name, one in COVARIANCES.items() if one.structured]
PLACES = ((0.0,), (1.0,), (2.0,), (4.0,))
each = pytest.mark.parametrize("name", STRUCTURED)


def structure(name):
    return Structure(name, "t", PLACES, ("0", "1", "2", "4"), 1.0)


def inside(name):
    """Values near both ends of the range of each parameter, and in the middle, where roots of powers may have no slope."""
    found = {}
    for one in structure(name).parameters:
        low, high = one.support(len(PLACES))
        low, high = max(low, -20.0), min(high, 20.0)
        found[one.name] = low + (high - low) * np.array([0.02, 0.3, 0.5, 0.9, 0.98])
        if low < 0.0:
            found[one.name][2] = 0.0
    return found


@each
def test_the_root_times_its_transpose_are_the_correlations(name):
    values = inside(name)
    one = structure(name)
    root = one.root({key: v[:, None, None] for key, v in values.items()}, np)
    correlations = one.correlations(values)
    np.testing.assert_allclose(root @ np.swapaxes(root, -1, -2), correlations, atol=1e-12)
    np.testing.assert_allclose(np.diagonal(correlations, axis1=-2, axis2=-1), 1.0)
    np.testing.assert_allclose(np.triu(root, 1), 0.0)


@each
def test_the_symbolic_root_has_the_values_and_slopes_of_the_other(name):
    import pytensor
    import pytensor.tensor as pt

    one, values = structure(name), inside(name)
    if not values:
        return
    symbols = {key: pt.scalar(key) for key in values}
    root = one.root({key: symbol.dimshuffle("x", "x") for key, symbol in symbols.items()}, pt)
    weights = np.arange(16.0).reshape(4, 4)
    slopes = [pytensor.grad((root @ root.T * weights).sum(), symbol) for symbol in symbols.values()]
    compute = pytensor.function(list(symbols.values()), [root, *slopes], mode="FAST_COMPILE")
    for k in range(5):
        at = {key: v[k] for key, v in values.items()}
        found, *grad = compute(*at.values())
        np.testing.assert_allclose(found @ found.T, one.correlations(at), atol=1e-12)
        for key, slope in zip(at, grad, strict=True):
            step = 1e-6
            up, down = (one.correlations({**at, key: at[key] + sign * step}) for sign in (1, -1))
            np.testing.assert_allclose(slope, np.sum((up - down) * weights) / (2 * step), rtol=1e-5, atol=1e-5)


def test_an_autoregression_between_its_steps_decays_with_the_time_and_is_unrelated_where_it_alternates():
    one = Structure("ar1", "t", ((0.0,), (1.0,), (1.5,)), ("0", "1", "1.5"), 1.0)
    np.testing.assert_allclose(one.correlations({"ar1": np.array(0.6)})[2], [0.6**1.5, 0.6**0.5, 1.0])
    np.testing.assert_allclose(one.correlations({"ar1": np.array(-0.6)})[2], [0.0, 0.0, 1.0])


def test_toeplitz_correlations_are_positive_definite_and_equal_at_equal_lags_with_gaps():
    one, values = structure("toeplitz"), inside("toeplitz")
    assert [p.name for p in one.parameters] == ["pacf1", "pacf2", "pacf3", "pacf4"]
    found = one.correlations(values)
    np.testing.assert_allclose(found[:, 0, 1], values["pacf1"])
    np.testing.assert_allclose(found[:, 0, 1], found[:, 1, 2])
    np.testing.assert_allclose(found[:, 0, 2], found[:, 2, 3])
    assert np.all(np.linalg.eigvalsh(found) > 0.0)
    for k in range(1, 4):
        whole = Structure("toeplitz", "t", tuple((float(j),) for j in range(k + 1)), tuple("0123"[: k + 1]), 1.0)
        inverse = np.linalg.inv(whole.correlations({f"pacf{lag}": values[f"pacf{lag}"] for lag in range(1, k + 1)}))
        partial = -inverse[:, 0, k] / np.sqrt(inverse[:, 0, 0] * inverse[:, k, k])
        np.testing.assert_allclose(partial, values[f"pacf{k}"], atol=1e-9)
    # An autoregression of order 1 has one partial autocorrelation.
    ar1 = one.correlations({"pacf1": np.array(0.6), **{f"pacf{k}": np.array(0.0) for k in (2, 3, 4)}})
    np.testing.assert_allclose(ar1, structure("ar1").correlations({"ar1": np.array(0.6)}))
