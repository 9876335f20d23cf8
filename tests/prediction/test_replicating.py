"""posterior_predictive takes a fit of one response or of several."""

from joint_models import fit_of_both

import bayesmixed as bm


def test_variables_are_named_after_responses():
    joint = fit_of_both()
    assert list(bm.posterior_predictive(joint["y1"], draws=4)) == ["y1"]
    assert list(bm.posterior_predictive(joint, draws=4)) == ["y1", "y2"]
