"""Draws from the posterior given some of the rows."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.cross_validation.held_out import sample_without
from bayesmixed.cross_validation.units import find_units


@pytest.mark.slow
def test_sampling_without_some_groups_keeps_coding_levels_and_priors(fitted):
    fit = fitted("herd_period")
    units = find_units(fit.design, "herd")
    posterior = sample_without(bm.refit(fit, chains=2, draws=300), np.isin(units.index, [0, 3]))
    assert list(posterior["herd"].values) == list(units.labels)
    assert list(posterior["beta_effect"].values) == list(fit.posterior["beta_effect"].values)
    spread = posterior["b_herd"].std(("chain", "draw")).values[:, 0] / float(posterior["sd_herd"].mean())
    assert spread[[0, 3]].min() > spread[[1, 2, 4]].max()
