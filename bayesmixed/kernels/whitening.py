"""Coordinates in which a part of the parameters is about standard normal, in compiled code.

Where a header entry points to `[size, centre, factor, slots...]`, the parameters in these slots are `centre + L x`, L a
lower triangle. The Jacobian is constant and left out.
"""

from numba import njit

from bayesmixed.kernels import packing as at


@njit(cache=False, error_model="numpy")
def unwhiten(x, numbers, integers):  # type: ignore[no-untyped-def]
    """Return the parameters at a point; the point itself where nothing is whitened."""
    place = integers[at.WHITENED]
    if place < 0:
        return x
    size, slots = integers[place], place + 3
    centre, factor = integers[place + 1], integers[place + 2]
    point = x.copy()
    for i in range(size):
        value = numbers[centre + i]
        for k in range(i + 1):
            value += numbers[factor + i * size + k] * x[integers[slots + k]]
        point[integers[slots + i]] = value
    return point


@njit(cache=False, error_model="numpy")
def whiten_slopes(gradient, numbers, integers):  # type: ignore[no-untyped-def]
    """Replace derivatives in the parameters by those in the coordinates."""
    place = integers[at.WHITENED]
    if place < 0:
        return
    size, slots, factor = integers[place], place + 3, integers[place + 2]
    for k in range(size):
        slope = 0.0
        for i in range(k, size):
            slope += numbers[factor + i * size + k] * gradient[integers[slots + i]]
        gradient[integers[slots + k]] = slope
