"""The bridge to nutpie: the one file that uses its C interface."""

import math
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types
from numba.core.caching import FunctionCache
from numba.extending import intrinsic

from bayesmixed.families.links import Array
from bayesmixed.kernels.collapsed.density import collapsed_density
from bayesmixed.kernels.collapsed.effect_draws import draw_effects
from bayesmixed.kernels.compiled_files import checked_cache
from bayesmixed.kernels.joint.density import log_density
from bayesmixed.kernels.joint.guides import standardise_draws
from bayesmixed.kernels.joint.joint_guides import restore_draws
from bayesmixed.kernels.packing import Packed
from bayesmixed.kernels.records import COLLAPSED, MODEL, PARAMETER, PRIOR, TERM, Data
from bayesmixed.kernels.rows.derivatives import fill_derivatives
from bayesmixed.kernels.sources import digest
from bayesmixed.kernels.sparse_factors import (
    eliminate,
    factorise,
    invert,
    multiply_rows,
    read_entries,
    solve_backwards,
    solve_forwards,
)

NONFINITE_GRADIENT, NONFINITE_DENSITY = 3, 4
COORDINATES = "unconstrained"

_NOT_KEPT = (
    "in every new process, because neither the package's folder nor your cache can be written. Set NUMBA_CACHE_DIR to a "
    "folder that can, and it happens once."
)

_DENSITY = types.int64(
    types.uint64,
    types.CPointer(types.double),
    types.CPointer(types.double),
    types.CPointer(types.double),
    types.voidptr,
)
_EXPAND = types.int64(
    types.uint64, types.uint64, types.CPointer(types.double), types.CPointer(types.double), types.voidptr
)


@intrinsic
def _as_pointer(typing_context, address):  # type: ignore[no-untyped-def]
    """Return a void pointer from an integer address."""
    from numba.core import cgutils

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), generate


def _reader(model: Any) -> Any:
    """Return a compiled function from the addresses that nutpie hands over to the data of a density."""

    @njit(cache=False)
    def read(user_data):  # type: ignore[no-untyped-def]
        record = carray(user_data, (12,), dtype=np.int64)
        return Data(
            carray(_as_pointer(record[0]), (record[1],), dtype=np.float64),
            carray(_as_pointer(record[2]), (record[3],), dtype=np.int64),
            carray(_as_pointer(record[4]), (record[5],), dtype=model),
            carray(_as_pointer(record[6]), (record[7],), dtype=PARAMETER),
            carray(_as_pointer(record[8]), (record[9],), dtype=TERM),
            carray(_as_pointer(record[10]), (record[11],), dtype=PRIOR),
        )

    return read


_read, _read_collapsed = _reader(MODEL), _reader(COLLAPSED)


@njit(cache=False)
def _answer(result, gradient, value):  # type: ignore[no-untyped-def]
    """Write a log-density, and return what nutpie wants to hear: 0, or why the step is rejected."""
    carray(value, (1,))[0] = result
    if not math.isfinite(result):
        return NONFINITE_DENSITY
    for k in range(len(gradient)):
        if not math.isfinite(gradient[k]):
            return NONFINITE_GRADIENT
    return 0


def cache_folder() -> Path | None:
    """Return where compiled functions are kept: beside this file or with the user's, None if neither can be written."""
    try:
        return Path(FunctionCache(_answer.py_func).cache_path)
    except RuntimeError:
        return None


