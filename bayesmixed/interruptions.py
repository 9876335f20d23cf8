"""Ctrl-C while libraries are imported or models are compiled: held back until it does no harm."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
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
