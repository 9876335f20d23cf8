"""The collapsed density and the draws of what it integrates out, compiled: what Python calls."""

from functools import cache
from typing import Any

from numba import carray

from bayesmixed.families.links import Array
from bayesmixed.kernels import bridge
from bayesmixed.kernels.bridge import DENSITY, answer, by_sources, c_function, entry_point, reader
from bayesmixed.kernels.collapsed.density import collapsed_density
from bayesmixed.kernels.collapsed.effect_draws import draw_effects
from bayesmixed.kernels.packing import Packed
from bayesmixed.kernels.records import COLLAPSED

draw_effects_compiled = entry_point(draw_effects)
_read = reader(COLLAPSED)


@cache
def collapsed_function() -> Any:
    """Return the compiled log-density of Gaussian models without coefficients and effects, as `density_function`."""

    @c_function(DENSITY)
    @by_sources
    def density(dimension, x, gradient, value, user_data):  # type: ignore[no-untyped-def]
        slopes = carray(gradient, (dimension,))
        result = collapsed_density(carray(x, (dimension,)), slopes, _read(user_data))
        return answer(result, slopes, value)

    return density


def evaluate(packed: Packed, point: Array) -> tuple[float, Array]:
    """Return log-density and gradient at one point."""
    return bridge.evaluate(packed, point, collapsed_function())
