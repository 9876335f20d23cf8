"""Missing events are drawn from the density of their row; one that is certain is never drawn otherwise."""

import numpy as np
from fixed_draws import fit_at
from incomplete import incomplete_table, quietly

from bayesmixed.design.latent_columns import event_patterns
from bayesmixed.draws.event_draws import draw_events, event_logs


def fitted(slope):
    data = incomplete_table().assign(x=lambda d: np.where(d["x"].isna(), np.nan, np.arange(24) % 2))
    impute = {"x": {"formula": "~ 1", "family": "bernoulli"}}
    design = quietly("y ~ mi(x) + (1 | g)", data.assign(y=10.0 * (np.arange(24) % 4 > 1)), impute=impute)
    return fit_at(design, {"beta": [0.0, slope], "sigma": 1.0, "sd_g": 1.0, "beta_of_x": 0.0})


def test_certain_events_are_always_drawn():
    fit = fitted(10.0)
    drawn = draw_events(fit.design, fit.posterior, np.random.default_rng(1))["imputed_x"].values
    np.testing.assert_array_equal(drawn, np.broadcast_to([0.0, 0.0, 0.0], drawn.shape))
    y = np.asarray(fit.design.response)[[1, 5, 9]]
    np.testing.assert_array_equal(y, [0.0, 0.0, 0.0])


def test_events_that_change_nothing_have_their_own_probability():
    fit = fitted(0.0)
    (pattern,) = event_patterns(fit.design)
    logs = event_logs(fit.design, fit.posterior, pattern)
    np.testing.assert_allclose(logs[0], logs[1])
    drawn = draw_events(fit.design, fit.posterior, np.random.default_rng(1))["imputed_x"].values
    assert abs(drawn.mean() - 0.5) < 4 * np.sqrt(0.25 / drawn.size)


def test_without_events_nothing_changes():
    design = quietly("y ~ mi(x)", incomplete_table())
    posterior = fit_at(design, {"beta": [0.0, 1.0], "sigma": 1.0}).posterior
    assert draw_events(design, posterior, np.random.default_rng(1)) is posterior
