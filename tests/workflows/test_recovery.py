"""Fits to data simulated from every shipped spec find the truth."""

import warnings

import numpy as np
import pytest
from scipy import stats

import bayesmixed as bm
from bayesmixed.design.default_priors import group_unit
from bayesmixed.draws.tree import top_level_names
from bayesmixed.summaries.variance.group_spread import NEGLIGIBLE

LARGE = ("arabidopsis_negbin1", "contamination", "contamination_double", "lai", "lai_shape")
"""Half a minute to two and a half each, so by hand: `pytest -m calibration tests/test_recovery.py`."""
SHIPPED = [pytest.param(n, marks=pytest.mark.calibration if n in LARGE else ()) for n in bm.list_specs()]


def truth_and_draws(fit, truth):
    """Yield name, true value and draws of every estimated number."""
    for name in top_level_names(fit.design):
        values = fit.posterior[name].transpose("chain", "draw", ...).values
        flat, target = values.reshape(-1, *values.shape[2:]), truth[name].values
        for position in np.ndindex(target.shape):
            draws = flat[(slice(None), *position)]
            if np.ptp(draws) > 1e-9 and (len(position) < 2 or position[0] < position[1]):
                yield f"{name}{list(position)}", float(target[position]), draws


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_the_truth_is_recovered_without_divergences(name):
    made = bm.simulate(name, seed=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        fit = bm.fit(name, made.data, missing="drop", seed=4, chains=2, progress=False)
    assert bm.diagnose(fit).divergences == 0
    covered, count = 0, 0
    for label, value, draws in truth_and_draws(fit, made.truth):
        if value == 0 and label.startswith("sd_"):
            unit = group_unit(fit.design, fit.design.mu)
            assert np.quantile(draws, 0.025) < NEGLIGIBLE * unit, label
            continue
        reach = 0.5 * draws.std()
        assert draws.min() - reach < value < draws.max() + reach, label
        low, high = np.quantile(draws, [0.05, 0.95])
        covered, count = covered + (low < value < high), count + 1
    assert covered >= stats.binom.ppf(0.0005, count, 0.9)
