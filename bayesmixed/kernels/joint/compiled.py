"""The joint density, and what its draws need, compiled: what Python calls."""

from functools import cache
from typing import Any

from numba import carray

from bayesmixed.families.links import Array
from bayesmixed.kernels import bridge
from bayesmixed.kernels.bridge import DENSITY, answer, by_sources, c_function, entry_point, reader
from bayesmixed.kernels.joint.density import log_density
from bayesmixed.kernels.joint.guides import standardise_draws
from bayesmixed.kernels.joint.joint_guides import restore_draws
from bayesmixed.kernels.packing import Packed
from bayesmixed.kernels.records import MODEL

standardise_draws_compiled, restore_draws_compiled = entry_point(standardise_draws), entry_point(restore_draws)
_read = reader(MODEL)


@cache
def density_function() -> Any:
    """Return the compiled log-density with nutpie's C signature; some seconds the first time on a machine."""

    @c_function(DENSITY)
    @by_sources
    def density(dimension, x, gradient, value, user_data):  # type: ignore[no-untyped-def]
        slopes = carray(gradient, (dimension,))
        result = log_density(carray(x, (dimension,)), slopes, _read(user_data))
        return answer(result, slopes, value)

    return density


def evaluate(packed: Packed, point: Array) -> tuple[float, Array]:
    """Return log-density and gradient at one point."""
    return bridge.evaluate(packed, point, density_function())
