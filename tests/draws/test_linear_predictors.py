"""Linear predictors of rows in every draw, against products of matrices written by hand."""

import numpy as np
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.draws.linear_predictors import (
    covariances_at_centre,
    linear_prediction,
    population_part,
    population_predictor,
    predictor_given_effects,
    thin,
)

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
X = np.array([0.0, 1.0, 2.0, 5.0] * 6)
GROUP = np.repeat(np.arange(6), 4)
EFFECTS = np.column_stack([np.linspace(-1, 1, 6), np.linspace(0.5, -0.5, 6)])
CORR = np.array([[1.0, 0.4], [0.4, 1.0]])


@pytest.fixture(scope="module")
def fit():
    data = {"y": np.arange(24.0) % 7, "x": X, "o": np.cos(np.arange(24.0)), "g": np.array(list("abcdef"))[GROUP]}
    design = bm.prepare("y ~ x + offset(o) + (x | g)", data)
    values = {"beta": [2.0, 0.5], "sd_g": [1.5, 0.3], "corr_g": CORR, "b_g": EFFECTS, "sigma": 1.0}
    return fit_at(design, values)


def population():
    return 2.0 + 0.5 * X + np.cos(np.arange(24.0))


def test_the_population_part_holds_the_offset_and_no_effects(fit):
    found = population_predictor(fit.design.mu, fit.posterior)
    np.testing.assert_allclose(found, np.broadcast_to(population(), found.shape))


def test_effects_of_groups_are_added_row_by_row_unless_left_out(fit):
    mu = fit.design.mu
    own = EFFECTS[GROUP, 0] + EFFECTS[GROUP, 1] * X
    np.testing.assert_allclose(predictor_given_effects(mu, fit.posterior)[0, 0], population() + own)
    np.testing.assert_allclose(predictor_given_effects(mu, fit.posterior, mu.groups[0])[0, 0], population())


def test_covariances_at_the_centre_are_those_of_the_lines_at_the_mean_of_x(fit):
    sd = np.array([1.5, 0.3])
    written = CORR * np.outer(sd, sd)
    move = np.array([[1.0, X.mean()], [0.0, 1.0]])
    found = covariances_at_centre(fit.design.mu, fit.design.mu.groups[0], fit.posterior)
    np.testing.assert_allclose(found[1, 3], move @ written @ move.T)


@pytest.mark.parametrize("mode", ["existing", "any", "average", "typical", "new"])
def test_what_is_said_of_a_group_decides_what_is_added(fit, mode):
    generator = np.random.default_rng(1)
    found = linear_prediction(fit.design, fit.design.mu, fit.posterior, {"g": mode}, generator)
    rest = found.mean - population()
    own = EFFECTS[GROUP, 0] + EFFECTS[GROUP, 1] * X
    if mode in ("existing", "any"):
        np.testing.assert_allclose(rest, np.broadcast_to(own, rest.shape))
    elif mode == "new":
        # Over 600 groups, of 100 draws: the variance at x = 0 has a standard error of 6 %.
        assert np.var(rest[..., X == 0.0]) == pytest.approx(1.5**2, rel=0.25)
    else:
        np.testing.assert_allclose(rest, 0.0, atol=1e-12)
    variance = 1.5**2 + 2 * 0.4 * 1.5 * 0.3 * X + 0.3**2 * X**2
    if mode == "average":
        np.testing.assert_allclose(found.variance[0, 0], variance)
    else:
        assert found.variance is None


@pytest.mark.parametrize(("asked", "kept"), [(None, 100), (10, 10), (7, 8), (1000, 100), (1, 2)])
def test_thinned_draws_are_spread_over_all_chains(fit, asked, kept):
    posterior = fit.posterior.assign_coords(draw=np.arange(50))
    few = thin(posterior, asked)
    assert few["draw"].values[0] == 0
    assert few["draw"].values[-1] == (49 if kept > 2 else 0)
    assert few.sizes["chain"] * few.sizes["draw"] == kept
    with pytest.raises(bm.SpecError, match="at least 1"):
        thin(fit.posterior, 0)


def test_group_columns_without_a_population_effect_have_zero():
    data = {"y": np.arange(24.0) % 7, "x": X, "g": np.array(list("abcdef"))[GROUP]}
    fit = fit_at(bm.prepare("y ~ 1 + (x | g)", data), {"beta": 2.0, "sd_g": 1.0, "corr_g": CORR, "sigma": 1.0})
    found = population_part(fit.posterior, fit.design.mu, fit.design.mu.groups[0])
    np.testing.assert_array_equal(found[0, 0], [2.0, 0.0])


def structured_fit(times, effects, ar1=0.7, sd=1.3):
    count = len(times)
    data = {"y": np.arange(4.0 * count), "t": np.tile(times, 4), "g": np.repeat(list("abcd"), count)}
    design = bm.prepare("y ~ 1 + ar1(0 + t | g)", data)
    corr = ar1 ** np.abs(np.subtract.outer(times, times))
    values = {"beta": [2.0], "sd_g": np.full(count, sd), "corr_g": corr, "ar1_g": ar1, "b_g": effects, "sigma": 1.0}
    return fit_at(design, values)


