"""A task whose process ends before it is done, the first time."""

import os
import signal
from pathlib import Path


def end_once(folder: str, number: int) -> int:
    """Return the number; the first time the process is killed before."""
    mark = Path(folder) / str(number)
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number
