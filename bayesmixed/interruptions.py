"""Ctrl-C while libraries are imported or models are compiled: held back until it does no harm."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import FrameType, ModuleType
from typing import Any

_PATIENCE = 0.2
"""Seconds after which an interrupt that had no effect is repeated."""
_UNSAFE = (
    os.path.join("llvmlite", "binding", "ffi.py"),
    os.path.join("llvmlite", "binding", "executionengine.py"),
    os.path.join("numba", "core", "compiler_lock.py"),
)
"""Files of libraries that take locks, which stay locked after an error, or that are called from C, where errors are lost."""


def import_whole(*names: str) -> None:
    """Import modules; an interrupt waits for the end, since a half-imported module cannot be imported again."""
    with deferred_interrupts():
        for name in names:
            import_module(name)


def import_nutpie() -> None:
    """Import nutpie without all of ArviZ, whose plots take a second: nutpie calls two functions of its base only."""
    with deferred_interrupts():
        if "nutpie" in sys.modules:
            return
        base, known = _import_afresh("arviz_base"), "arviz" in sys.modules
        sys.meta_path.insert(0, _Deferred)
        try:
            vars(import_module("nutpie.sample"))["arviz"] = base
        finally:
            sys.meta_path.remove(_Deferred)
            if not known:
                sys.modules.pop("arviz", None)


def _import_afresh(name: str) -> ModuleType:
    """Import a module in a thread, with few calls on its stack: ArviZ reads the sources of all of them, which takes long."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(import_module, name).result()


class _Deferred:
    """Finds ArviZ as a module that is loaded when one of its attributes is first used."""

    @staticmethod
    def find_spec(name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Return how to load the module lazily, None for all other modules."""
        spec = PathFinder.find_spec(name, path, target) if name == "arviz" else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


@contextmanager
def deferred_interrupts() -> Iterator[None]:
    """Let an interrupt take effect at the end of the block."""
    caught: list[int] = []
    with _handler(lambda number, frame: caught.append(number)) as usual:
        yield
    if caught and usual is not None:
        usual(caught[0], None)


@contextmanager
def insistent_interrupts() -> Iterator[None]:
    """Repeat an interrupt that a library swallows until the block ends with KeyboardInterrupt."""
    over, caught = threading.Event(), threading.Event()

    def repeat() -> None:
        while not over.wait(_PATIENCE):
            signal.raise_signal(signal.SIGINT)

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not caught.is_set():
            caught.set()
            threading.Thread(target=repeat, daemon=True).start()
        if not over.is_set() and not _is_unsafe(frame):
            raise KeyboardInterrupt

    with _handler(interrupt):
        try:
            yield
        finally:
            over.set()
        if caught.is_set():
            raise KeyboardInterrupt


def _is_unsafe(frame: FrameType | None) -> bool:
    """Return whether a library would not survive an error in its present call: the interrupt is repeated soon."""
    return frame is not None and frame.f_code.co_filename.endswith(_UNSAFE)


@contextmanager
def _handler(handle: Any) -> Iterator[Any]:
    """Handle interrupts in another way within the block, and yield the usual one; in other threads there are none."""
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield None
        return
    signal.signal(signal.SIGINT, handle)
    try:
        yield usual
    finally:
        signal.signal(signal.SIGINT, usual)