def _by_sources(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function under a name that changes with every source: by itself numba's cache looks at this file only."""
    function.__qualname__ += f"_{digest()}"
    return function


def _compiled(signature: Any) -> Callable[..., Any]:
    """Return a decorator that compiles a C function, or takes it from the cache."""

    def decorate(function: Callable[..., Any]) -> Any:
        with checked_cache():
            return cfunc(signature, cache=cache_folder() is not None)(function)

    return decorate


def _entry_point(function: Callable[..., Any]) -> Any:
    """Return a function that is compiled when it is first called, or taken from the cache."""
    with checked_cache():
        return njit(cache=cache_folder() is not None, nogil=True)(function)


@cache
def density_function() -> Any:
    """Return the compiled log-density with nutpie's C signature; some seconds the first time on a machine."""

    @_compiled(_DENSITY)
    @_by_sources
    def density(dimension, x, gradient, value, user_data):  # type: ignore[no-untyped-def]
        slopes = carray(gradient, (dimension,))
        result = log_density(carray(x, (dimension,)), slopes, _read(user_data))
        return _answer(result, slopes, value)

    return density


@cache
def collapsed_function() -> Any:
    """Return the compiled log-density of Gaussian models without coefficients and effects, as `density_function`."""

    @_compiled(_DENSITY)
    @_by_sources
    def density(dimension, x, gradient, value, user_data):  # type: ignore[no-untyped-def]
        slopes = carray(gradient, (dimension,))
        result = collapsed_density(carray(x, (dimension,)), slopes, _read_collapsed(user_data))
        return _answer(result, slopes, value)

    return density


@_entry_point
@_by_sources
def draw_effects_compiled(points, noise, data, out):  # type: ignore[no-untyped-def]
    """Write exact draws of effects and coefficients: the cached entry point of `draw_effects`."""
    draw_effects(points, noise, data, out)


@_entry_point
@_by_sources
def standardise_draws_compiled(draws, guides, roots, means, out):  # type: ignore[no-untyped-def]
    """Write standardised effects: the cached entry point of `standardise_draws`."""
    standardise_draws(draws, guides, roots, means, out)


@_entry_point
@_by_sources
def fill_derivatives_compiled(family, link, y, trials, eta, out):  # type: ignore[no-untyped-def]
    """Write derivatives of rows: the cached entry point of `fill_derivatives`."""
    fill_derivatives(family, link, y, trials, eta, out)


@_entry_point
@_by_sources
def eliminate_compiled(starts, rows, size):  # type: ignore[no-untyped-def]
    """Return the pattern of a factor: the cached entry point of `eliminate`."""
    return eliminate(starts, rows, size)


@_entry_point
@_by_sources
def factorise_compiled(indices, values, weight, penalty, pointers, places, entries, diagonal, dense):  # type: ignore[no-untyped-def]
    """Write the sparse columns of a factor: the cached entry point of `factorise`."""
    return factorise(indices, values, weight, penalty, pointers, places, entries, diagonal, dense)


@_entry_point
@_by_sources
def solve_forwards_compiled(pointers, places, entries, diagonal, right):  # type: ignore[no-untyped-def]
    """Solve with a factor: the cached entry point of `solve_forwards`."""
    solve_forwards(pointers, places, entries, diagonal, right)


@_entry_point
@_by_sources
def solve_backwards_compiled(pointers, places, entries, diagonal, right):  # type: ignore[no-untyped-def]
    """Solve with a transposed factor: the cached entry point of `solve_backwards`."""
    solve_backwards(pointers, places, entries, diagonal, right)


@_entry_point
@_by_sources
def invert_compiled(pointers, places, entries, diagonal, dense, inverse, inverse_diagonal):  # type: ignore[no-untyped-def]
    """Write entries of an inverse: the cached entry point of `invert`."""
    invert(pointers, places, entries, diagonal, dense, inverse, inverse_diagonal)


@_entry_point
@_by_sources
def multiply_rows_compiled(indices, values, pointers, places, inverse, inverse_diagonal, dense, out):  # type: ignore[no-untyped-def]
    """Write an inverse times rows: the cached entry point of `multiply_rows`."""
    multiply_rows(indices, values, pointers, places, inverse, inverse_diagonal, dense, out)


@_entry_point
@_by_sources
def read_entries_compiled(first, second, pointers, places, inverse, inverse_diagonal, dense, out):  # type: ignore[no-untyped-def]
    """Write entries of pairs: the cached entry point of `read_entries`."""
    read_entries(first, second, pointers, places, inverse, inverse_diagonal, dense, out)


@njit(cache=cache_folder() is not None, nogil=True)
@_by_sources
def restore_draws_compiled(points, slots, first, roots, guide):  # type: ignore[no-untyped-def]
    """Replace joint coordinates: the cached entry point of `restore_draws`."""
    restore_draws(points, slots, first, roots, guide)


@cache
def expand_function() -> Any:
    """Return the compiled identity: coordinates are stored as they are and decoded after sampling."""

    @_compiled(_EXPAND)
    @_by_sources
    def expand(dimension, expanded, x, out, user_data):  # type: ignore[no-untyped-def]
        source = carray(x, (dimension,))
        target = carray(out, (expanded,))
        for k in range(dimension):
            target[k] = source[k]
        return 0

    return expand


_DENSITIES = {"density_function": density_function, "collapsed_function": collapsed_function}


def is_cached(function: str = "density_function") -> bool:
    """Return whether a compiled density lies in the cache on disk, or else in this process, so that it is there at once."""
    folder = cache_folder()
    if folder is None:
        return bool(_DENSITIES[function].cache_info().currsize)
    return any(folder.glob(f"bridge.{function}.*_{digest()}-*.nbi"))


def announce_compilation(function: str, progress: bool) -> None:
    """Say, before a compilation, how long it takes and where the result is kept, or how it could be."""
    if progress and not is_cached(function):
        folder = cache_folder()
        kept = f"once on this machine. It is kept in {folder}." if folder else _NOT_KEPT
        print(f"Compiling the sampler's kernel, 15 to 30 seconds, {kept}", file=sys.stderr, flush=True)


def evaluate(packed: Packed, point: Array, density: Any = None) -> tuple[float, Array]:
    """Return log-density and gradient at one point, through the compiled C function."""
    import ctypes

    point = np.ascontiguousarray(point, dtype=float)
    gradient, value = np.zeros_like(point), np.zeros(1)
    address = (density or density_function()).address
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)(address)
    function(point.size, point.ctypes.data, gradient.ctypes.data, value.ctypes.data, packed.record.ctypes.data)
    return float(value[0]), gradient


