"""Interrupts while libraries compile end the call and leave no lock behind."""

import signal
import time

import pytest

from bayesmixed.interruptions import insistent_interrupts

LOCKING = "import signal\ndef take():\n    signal.raise_signal(signal.SIGINT)\n    done.append(1)\n"


@pytest.mark.parametrize(
    "file",
    ["/x/llvmlite/binding/ffi.py", "/x/llvmlite/binding/executionengine.py", "/x/numba/core/compiler_lock.py"],
    ids=["lock of llvmlite", "called from C", "lock of numba"],
)
def test_an_interrupt_waits_until_a_library_can_take_it(file):
    done = []
    space = {"done": done}
    exec(compile(LOCKING, file, "exec"), space)

    until = time.monotonic() + 30

    def compile_something():
        with insistent_interrupts():
            space["take"]()
            assert done == [1]
            while time.monotonic() < until:
                pass

    with pytest.raises(KeyboardInterrupt):
        compile_something()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
