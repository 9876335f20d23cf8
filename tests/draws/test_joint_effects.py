"""Effects of new levels in several responses."""

import numpy as np
from joint_models import COVARIANCE, fit_of_both

import bayesmixed as bm
from bayesmixed.draws.joint_effects import draw_together


def test_only_new_levels_are_drawn_and_all_responses_get_the_same_levels():
    joint = fit_of_both(jitter=1e-9)
    rows = {
        name: bm.prepare(part.spec, {"x": [0.0, 1.0], "z": [0.0, 1.0], "g": ["b", "a"]}, like=part)
        for name, part in joint.design.parts.items()
    }
    posteriors = {name: fit.posterior for name, fit in joint.fits.items()}
    generator = np.random.default_rng(1)
    assert draw_together(joint.design, rows, posteriors, joint.shared, {"g": "existing"}, generator) == {
        "y1": {},
        "y2": {},
    }
    found = draw_together(joint.design, rows, posteriors, joint.shared, {"g": "new"}, generator)
    first, second = found["y1"]["mu", "g"], found["y2"]["mu", "g"]
    assert (first.shape, second.shape) == ((2, 50, 10, 2), (2, 50, 10, 1))
    assert not np.any(first[:, :, :8])  # levels of the fit, which no row has
    group = joint.design["y1"].mu.groups[0]
    written = np.concatenate([first @ group.transform.T, second], axis=-1)[:, :, 8:]
    np.testing.assert_allclose(np.cov(written.reshape(-1, 3).T), COVARIANCE, atol=0.25)
