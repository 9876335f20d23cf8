"""The bridge to nutpie: the one file that uses its C interface."""

import math
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types
from numba.core.caching import FunctionCache
from numba.extending import intrinsic

from bayesmixed.families.links import Array
from bayesmixed.kernels.compiled_files import checked_cache
from bayesmixed.kernels.packing import Packed
from bayesmixed.kernels.records import PARAMETER, PRIOR, TERM, Data
from bayesmixed.kernels.sources import digest

NONFINITE_GRADIENT, NONFINITE_DENSITY = 3, 4
COORDINATES = "unconstrained"

_NOT_KEPT = (
    "in every new process, because neither the package's folder nor your cache can be written. Set NUMBA_CACHE_DIR to a "
    "folder that can, and it happens once."
)

DENSITY = types.int64(
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


def reader(model: Any) -> Any:
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


@njit(cache=False)
def answer(result, gradient, value):  # type: ignore[no-untyped-def]
    """Write a log-density, and return what nutpie wants to hear: 0, or why the step is rejected."""
    carray(value, (1,))[0] = result
    if not math.isfinite(result):
        return NONFINITE_DENSITY
    for k in range(len(gradient)):
        if not math.isfinite(gradient[k]):
            return NONFINITE_GRADIENT
    return 0


def cache_folder(function: Callable[..., Any]) -> Path | None:
    """Return where a compiled function is kept: beside its file or with the user's, None if neither can be written."""
    try:
        return Path(FunctionCache(function).cache_path)
    except RuntimeError:
        return None


def by_sources(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function under a name that changes with every source: by itself numba's cache looks at this file only."""
    function.__qualname__ += f"_{digest()}"
    return function


def c_function(signature: Any) -> Callable[..., Any]:
    """Return a decorator that compiles a C function, or takes it from the cache."""

    def decorate(function: Callable[..., Any]) -> Any:
        with checked_cache():
            return cfunc(signature, cache=cache_folder(function) is not None)(function)

    return decorate


def entry_point(function: Any) -> Any:
    """Return a compiled function for Python to call: compiled at the first call, or taken from the cache."""
    plain, options = function.py_func, function.targetoptions
    renamed = FunctionType(plain.__code__, plain.__globals__, plain.__name__, plain.__defaults__, plain.__closure__)
    renamed.__qualname__, renamed.__module__ = plain.__qualname__, plain.__module__
    options = {name: options[name] for name in ("error_model", "fastmath") if name in options}
    with checked_cache():
        return njit(cache=cache_folder(plain) is not None, nogil=True, **options)(by_sources(renamed))


@cache
def expand_function() -> Any:
    """Return the compiled identity: coordinates are stored as they are and decoded after sampling."""

    @c_function(_EXPAND)
    @by_sources
    def expand(dimension, expanded, x, out, user_data):  # type: ignore[no-untyped-def]
        source = carray(x, (dimension,))
        target = carray(out, (expanded,))
        for k in range(dimension):
            target[k] = source[k]
        return 0

    return expand


def is_cached(compiled: Any) -> bool:
    """Return whether a compiled function lies in the cache on disk, or else in this process, so that it is there at once.

    Parameters
    ----------
    compiled : function
        Of `entry_point`, or one without arguments that returns a compiled density, such as `density_function`.
    """
    plain = getattr(compiled, "py_func", None)
    folder = cache_folder(plain or compiled.__wrapped__)
    if folder is None:
        return bool(compiled.signatures if plain else compiled.cache_info().currsize)
    name = plain.__name__ if plain else f"{compiled.__name__}."
    return any(folder.glob(f"{compiled.__module__.rpartition('.')[2]}.{name}*_{digest()}-*.nbi"))


def announce_compilation(compiled: Any, progress: bool, what: str = "the sampler's kernel, 15 to 30 seconds") -> None:
    """Say, before a compilation, how long it takes and where the result is kept, or how it could be."""
    if progress and not is_cached(compiled):
        folder = cache_folder(getattr(compiled, "py_func", None) or compiled.__wrapped__)
        kept = f"once on this machine. It is kept in {folder}." if folder else _NOT_KEPT
        print(f"Compiling {what}, {kept}", file=sys.stderr, flush=True)


def evaluate(packed: Packed, point: Array, density: Any) -> tuple[float, Array]:
    """Return log-density and gradient at one point, through a compiled C function."""
    import ctypes

    point = np.ascontiguousarray(point, dtype=float)
    gradient, value = np.zeros_like(point), np.zeros(1)
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)(density.address)
    function(point.size, point.ctypes.data, gradient.ctypes.data, value.ctypes.data, packed.record.ctypes.data)
    return float(value[0]), gradient


def nutpie_model(packed: Packed, dimension: int, start: Callable[[Any], Array], density: Any) -> Any:
    """Return an object that `nutpie.sample` takes; its draws hold one variable, the coordinates.

    Parameters
    ----------
    packed : Packed
        Data of the density; kept alive by the model.
    dimension : int
        Number of coordinates.
    start : callable
        Takes a seed, returns the coordinates from which a chain starts.
    density : compiled function
        From `density_function` or `collapsed_function`.
    """
    return _model_class()(None, packed, dimension, start, density.address, expand_function().address)


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