def nutpie_model(packed: Packed, dimension: int, start: Callable[[Any], Array], density: Any = None) -> Any:
    """Return an object that `nutpie.sample` takes; its draws hold one variable, the coordinates.

    Parameters
    ----------
    packed : Packed
        Data of the density; kept alive by the model.
    dimension : int
        Number of coordinates.
    start : callable
        Takes a seed, returns the coordinates from which a chain starts.
    density : optional
        From `density_function` (the default) or `collapsed_function`.
    """
    density, expand = density or density_function(), expand_function()
    return _model_class()(None, packed, dimension, start, density.address, expand.address)


@cache
def _model_class() -> Any:
    from nutpie import _lib
    from nutpie.sample import CompiledModel

    class KernelModel(CompiledModel):  # type: ignore[misc]
        """A compiled density with its data, as nutpie wants it."""

        def __init__(self, dims: None, packed: Packed, dimension: int, start: Any, density: int, expand: int) -> None:
            object.__setattr__(self, "dims", {COORDINATES: ("coordinate",)})
            object.__setattr__(self, "reparameterized_names", None)
            for name, value in {"packed": packed, "size": dimension, "start": start}.items():
                object.__setattr__(self, name, value)
            object.__setattr__(self, "addresses", (density, expand))

        @property
        def n_dim(self) -> int:
            return int(self.size)

        @property
        def shapes(self) -> dict[str, tuple[int, ...]]:
            return {COORDINATES: (self.size,)}

        @property
        def coords(self) -> dict[str, Any]:
            return {"coordinate": np.arange(self.size)}

        def _make_sampler(
            self, settings: Any, mean: Any, cores: Any, progress: Any, callback: Any, rate: Any, store: Any
        ) -> Any:
            return _lib.PySampler.from_pymc(settings, cores, self._make_model(mean), progress, callback, rate, store)

        def _make_model(self, mean: Any) -> Any:
            data, size = self.packed.record.ctypes.data, self.size
            variables = _lib.PyVariable.new_variables(
                [COORDINATES], ["float64"], [(size,)], {"coordinate": size}, dict(self.dims)
            )
            return _lib.PyMcModel(
                _lib.LogpFunc(self.addresses[0], data, self),
                _lib.ExpandFunc(size, size, self.addresses[1], data, self),
                variables,
                size,
                {"coordinate": size},
                self.coords,
                self.start,
                None,
            )

    return KernelModel
