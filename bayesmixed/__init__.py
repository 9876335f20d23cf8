"""bayesmixed: Bayesian hierarchical models from a specification, through PyMC, to shrinkage and intraclass correlation.

The public names stand in `__init__.pyi`, where type checkers and editors find them. Each is imported when it is first used.
"""

import re
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

_IMPORTS = Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")
_MODULES = tuple(re.findall(r"^from \. import (\w+) as \1$", _IMPORTS, re.MULTILINE))
_PUBLIC = {name: module for module, name in re.findall(r"^from \.([\w.]+) import (\w+) as \2$", _IMPORTS, re.MULTILINE)}

__all__ = [*_PUBLIC, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES or name in _PUBLIC:
        module = f"bayesmixed.{_PUBLIC.get(name, name)}"
        import_module("bayesmixed.interruptions").import_whole(module)
        found = import_module(module) if name in _MODULES else getattr(import_module(module), name)
        if isinstance(found, FunctionType) and not hasattr(found, "__wrapped__"):
            found = import_module("bayesmixed.arguments").checked(found)
            found.__module__ = __name__  # pickle finds it by its public name
            globals()[name] = found
        return found
    if name == "__version__":
        return import_module("importlib.metadata").version(__name__)
    here = import_module("bayesmixed.peer_names").PEER_NAMES.get(name)
    hint = "" if here is None else f". Its place is taken by {here}"
    raise AttributeError(f"module 'bayesmixed' has no attribute '{name}'{hint}")


def __dir__() -> list[str]:
    return sorted(__all__)
