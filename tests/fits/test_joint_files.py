"""Files of fits of several responses hold all of them, and say what is damaged."""

import numpy as np
import pytest
import xarray as xr
from joint_models import fit_of_both, prepared, table

import bayesmixed as bm
from bayesmixed.fits.joint_fits import joint_fit


def test_a_file_gives_back_the_joint_fit(tmp_path):
    data = table()
    data.loc[[3], "y2"] = np.nan
    design = prepared(data, missing="drop", priors={"corr_g": "LKJ(3)"})
    joint = fit_of_both(design)
    again = bm.load_fit(bm.save_fit(joint, tmp_path / "both.nc"))
    xr.testing.assert_identical(again.posterior, joint.posterior)
    assert isinstance(again, bm.JointFit)
    assert again.design.spec == joint.design.spec
    assert again.design.priors == design.priors
    for name, fit in again.fits.items():
        assert fit.design.priors == design[name].priors
        assert fit.beside == joint[name].beside
        assert fit.design.dropped == design[name].dropped
        assert str(bm.tidy(fit)) == str(bm.tidy(joint[name]))


def test_correlations_that_are_not_those_of_the_model_are_refused(tmp_path):
    joint = fit_of_both()
    other = joint.shared.assign_coords(g_tied=["a", "b", "c"])
    path = bm.save_fit(joint_fit(joint.design, joint.fits, other), tmp_path / "both.nc")
    with pytest.raises(bm.DataError, match="other labels of 'g_tied'"):
        bm.load_fit(path)
    path = bm.save_fit(joint_fit(joint.design, joint.fits, joint.shared.drop_vars("corr_g")), tmp_path / "both.nc")
    with pytest.raises(bm.DataError, match="the posterior lacks 'corr_g'"):
        bm.load_fit(path)


def test_a_file_without_a_response_is_refused(tmp_path):
    from bayesmixed.fits.joint_files import split_tree

    path = bm.save_fit(fit_of_both(), tmp_path / "both.nc")
    tree = xr.open_datatree(path, engine="h5netcdf")
    with pytest.raises(bm.DataError, match="lacks the fit of response 3 of 3"):
        split_tree(tree, 3)


def test_the_kind_of_a_fit_can_be_asked_for(tmp_path):
    path = bm.save_fit(fit_of_both(), tmp_path / "both.nc")
    assert isinstance(bm.load_fit(path, bm.JointFit), bm.JointFit)
    assert isinstance(bm.load_fit("herd_period", bm.Fit), bm.Fit)
    with pytest.raises(bm.DataError, match="it holds a fit of several responses, and kind asks for another"):
        bm.load_fit(path, bm.Fit)
    with pytest.raises(bm.DataError, match="it holds a fit of one response"):
        bm.load_fit("herd_period", bm.JointFit)
    for wrong in (int, "Fit", bm.ModelSpec):
        with pytest.raises(bm.SpecError, match="kind"):
            bm.load_fit(path, wrong)
