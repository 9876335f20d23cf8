"""Files of draws that anybody may have made: nothing strange is read."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import bayesmixed as bm
from bayesmixed.fits.tree_files import first_line, read_tree


def shipped_copy(folder):
    """Return the path of a copy of the shipped fit that may be changed."""
    return Path(shutil.copy(Path(bm.__file__).parent / "data" / "herd_period.nc", folder / "fit.nc"))


def test_a_file_that_declares_more_data_than_it_can_hold_is_refused(tmp_path):
    path = shipped_copy(tmp_path)
    with h5py.File(path, "a") as file:
        file["posterior"].create_dataset("huge", shape=(10**6, 10**6), dtype="f8", chunks=(10, 10))
    with pytest.raises(bm.DataError, match="declares 7451 GiB"):
        bm.load_fit(path)


def _link_elsewhere(file):
    del file["posterior"]
    file["posterior"] = h5py.ExternalLink("other.nc", "/posterior")


STRANGE = {
    "another file": _link_elsewhere,
    "data of another file": lambda file: file.create_dataset("x", (4,), "u1", external=[("/etc/hostname", 0, 4)]),
    "itself": lambda file: file["posterior"].__setitem__("again", h5py.SoftLink("/posterior")),
    "nothing": lambda file: file.__setitem__("lost", h5py.SoftLink("/nowhere")),
    "groups in groups": lambda file: file["posterior"].create_group("a/b/c/d"),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_nothing_is_read_that_lies_outside_of_a_file_or_deep_in_it(tmp_path, kind):
    path = shipped_copy(tmp_path)
    with h5py.File(path, "a") as file:
        STRANGE[kind](file)
    for verify in (True, False):
        with pytest.raises(bm.DataError, match=r"refers to (something else|another file)|lies in a group"):
            bm.load_fit(path, verify=verify)


def test_groups_and_attributes_are_read_as_they_were_written(tmp_path):
    tree = xr.DataTree.from_dict(
        {"/": xr.Dataset(attrs={"a": 1.5}), "posterior": xr.Dataset({"x": ("draw", [1.0, 2.0])})}
    )
    tree.to_netcdf(tmp_path / "own.nc", engine="h5netcdf")
    found = read_tree(tmp_path / "own.nc")
    assert found.attrs["a"] == 1.5
    np.testing.assert_array_equal(found["posterior"]["x"], [1.0, 2.0])


def test_a_text_is_no_file_of_draws(tmp_path):
    (tmp_path / "text.nc").write_text("draws")
    with pytest.raises(bm.DataError, match="damaged or not a netCDF file"):
        read_tree(tmp_path / "text.nc")


@pytest.mark.parametrize(("error", "text"), [(ValueError("one.\ntwo"), "one"), (KeyError(), "KeyError")])
def test_an_error_is_told_by_its_first_line(error, text):
    assert first_line(error) == text
