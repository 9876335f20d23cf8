"""How far a run is, on one line that is rewritten as work goes on and removed when it is done."""

import shutil
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar, Self

from bayesmixed.display.columns_of_text import cut, measure, pad

_LONGEST = 79
_FIRST, _AGAIN, _IN_LOGS = 1.0, 0.2, 30.0
"""Seconds before a line is first shown, between two states of it, and between two lines where none can be rewritten."""


class ProgressLine:
    """A line of at most 79 characters on standard error, or below the cell of a notebook, for as long as it is open.

    Nothing is shown of a run that ends within a second. Where a line cannot be rewritten, as in a file, a line is
    written every 30 seconds. A line that is opened while another one is open goes on after it.

    Parameters
    ----------
    title : str
        What runs.
    shown : bool
        False: nothing is shown.
    """

    opened: ClassVar[list["ProgressLine"]] = []
    lock: ClassVar[threading.RLock] = threading.RLock()

    def __init__(self, title: str, shown: bool = True) -> None:
        self.text, self._title, self._shown = title, title, shown
        self._begun = time.perf_counter()
        self._next = self._begun + (_FIRST if _can_rewrite() else _IN_LOGS)
        self._written = 0
        self._handle: Any = None

    def __enter__(self) -> Self:
        if self._shown:
            with self.lock:
                self.opened.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.lock:
            if self in self.opened:
                self.opened.remove(self)
                self.clear()

    def show(self, share: float, note: str = "") -> None:
        """Show the share of the work that is done, the time that the rest will take, and a note."""
        with self.lock:
            if self not in self.opened:
                return
            now, share = time.perf_counter(), min(share, 1.0)
            left = f", {_duration((now - self._begun) / share * (1.0 - share))} to go" if share > 0.0 else ""
            self.text = f"{self._title}: {100.0 * share:.0f} %{left}{', ' * bool(note)}{note}"
            if now >= self._next:
                self._next = now + (_AGAIN if _can_rewrite() else _IN_LOGS)
                self._write(" | ".join(line.text for line in self.opened))

    def follow[T](self, items: Iterable[T], total: int) -> Iterator[T]:
        """Yield items, each once it is done, and show how many of them are."""
        self.show(0.0, f"0 of {total}")
        for count, item in enumerate(items, 1):
            self.show(count / total, f"{count} of {total}")
            yield item

    def _write(self, text: str) -> None:
        text = " ".join(text.split())
        kept = text if measure(text) <= _LONGEST else cut(text, _LONGEST - 3) + "..."
        if _in_notebook():
            self._show_in_notebook(kept)
        elif _on_terminal():
            kept = cut(kept, shutil.get_terminal_size().columns - 1)
            _put("\r" + pad(kept, self._written))
            self._written = measure(kept)
        else:
            _put(f"{kept}\n")

    def clear(self) -> None:
        """Remove the line until there is something new to show."""
        if self._handle is not None:
            self._show_in_notebook("")
        elif self._written and _on_terminal():
            _put("\r" + " " * self._written + "\r")

    def _show_in_notebook(self, text: str) -> None:
        from IPython.display import display

        shown = {"text/plain": text}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)


def say(text: str) -> None:
    """Write a whole line to standard error, in place of lines of progress that are open, which go on below."""
    with ProgressLine.lock:
        for line in ProgressLine.opened:
            line.clear()
        _put(f"{text}\n")


def _put(text: str) -> None:
    """Write to standard error; where there is none, or nobody reads it any more, a run goes on."""
    with suppress(AttributeError, OSError, ValueError):
        if sys.stderr is not None:
            print(text, end="", file=sys.stderr, flush=True)


def _on_terminal() -> bool:
    try:
        return bool(sys.stderr.isatty())
    except (AttributeError, OSError, ValueError):
        return False


def _duration(seconds: float) -> str:
    """Return a time in the unit that a reader would use."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _can_rewrite() -> bool:
    return _in_notebook() or _on_terminal()


def _in_notebook() -> bool:
    """Return whether output goes to the cell of a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and hasattr(shell, "kernel")
