"""Trees of draws read from netCDF files, which are not trusted."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xarray as xr

from bayesmixed.errors import DataError, first_line

_MOST_EXPANSION = 1100
"""The largest factor by which any compression of HDF5 makes data smaller."""


def read_tree(path: Path) -> xr.DataTree:
    """Return the groups of a file; nothing is read that lies outside it.

    Raises
    ------
    DataError
        It is damaged, not a netCDF file, refers to other files, has groups in groups, or declares more than it can
        hold.
    """
    try:
        strange = _find_strange(path)
        if strange:
            raise ValueError(strange)
        with warnings.catch_warnings(action="ignore"), xr.open_datatree(path, engine="h5netcdf") as opened:
            return opened.load()
    except Exception as error:  # h5netcdf, h5py and xarray each have errors of their own
        raise DataError(f"it is damaged or not a netCDF file ({first_line(error)}).") from error


def _find_strange(path: Path) -> str:
    """Return in words what a file of a fit never has, "" for nothing."""
    import h5py

    declared = 0
    with h5py.File(path, "r") as file:
        for name, link, item in _items(h5py, file):
            if not isinstance(link, h5py.HardLink):
                return f"'{name}' refers to something else"
            if isinstance(item, h5py.Group) and name.count("/") > 1:
                return f"group '{name}' lies in a group"
            if isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    return f"'{name}' refers to another file"
                declared += item.size * item.dtype.itemsize
    if declared > _MOST_EXPANSION * path.stat().st_size:
        return f"it declares {declared / 2**30:.0f} GiB of data, which it cannot hold"
    return ""


def _items(h5py: Any, group: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, link and object of what lies in a group and in its groups."""
    for name in group:
        link = group.get(name, getlink=True)
        item = group[name] if isinstance(link, h5py.HardLink) else None
        path = f"{group.name.rstrip('/')}/{name}"
        yield path, link, item
        if isinstance(item, h5py.Group) and path.count("/") == 1:
            yield from _items(h5py, item)
