"""Checksums name what differs between two trees of draws, and nothing else."""

import numpy as np
import pytest
import xarray as xr

from bayesmixed.fits.checksums import checksums, list_damages


def tree(**changed):
    """Return a small tree of draws, with some of its parts changed."""
    parts = {
        "beta": xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("chain", "draw")),
        "names": xr.DataArray(np.array(["a", "b"], dtype=object), dims="level"),
        "flags": xr.DataArray(np.array([True, False]), dims="level"),
        "when": xr.DataArray(np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[ns]"), dims="level"),
    } | changed
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs={"seed": 1}), "posterior": xr.Dataset(parts)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("beta", xr.DataArray(np.arange(6.0).reshape(2, 3) + 1e-15, dims=("chain", "draw"))),
        ("beta", xr.DataArray(np.arange(6.0, dtype=np.float32).reshape(2, 3), dims=("chain", "draw"))),
        ("beta", xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("chain", "draw"), attrs={"unit": "ms"})),
        ("names", xr.DataArray(np.array(["ab", ""], dtype=object), dims="level")),
        ("flags", xr.DataArray(np.array([True, True]), dims="level")),
        ("when", xr.DataArray(np.array(["2020-01-01", "2021-01-02"], dtype="datetime64[ns]"), dims="level")),
    ],
)
def test_a_changed_variable_is_named_alone(name, value):
    assert list_damages(checksums(tree()), checksums(tree(**{name: value}))) == [f"variable {name} of group posterior"]


def test_dimensions_count_and_not_only_numbers():
    square = np.arange(4.0).reshape(2, 2)
    one, other = (tree(x=xr.DataArray(square, dims=dims)) for dims in (("p", "q"), ("q", "p")))
    assert list_damages(checksums(one), checksums(other)) == ["variable x of group posterior"]


def test_attributes_and_missing_parts_are_named():
    changed = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"seed": 2}), "posterior": tree()["posterior"].to_dataset()})
    assert list_damages(checksums(tree()), checksums(changed)) == ["attributes of the file"]
    less = xr.DataTree.from_dict(
        {"/": tree().to_dataset(), "posterior": tree()["posterior"].to_dataset().drop_vars("beta")}
    )
    assert list_damages(checksums(tree()), checksums(less)) == ["variable beta of group posterior (missing)"]


def test_the_checksum_does_not_hang_on_how_memory_is_laid_out():
    values = np.arange(6.0).reshape(2, 3)
    for same in (np.asfortranarray(values), values.astype(">f8"), np.repeat(values, 2, axis=1)[:, ::2]):
        assert checksums(tree(beta=xr.DataArray(same, dims=("chain", "draw")))) == checksums(tree())


def test_a_tree_has_the_same_checksums_after_a_file(tmp_path):
    tree().to_netcdf(tmp_path / "draws.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "draws.nc", engine="h5netcdf") as opened:
        assert list_damages(checksums(tree()), checksums(opened.load())) == []
