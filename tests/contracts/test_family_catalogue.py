"""What every family of the catalogue keeps: a new one is tested by being there."""

import numpy as np
import pytest

from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES, Family, ResponseScale
from bayesmixed.links import LINKS
from bayesmixed.priors import as_prior

TRIALS = 12.0
DRAWS = 200_000
SIGMAS = 5.0

each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))


def some_values(family: Family) -> list[dict[str, float]]:
    """Return three settings of the parameters, inside their ranges and away from infinite moments."""
    return [{p.name: _inside(p.lower, p.upper)[k] for p in family.parameters} for k in range(3)]


def _inside(lower: float, upper: float) -> tuple[float, float, float]:
    if np.isfinite(upper):
        return tuple(lower + share * (upper - lower) for share in (0.15, 0.5, 0.8))
    if lower == -np.inf:
        return -1.3, 0.4, 2.0
    return (0.6, 2.5, 7.0) if lower == 0 else (lower + 8.0, lower + 12.0, lower + 20.0)


def trials_of(family: Family) -> float:
    return TRIALS if family.has_trials else 1.0


def draws_of(family: Family, values: dict[str, float], size: int) -> np.ndarray:
    return family.random(np.random.default_rng(20261), values, trials_of(family), (size,))


def shifted(family: Family, values: dict[str, float], step: float) -> dict[str, float]:
    first = family.parameters[0].name
    return {**values, first: values[first] + step}


def whole_support(family: Family, values: dict[str, float]) -> np.ndarray:
    most = trials_of(family) if family.has_trials else 60.0 + 20.0 * float(family.mean(values, 1.0))
    points = np.arange(most + 1)
    return points[family.accepts(points, trials_of(family))]


@each_family
def test_the_key_is_the_name(family):
    assert FAMILIES[family.name] is family


@each_family
def test_the_density_is_that_of_the_pymc_distribution(family):
    import pymc as pm

    for values in some_values(family):
        y = draws_of(family, values, 20)
        arrays = {name: np.full(20, value) for name, value in values.items()}
        there = getattr(pm, family.distribution).dist(**family.arguments(arrays, np.full(20, int(trials_of(family)))))
        observed = y.astype(np.int64) if family.discrete else y
        theirs = pm.logp(there, observed).eval(mode="FAST_COMPILE")
        np.testing.assert_allclose(family.logp(y, values, trials_of(family)), theirs, rtol=1e-9, atol=1e-9)


@each_family
def test_the_distribution_function_is_the_cumulated_density(family):
    for values in some_values(family):
        trials = trials_of(family)
        if family.discrete:
            y = whole_support(family, values)
            cumulated = np.cumsum(np.exp(family.logp(y, values, trials)))
            assert family.cdf(y[0] - 1.0, values, trials) == pytest.approx(0.0, abs=1e-12)
        else:
            y = np.linspace(*np.quantile(draws_of(family, values, 1000), [0.001, 0.999]), 200_001)
            density = np.exp(family.logp(y, values, trials))
            steps = 0.5 * (density[1:] + density[:-1]) * np.diff(y)
            cumulated = family.cdf(y[0], values, trials) + np.concatenate([[0.0], np.cumsum(steps)])
        np.testing.assert_allclose(family.cdf(y, values, trials), cumulated, atol=1e-8)


@each_family
def test_draws_have_the_mean_and_the_variance_that_the_family_states(family):
    for values in some_values(family):
        y = draws_of(family, values, DRAWS)
        mean, variance = (float(f(values, trials_of(family))) for f in (family.mean, family.variance))
        assert abs(y.mean() - mean) < SIGMAS * np.sqrt(variance / DRAWS)
        fourth = np.mean((y - mean) ** 4)
        assert abs(np.mean((y - mean) ** 2) - variance) <= SIGMAS * np.sqrt((fourth - variance**2) / DRAWS)


@each_family
def test_the_score_is_the_slope_of_the_log_density(family):
    for values in some_values(family):
        y, step = draws_of(family, values, 50), 1e-5
        ends = [family.logp(y, shifted(family, values, sign * step), trials_of(family)) for sign in (1, -1)]
        slope = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(family.score(y, values, trials_of(family)), slope, rtol=1e-5, atol=1e-6)


@each_family
def test_the_information_is_the_expected_squared_score(family):
    for values in some_values(family):
        stated = float(family.information(values, trials_of(family)))
        if family.discrete:
            y = whole_support(family, values)
            weights = np.exp(family.logp(y, values, trials_of(family)))
            assert weights.sum() == pytest.approx(1.0, abs=1e-10)
            squares = np.square(family.score(y, values, trials_of(family)))
            assert stated == pytest.approx(float(weights @ squares), rel=1e-7)
        else:
            squares = np.square(family.score(draws_of(family, values, DRAWS), values, trials_of(family)))
            assert abs(squares.mean() - stated) < SIGMAS * squares.std() / np.sqrt(DRAWS)


