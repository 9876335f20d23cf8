"""Exponentials and logarithms of whole arrays, in a form of which a processor computes several at once."""

import numpy as np
from numba import njit

_MOST, _LEAST = 709.0, -708.0
_PER_OCTAVE = 1.4426950408889634
_HIGH, _LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_MAGIC = 6755399441055744.0
"""1.5 * 2^52: added to a number, the last bits are its nearest integer."""
_ROOT_HALF, _INFINITE = 0x3FE6A09E667F3BCD, 0x7FF0000000000000
"""Bits of the root of one half and of infinity."""


@njit(cache=False, error_model="numpy", fastmath={"contract"})
def exponentials(count, x, scratch, out):  # type: ignore[no-untyped-def]
    """Write exp(x) of the first numbers of an array, to a relative error of 3e-16; `scratch` is as long, `out` may be `x`.

    Below -708 it is 0 and above 709 infinite; of what is no number it is none.
    """
    for i in range(count):
        value = x[i]
        high, low = value > _MOST, value < _LEAST
        value = 0.0 if high or low else value
        shifted = value * _PER_OCTAVE + _MAGIC
        whole = shifted - _MAGIC
        r = (value - whole * _HIGH) - whole * _LOW
        scratch[i] = shifted
        p = 1.0 / 6227020800.0
        p = p * r + 1.0 / 479001600.0
        p = p * r + 1.0 / 39916800.0
        p = p * r + 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r * r + r + 1.0
        p = np.inf if high else p
        out[i] = 0.0 if low else p
    bits, octaves = out.view(np.int64), scratch.view(np.int64)
    for i in range(count):
        bits[i] += octaves[i] << 52


@njit(cache=False, error_model="numpy", fastmath={"contract"})
def logarithms(count, x, scratch, out):  # type: ignore[no-untyped-def]
    """Write log(x) of the first numbers of an array of positive ones above 1e-307; `scratch` is as long, `out` may be `x`."""
    bits, octaves = x.view(np.int64), scratch.view(np.int64)
    reduced = out.view(np.int64)
    for i in range(count):
        # The mantissa between the root of one half and that of two, and the octave above it.
        octave = (bits[i] - _ROOT_HALF) >> 52
        octave = octave if bits[i] < _INFINITE else 0
        reduced[i] = bits[i] - (octave << 52)
        octaves[i] = octave + 0x4338000000000000
    for i in range(count):
        m = out[i]
        octave = scratch[i] - _MAGIC
        f = (m - 1.0) / (m + 1.0)
        s = f * f
        p = 2.0 / 23.0
        p = p * s + 2.0 / 21.0
        p = p * s + 2.0 / 19.0
        p = p * s + 2.0 / 17.0
        p = p * s + 2.0 / 15.0
        p = p * s + 2.0 / 13.0
        p = p * s + 2.0 / 11.0
        p = p * s + 2.0 / 9.0
        p = p * s + 2.0 / 7.0
        p = p * s + 2.0 / 5.0
        p = p * s + 2.0 / 3.0
        value = octave * _HIGH + (f * s * p + (octave * _LOW + 2.0 * f))
        out[i] = value if m < np.inf else m
