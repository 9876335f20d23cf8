"""Intervals cover the truth as often as they say: every shipped spec over 20 simulated data sets."""

import warnings

import numpy as np
import pytest
from scipy import stats
from workflows.test_recovery import truth_and_draws

import bayesmixed as bm

SEEDS = 20


@pytest.mark.calibration
@pytest.mark.parametrize("name", bm.list_specs())
def test_ninety_percent_intervals_cover_ninety_percent(name):
    covered, count, divergent = 0, 0, 0
    for seed in range(100, 100 + SEEDS):
        made = bm.simulate(name, seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", bm.StatisticsWarning)
            fit = bm.fit(name, made.data, missing="drop", seed=seed, draws=400, tune=500, progress=False)
        divergent += bm.diagnose(fit).divergences
        for label, value, draws in truth_and_draws(fit, made.truth):
            if value == 0 and label.startswith("sd_"):
                continue
            low, high = np.quantile(draws, [0.05, 0.95])
            covered, count = covered + (low < value < high), count + 1
    low, high = stats.binom.ppf([0.0005, 0.9995], count, 0.9)
    print(f"{name}: {covered} of {count} intervals cover ({covered / count:.3f}), {divergent} divergences")
    assert low <= covered <= high
    assert divergent <= 1e-3 * SEEDS * 1600
