"""Coordinates of SDs that are even and smooth at 0, in compiled code: sd = s |sinh w|.

On its logarithm the density of an SD that the data cannot tell from 0 has an exponential tail to the left, through
which chains creep; in w it is flat at 0, where both signs meet, and far from 0 w is the logarithm but for a constant.
"""

import math

from numba import njit

SMALLEST = 1e-6
"""Below this |w| the SD is that at it: the density is even, so that it is the same to one part in 10^12."""


@njit(cache=False, error_model="numpy")
def unfold(point, data):  # type: ignore[no-untyped-def]
    """Return the point with log-SDs in the place of folded coordinates, and the logarithm of the Jacobian."""
    scales = data.model[0].folded
    if scales < 0:
        return point, 0.0
    unfolded, jacobian = point.copy(), 0.0
    for i in range(len(point)):
        scale = data.numbers[scales + i]
        if scale > 0.0:
            w = max(abs(point[i]), SMALLEST)
            # log sinh w and log coth w without overflow.
            unfolded[i] = math.log(scale) + w + math.log(-0.5 * math.expm1(-2.0 * w))
            jacobian -= math.log(math.tanh(w))
    return unfolded, jacobian


@njit(cache=False, error_model="numpy")
def fold_slopes(point, gradient, data):  # type: ignore[no-untyped-def]
    """Replace derivatives in log-SDs by those in folded coordinates, that of the Jacobian included."""
    scales = data.model[0].folded
    if scales < 0:
        return
    for i in range(len(point)):
        if data.numbers[scales + i] > 0.0:
            w = max(abs(point[i]), SMALLEST)
            slope = gradient[i] / math.tanh(w) - 2.0 / math.sinh(min(2.0 * w, 700.0))
            gradient[i] = slope if point[i] >= 0.0 else -slope