def test_effects_at_later_times_are_normal_given_those_of_the_same_level():
    times, new = np.array([0.0, 1.0, 2.0, 4.0]), np.array([2.0, 3.0, 6.0])
    effects = np.random.default_rng(5).normal(size=(4, 4))
    fit = structured_fit(times, effects)
    draws = bm.predict(fit, {"t": new, "g": ["b"] * 3}, groups="existing", kind="linear", seed=3)["linear"]
    both = np.concatenate([times, new[1:]])
    sigma = 1.3**2 * 0.7 ** np.abs(np.subtract.outer(both, both))
    inner, cross, outer = sigma[:4, :4], sigma[4:, :4], sigma[4:, 4:]
    mean = 2.0 + cross @ np.linalg.solve(inner, effects[1])
    left = outer - cross @ np.linalg.solve(inner, cross.T)
    values = draws.values.reshape(-1, 3)
    np.testing.assert_allclose(values[:, 0], 2.0 + effects[1, 2])
    root = np.linalg.cholesky(left)
    whitened = np.linalg.solve(root, (values[:, 1:] - mean).T)
    assert np.all(np.abs(whitened.mean(axis=1)) < 4 / np.sqrt(values.shape[0]))
    np.testing.assert_allclose(np.cov(whitened), np.eye(2), atol=0.6)


def test_effects_at_new_places_are_normal_given_those_of_the_fit_in_batches_of_draws(monkeypatch):
    places = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    new, effects = np.array([[0.0, 2.0], [0.5, 0.5], [3.0, 1.0]]), np.array([[0.5, -1.0, 2.0]])
    data = {"y": np.arange(6.0), "u": np.tile(places[:, 0], 2), "v": np.tile(places[:, 1], 2), "g": ["a"] * 6}
    design = bm.prepare("y ~ 1 + gau(0 + u + v | g)", data)

    def covariance(points):
        return 1.3**2 * np.exp(-np.sum((points[:, None] - points) ** 2, axis=-1) / 1.5**2)

    inside = [0, 2, 1]  # places of the fit are sorted
    values = {"beta": [2.0], "sd_g": np.full(3, 1.3), "corr_g": covariance(places[inside]) / 1.3**2, "range_g": 1.5}
    fit = fit_at(design, values | {"b_g": effects[:, inside], "sigma": 1.0}, draws=1500)
    rows = {"u": new[:, 0], "v": new[:, 1], "g": ["a"] * 3}
    monkeypatch.setattr("bayesmixed.draws.linear_predictors._NUMBERS", 2 * 5**2 * 400)
    drawn = bm.predict(fit, rows, kind="linear", seed=3)["linear"].values.reshape(-1, 3)
    sigma = covariance(np.vstack([places, new[1:]]))
    weights = np.linalg.solve(sigma[:3, :3], sigma[:3, 3:])
    np.testing.assert_allclose(drawn[:, 0], 4.0)
    left = sigma[3:, 3:] - weights.T @ sigma[:3, 3:]
    whitened = np.linalg.solve(np.linalg.cholesky(left), (drawn[:, 1:] - 2.0 - effects[0] @ weights).T)
    assert np.all(np.abs(whitened.mean(axis=1)) < 4 / np.sqrt(drawn.shape[0]))
    np.testing.assert_allclose(np.cov(whitened), np.eye(2), atol=0.08)


def test_draws_at_later_times_have_the_covariance_of_the_conditional_normal_distribution():
    times = np.array([0.0, 1.0, 3.0])
    fit = structured_fit(times, np.zeros((4, 3)))
    many = fit.posterior.isel(draw=np.zeros(20000, dtype=int), chain=[0])
    rows = bm.preparation.preparing.replay(fit.design.spec, _frame([2.0, 5.0]), fit.design)
    modes = {"g": "existing"}
    spread = linear_prediction(rows, rows.mu, many, modes, np.random.default_rng(1))
    both = np.array([*times, 2.0, 5.0])
    sigma = 1.3**2 * 0.7 ** np.abs(np.subtract.outer(both, both))
    left = sigma[3:, 3:] - sigma[3:, :3] @ np.linalg.solve(sigma[:3, :3], sigma[:3, 3:])
    np.testing.assert_allclose(np.cov(spread.mean[0].T), left, atol=0.06)


def _frame(times):
    import pandas as pd

    return pd.DataFrame({"t": times, "g": ["a"] * len(times)})


def test_new_levels_have_the_covariance_of_all_their_times_and_averages_its_variance():
    fit = structured_fit(np.array([0.0, 1.0, 3.0]), np.zeros((4, 3)))
    rows = bm.preparation.preparing.replay(fit.design.spec, _frame([1.0, 7.0, 7.5]), fit.design)
    covariance = covariances_at_centre(rows.mu, rows.mu.groups[0], fit.posterior)[0, 0]
    both = np.array([0.0, 1.0, 3.0, 7.0, 7.5])
    np.testing.assert_allclose(covariance, 1.3**2 * 0.7 ** np.abs(np.subtract.outer(both, both)))
    spread = linear_prediction(rows, rows.mu, fit.posterior, {"g": "average"}, np.random.default_rng(1))
    np.testing.assert_allclose(spread.variance, 1.3**2)
