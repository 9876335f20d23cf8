"""Where chains start, decoded to the numbers of the quick mode."""

import numpy as np
import pytest
from conftest import classic

import bayesmixed as bm
from bayesmixed.estimation.complete_pooling import fit_pooled
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode
from bayesmixed.estimation.starting_points import starting_centre
from bayesmixed.kernels.joint.decoding import decode
from bayesmixed.kernels.joint.layouts import lay_out_coordinates

DESIGN = bm.prepare("Reaction ~ Days + (1 | Subject)", classic("lme4", "sleepstudy"))


@pytest.mark.parametrize("centred", [False, True])
def test_chains_start_at_the_quick_mode_in_any_coordinates(centred):
    mode = quasi_likelihood_mode(DESIGN)
    levels = {"b_Subject": np.full(18, centred)}
    layout = lay_out_coordinates(DESIGN, levels)
    centre, spread = starting_centre(layout, mode)
    found = {name: values[0] for name, (_, values) in decode(layout, centre[None]).items()}
    np.testing.assert_allclose(found["beta"], DESIGN.mu.transform @ mode.beta, rtol=1e-8)
    np.testing.assert_allclose(found["sd_Subject"], mode.sds["Subject"], rtol=1e-8)
    np.testing.assert_allclose(found["b_Subject"][:, 0], mode.effects["Subject"][:, 0], rtol=1e-6, atol=1e-8)
    assert found["sigma"] == pytest.approx(float(mode.values["sigma"]))
    assert np.all(spread > 0.0)


def test_without_a_quick_mode_chains_start_at_complete_pooling():
    layout = lay_out_coordinates(DESIGN, {})
    centre, _ = starting_centre(layout, None)
    found = {name: values[0] for name, (_, values) in decode(layout, centre[None]).items()}
    pooled = fit_pooled(DESIGN)
    np.testing.assert_allclose(found["beta"], pooled.beta, rtol=1e-8)
    assert found["sigma"] == pytest.approx(float(pooled.values["sigma"]))
    np.testing.assert_array_equal(found["b_Subject"], 0.0)
