"""predict takes a fit of one response or of several."""

import numpy as np
from joint_models import fit_of_both

import bayesmixed as bm


def test_one_response_has_the_kind_as_name_and_several_have_their_own():
    joint = fit_of_both()
    one, several = bm.predict(joint["y1"], kind="linear"), bm.predict(joint, kind="linear")
    assert (list(one), list(several)) == (["linear"], ["y1", "y2"])
    np.testing.assert_array_equal(one["linear"].values, several["y1"].values)
