"""Compiled functions as plain Python: their tests need not wait for a compiler."""

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from bayesmixed.kernels.records import Data


@cache
def uncompiled(function: Any) -> Callable[..., Any]:
    """Return a compiled function as Python, with all compiled functions that it calls."""
    plain = function.py_func
    names = dict(plain.__globals__)
    copy = FunctionType(plain.__code__, names, plain.__name__, plain.__defaults__, plain.__closure__)
    for name in plain.__code__.co_names:
        if isinstance(names.get(name), Dispatcher):
            names[name] = copy if names[name] is function else uncompiled(names[name])
    return copy


def as_records(data: Data) -> Data:
    """Return packed data whose records have attributes, as in compiled code."""
    return Data(data.numbers, data.integers, *(array.view(np.recarray) for array in data[2:]))
