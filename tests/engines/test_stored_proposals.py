"""Proposals as arrays: the same ones come back, through a file too, and others are refused."""

from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

import bayesmixed as bm
from bayesmixed.engines.independence import Chain, End
from bayesmixed.engines.proposals import Scales, fit_proposal
from bayesmixed.engines.stored_proposals import as_dataset, read_ends


@dataclass
class Target:
    scales: Scales = Scales(np.array([1.0, 0.0, -0.5]), np.ones(3))  # noqa: RUF009
    kept: int = 2


def some_ends(chains=3, kept=2):
    ends = []
    for chain in range(chains):
        stream = np.random.default_rng(chain)
        points = stream.normal(size=(300, 3)) * [0.3, 1.0, 2.0]
        state = Chain(points[:1], np.full((1, kept), 0.5), np.array([-3.0]), np.array([0.2]), np.ones(1))
        ends.append(End(fit_proposal(Target().scales, points, np.zeros(300), stream), state))
    return ends


@pytest.mark.parametrize("kept", [2, 0])
def test_proposals_and_states_are_the_same_after_a_file(tmp_path, kept):
    ends = some_ends(kept=kept)
    as_dataset(ends).to_netcdf(tmp_path / "ends.nc", engine="h5netcdf")
    stored = xr.load_dataset(tmp_path / "ends.nc", engine="h5netcdf")
    for one, other in zip(ends, read_ends(stored, Target(kept=kept), 3), strict=True):
        points = one.proposal.draw(200, np.random.default_rng(5))
        np.testing.assert_array_equal(points, other.proposal.draw(200, np.random.default_rng(5)))
        np.testing.assert_allclose(one.proposal.log_density(points), other.proposal.log_density(points), rtol=1e-12)
        for a, b in zip(one.state, other.state, strict=True):
            np.testing.assert_array_equal(a, b)


def changed(name, value):
    stored = as_dataset(some_ends())
    return stored.assign({name: stored[name].copy(data=np.full_like(stored[name].values, value))})


@pytest.mark.parametrize(
    "stored",
    [
        changed("share", 1.0),
        changed("root", 1.0),
        changed("point", np.nan),
        changed("kind", 7),
        changed("length", 5),
        as_dataset(some_ends(chains=2)),
        as_dataset(some_ends(kept=1)),
        as_dataset(some_ends()).drop_vars("table"),
        as_dataset(some_ends()).transpose("coordinate", ...),
    ],
    ids=lambda stored: "",
)
def test_arrays_that_are_no_proposals_of_a_model_are_refused(stored):
    with pytest.raises(bm.DataError, match="do not belong to its model"):
        read_ends(stored, Target(), 3)
