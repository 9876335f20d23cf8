"""Rows that a design does not hold in memory."""

from typing import Any, NoReturn

from bayesmixed.errors import DataError

HINT = (
    "Fit a sample of the rows, or prepare the design in memory: bm.sample(bm.prepare(spec, path, stream=False)). "
    "bm.predict(fit, data) takes new rows."
)


class Absent:
    """Placeholder for an array or table of streamed rows; any use of it is refused (DataError)."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"<{self._name}: not in memory>"

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise DataError(f"This needs {self._name}, which were streamed from a file and are not in memory. {HINT}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and not name.startswith("__array"):
            raise AttributeError(name)
        self._refuse()

    __array__ = __len__ = __iter__ = __getitem__ = __matmul__ = __rmatmul__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __pow__ = __ne__ = _refuse