@each_family
def test_a_continuous_density_integrates_to_one(family):
    from scipy import integrate

    for values in some_values(family):
        if family.discrete:
            y = whole_support(family, values)
            total = np.exp(family.logp(y, values, trials_of(family))).sum()
        else:
            y = draws_of(family, values, 1000)
            middle, width = np.median(y), np.ptp(y)
            grid = np.linspace(middle - 200 * width, middle + 200 * width, 2_000_001)
            density = np.zeros_like(grid)
            inside = family.accepts(grid, trials_of(family))
            density[inside] = np.exp(family.logp(grid[inside], values, trials_of(family)))
            total = integrate.trapezoid(density, grid)
        assert total == pytest.approx(1.0, abs=1e-4)


@each_family
def test_its_own_draws_are_accepted(family):
    for values in some_values(family):
        assert np.all(family.accepts(draws_of(family, values, 500), trials_of(family)))


@each_family
def test_values_outside_the_support_are_refused(family):
    refused = [np.nan, np.inf, -np.inf]
    refused += [0.5, -1.0] if family.discrete else []
    refused += [TRIALS + 1.0] if family.has_trials else []
    for value in refused:
        assert not family.accepts(np.array([value]), trials_of(family))[0], value


@each_family
def test_draws_have_the_shape_that_was_asked_for(family):
    values = {name: np.full((1, 4), value) for name, value in some_values(family)[1].items()}
    y = family.random(np.random.default_rng(1), values, trials_of(family), (3, 4))
    assert y.shape == (3, 4)
    assert y.dtype == np.float64


@each_family
def test_the_functions_broadcast_over_draws_and_rows(family):
    values = {name: np.full((5, 1), value) for name, value in some_values(family)[1].items()}
    y = draws_of(family, some_values(family)[1], 4)
    assert np.shape(family.logp(y, values, trials_of(family))) == (5, 4)
    assert np.shape(family.score(y, values, trials_of(family))) == (5, 4)


@each_family
def test_every_link_of_a_parameter_exists_and_stays_inside_its_range(family):
    eta = np.linspace(-5.0, 3.0, 9)
    for parameter in family.parameters:
        assert parameter.link in parameter.links
        for name in parameter.links:
            values = LINKS[name].inverse(eta)
            assert np.all((values > parameter.lower) & (values < parameter.upper)), (parameter.name, name)


@each_family
def test_a_log_concave_family_bends_down_in_its_predictor(family):
    first = family.parameters[0]
    link, eta = LINKS[first.link], np.linspace(-4.0, 4.0, 81)
    values = some_values(family)[1]
    bends = []
    for y in draws_of(family, values, 20):
        density = family.logp(y, {**values, first.name: link.inverse(eta)}, trials_of(family))
        bends.append(np.max(np.diff(density, 2)))
    assert family.log_concave == bool(np.max(bends) <= 1e-9)


@each_family
def test_the_smoothed_mean_lies_inside_the_range_even_for_extreme_responses(family):
    first, trials = family.parameters[0], trials_of(family)
    y = draws_of(family, some_values(family)[1], 30)
    extremes = [np.full(5, y.min()), np.full(5, y.max())]
    extremes += [np.zeros(5), np.full(5, trials)] if family.has_trials else []
    for response in extremes:
        assert first.lower < family.smoothed_mean(response, trials, 1.0) < first.upper


@each_family
def test_a_parameter_without_predictor_has_a_proper_prior_inside_its_range(family):
    for parameter in family.parameters[1:]:
        prior = parameter.prior(ResponseScale(mean=2.0, unit=3.0))
        assert as_prior(prior.to_text()) == prior
        low, high = prior.support
        assert low < parameter.upper
        assert high > parameter.lower
        location, spread = parameter.intercept(ResponseScale(mean=2.0, unit=3.0))
        assert np.isfinite(location)
        assert spread > 0


@each_family
def test_the_residual_scale_is_one_of_the_parameters(family):
    assert family.scale in {"", *(parameter.name for parameter in family.parameters)}


@each_family
def test_the_latent_variance_is_positive_under_the_default_link(family):
    first = family.parameters[0]
    values = {name: np.full(3, value) for name, value in some_values(family)[1].items()}
    variance = family.latent_variance(values, LINKS[first.link])
    assert np.shape(variance) == (3,)
    assert np.all(variance > 0)


@each_family
def test_the_latent_variance_under_another_link_is_positive_or_refused(family):
    first = family.parameters[0]
    for name in set(first.links) - {first.link}:
        variance, refusal = np.array([]), f"link '{name}'"
        try:
            variance = family.latent_variance({**some_values(family)[1], first.name: 0.7}, LINKS[name])
        except SpecError as error:
            refusal = str(error)
        assert f"link '{name}'" in refusal
        assert np.all(variance > 0)
