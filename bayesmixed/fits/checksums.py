"""SHA-256 of everything that a tree of draws holds, item by item, so that damage can be named."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr


def checksums(tree: xr.DataTree) -> dict[str, str]:
    """Return a checksum for each variable and for the attributes of each group, by path: "/posterior/beta"."""
    found = {}
    for node in tree.subtree:
        path = node.path.rstrip("/")
        found[f"{path}/"] = _digest(_attributes_text(node.attrs))
        for name, variable in node.to_dataset(inherit=False).variables.items():
            found[f"{path}/{name}"] = _of_variable(variable)
    return found


def list_damages(stored: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return in words what differs between the checksums of a file and of what was read from it."""
    return [_describe(name, name in found) for name in sorted({*stored, *found}) if stored.get(name) != found.get(name)]


def _describe(name: str, present: bool) -> str:
    group, _, variable = name.rpartition("/")
    where = f"group {group[1:]}" if group else "the file"
    what = f"variable {variable} of {where}" if variable else f"attributes of {where}"
    return what if present else f"{what} (missing)"


def _of_variable(variable: xr.Variable) -> str:
    values = np.asarray(variable.values)
    kind, content = _canonical(values)
    head = json.dumps([list(map(str, variable.dims)), list(values.shape), kind])
    return _digest(head.encode(), content, _attributes_text(variable.attrs))


def _canonical(values: Any) -> tuple[str, Any]:
    """Return the kind of an array and its bytes, both the same before and after a file."""
    if values.dtype.kind in "OUST":
        return "text", json.dumps([str(value) for value in values.ravel().tolist()]).encode()
    if values.dtype.kind in "mM":
        values = values.astype(f"{values.dtype.kind}8[ns]").view("i8")
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).reshape(-1)
    return values.dtype.str, values.view(np.uint8)


def _attributes_text(attributes: Mapping[Any, Any]) -> bytes:
    plain = {str(name): np.asarray(value).ravel().tolist() for name, value in attributes.items()}
    return json.dumps(plain, sort_keys=True, default=str).encode()


def _digest(*parts: Any) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()
