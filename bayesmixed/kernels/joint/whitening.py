"""Coordinates in which a part of the parameters is about standard normal, in compiled code.

The parameters in the slots of a whitening are `centre + L x`, L a lower triangle. The Jacobian is constant and left out.
"""

from numba import njit


@njit(cache=False, error_model="numpy")
def unwhiten(x, data):  # type: ignore[no-untyped-def]
    """Return the parameters at a point; the point itself where nothing is whitened."""
    whitening = data.model[0].whitening
    size, slots, centre, factor = whitening.size, whitening.slots, whitening.centre, whitening.factor
    if size == 0:
        return x
    point = x.copy()
    for i in range(size):
        value = data.numbers[centre + i]
        for k in range(i + 1):
            value += data.numbers[factor + i * size + k] * x[data.integers[slots + k]]
        point[data.integers[slots + i]] = value
    return point


@njit(cache=False, error_model="numpy")
def whiten_slopes(gradient, data):  # type: ignore[no-untyped-def]
    """Replace derivatives in the parameters by those in the coordinates."""
    whitening = data.model[0].whitening
    size, slots, factor = whitening.size, whitening.slots, whitening.factor
    for k in range(size):
        slope = 0.0
        for i in range(k, size):
            slope += data.numbers[factor + i * size + k] * gradient[data.integers[slots + i]]
        gradient[data.integers[slots + k]] = slope
