"""What every family of the catalogue keeps: a new one is tested by being there."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from family_cases import (
    DRAWS,
    SIGMAS,
    TRIALS,
    atoms_of,
    density_between,
    draws_of,
    each_family,
    ends,
    has_latent_scale,
    inner_quantiles,
    probability_at,
    shifted,
    some_values,
    trials_of,
    whole_support,
)

from bayesmixed.errors import DataError, SpecError
from bayesmixed.families import FAMILIES, ResponseScale
from bayesmixed.families.links import LINKS
from bayesmixed.families.parameter_functions import function_of, range_of
from bayesmixed.preparation.checks import check_response
from bayesmixed.prior_texts import as_prior


@pytest.mark.parametrize("name", FAMILIES)
def test_the_key_is_the_name(name):
    assert FAMILIES[name].name == name


@each_family
def test_the_density_is_that_of_the_pymc_distribution(family):
    import pymc as pm
    import pytensor.tensor as pt

    for values in some_values(family):
        y = draws_of(family, values, 20)
        arrays = {name: np.full(20, value) for name, value in values.items()}
        observed = y.astype(np.int64) if family.discrete else y
        trials = np.full(20, int(trials_of(family)))
        if family.pytensor_logp is None:
            there = pm.logp(getattr(pm, family.distribution).dist(**family.arguments(arrays, trials)), observed)
        else:
            there = family.pytensor_logp(pt.as_tensor_variable(observed), arrays, trials)
        theirs = there.eval(mode="FAST_COMPILE")
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
            y = inner_quantiles(family, values)
            pieces = [density_between(family, values, low, high) for low, high in pairwise([ends(family)[0], *y])]
            cumulated = np.cumsum(pieces) + sum(probability_at(family, values, atom) for atom in atoms_of(family)[:1])
        np.testing.assert_allclose(family.cdf(y, values, trials), cumulated, atol=1e-7)


@each_family
def test_the_distribution_function_is_a_number_everywhere(family):
    """Also below and above the support, without a warning: checks ask how likely zeros are of any family."""
    trials = trials_of(family)
    for values in some_values(family):
        found = family.cdf(np.array([-1e9, -1.0, -5e-324, 0.0, 1.0, 1e9]), values, trials)
        assert np.all(np.diff(found) >= -1e-12)
        below = 1 if ends(family)[0] == -np.inf and not family.discrete else 3
        np.testing.assert_allclose(found[:below], 0.0, atol=1e-6)
        assert found[-1] == pytest.approx(1.0, abs=1e-6)


@each_family
def test_responses_can_be_drawn_where_a_probability_is_on_the_border(family):
    """Predictors of prior draws, or of new groups, can be so large that a logit has no digits left."""
    first = family.parameters[0]
    for mu in (0.0, 1e-300, 1.0 - 2.0**-53, 1.0) if first.upper == 1.0 else ():
        y = draws_of(family, some_values(family)[1] | {first.name: mu}, 50)
        assert np.all(family.accepts(y, trials_of(family)))


@each_family
def test_the_distribution_function_steps_by_the_probability_of_each_value(family):
    for values in some_values(family):
        y = np.unique(draws_of(family, values, 20))
        at = family.cdf(y, values, trials_of(family)) - family.cdf(np.nextafter(y, -np.inf), values, trials_of(family))
        masses = np.exp(family.logp(y, values, trials_of(family)))
        point = np.full(len(y), family.discrete) | np.isin(y, atoms_of(family))
        np.testing.assert_allclose(at, np.where(point, masses, 0.0), atol=1e-10)


@each_family
def test_draws_have_the_mean_and_the_variance_that_the_family_states(family):
    for values in some_values(family):
        y = draws_of(family, values, DRAWS)
        mean, variance = (float(f(values, trials_of(family))) for f in (family.mean, family.variance))
        assert abs(y.mean() - mean) < SIGMAS * np.sqrt(variance / DRAWS)
        fourth = np.mean((y - mean) ** 4)
        assert abs(np.mean((y - mean) ** 2) - variance) <= SIGMAS * np.sqrt((fourth - variance**2) / DRAWS)


@each_family
def test_moments_of_a_discrete_response_are_sums_over_its_support(family):
    for values in some_values(family) if family.discrete else []:
        y, trials = whole_support(family, values), trials_of(family)
        weights = np.exp(family.logp(y, values, trials))
        mean = float(weights @ y)
        assert float(family.mean(values, trials)) == pytest.approx(mean, rel=1e-7)
        assert float(family.variance(values, trials)) == pytest.approx(float(weights @ (y - mean) ** 2), rel=1e-6)


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
            assert abs(squares.mean() - stated) <= SIGMAS * squares.std() / np.sqrt(DRAWS) + 1e-12 * stated


@each_family
def test_a_continuous_density_integrates_to_one(family):
    for values in some_values(family):
        if family.discrete:
            y = whole_support(family, values)
            total = np.exp(family.logp(y, values, trials_of(family))).sum()
        else:
            low, high = ends(family)
            cuts = [low, *inner_quantiles(family, values), high]
            total = sum(density_between(family, values, a, b) for a, b in pairwise(cuts))
            total += sum(probability_at(family, values, atom) for atom in atoms_of(family))
        assert total == pytest.approx(1.0, abs=1e-6)


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
    for parameter in family.parameters:
        assert parameter.link in parameter.links
        for name in parameter.links:
            link = parameter.link_record(name)
            values = link.inverse(np.linspace(max(-5.0, link.lowest + 0.1), 3.0, 9))
            assert np.all((values > parameter.lower) & (values < parameter.upper)), (parameter.name, name)


@each_family
def test_under_links_that_are_said_to_make_it_concave_the_log_likelihood_bends_down(family):
    first = family.parameters[0]
    assert set(family.concave_links) <= set(first.links)
    for name in family.concave_links:
        own = family.under(name) if family.under else family
        values_of, eta = np.positive if first.latent else LINKS[name].inverse, np.linspace(-4.0, 1.5, 81)
        for values in some_values(own):
            for y in draws_of(own, values, 20):
                density = own.logp(y, {**values, first.name: values_of(eta)}, trials_of(family))
                assert np.max(np.diff(density, 2)) <= 1e-9


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
        if parameter.relative:
            continue
        if parameter.cut:
            unit = LINKS[family.parameters[0].link].unit
            assert parameter.prior(ResponseScale(2.0, 3.0)) == ("threshold", as_prior(f"Normal(0, {4 * unit:g})"))
            continue
        scale = ResponseScale(mean=0.6 if family.parameters[0].upper == 1.0 else 2.0, unit=3.0)
        key, prior = parameter.prior(scale)
        assert as_prior(prior.to_text()) == prior
        low, high = prior.support
        lower, upper = range_of(key, parameter)
        assert function_of(key, parameter.name) is not None
        assert low < upper
        assert high > lower
        location, spread = parameter.intercept(scale)
        assert np.isfinite(location)
        assert spread > 0


@each_family
def test_the_variance_in_words_is_the_variance(family):
    text = family.variance_text.replace("^", "**").replace("} (", "} * (")
    for values in some_values(family) if text else []:
        expected = family.variance(values, trials_of(family))
        assert eval(text.format(*(f"({float(value)!r})" for value in values.values()))) == pytest.approx(
            float(expected)
        )


@each_family
def test_the_residual_scale_is_one_of_the_parameters(family):
    assert family.scale in {"", *(parameter.name for parameter in family.parameters)}


@each_family
def test_responses_with_correlated_residuals_are_functions_of_their_place_and_scaled_noise(family):
    if family.from_working is None:
        return
    for values in some_values(family):
        there = values[family.parameters[0].name] + values[family.scale] * np.array([-1.0, 0.0, 1.0])
        y = family.from_working(there)
        np.testing.assert_allclose(family.working(y), there, rtol=1e-9, atol=1e-12)
        below, middle, above = (float(one) for one in family.cdf(y, values, 1.0))
        assert (middle, below + above) == pytest.approx((0.5, 1.0))


@each_family
def test_missing_values_are_drawn_where_no_value_has_a_probability_of_its_own_and_summed_where_they_are_two(family):
    values = np.arange(-1.0, 3.0)
    events = family.discrete and not family.has_trials and values[family.accepts(values, 1.0)].tolist() == [0.0, 1.0]
    assert not family.imputable or events or not (family.discrete or atoms_of(family))


@each_family
def test_the_latent_variance_is_positive_under_the_default_link(family):
    first = family.parameters[0]
    values = {name: np.full(3, value) for name, value in some_values(family)[1].items()}
    assert not has_latent_scale(family) or not family.name.startswith(("zero_", "hurdle_", "truncated_"))
    if not has_latent_scale(family):
        with pytest.raises(SpecError, match='scale="data"'):
            family.latent_variance(values, LINKS[first.link], 1.0)
        return
    variance = family.latent_variance(values, LINKS[first.link], 1.0)
    assert np.shape(variance) == (3,)
    assert np.all(variance > 0)


@each_family
def test_the_latent_variance_under_another_link_is_positive_or_refused(family):
    first = family.parameters[0]
    for name in set(first.links) - {first.link}:
        variance, refusal = np.array([]), f"link '{name}'"
        try:
            variance = family.latent_variance({**some_values(family)[1], first.name: 0.7}, LINKS[name], 1.0)
        except SpecError as error:
            refusal = str(error)
        assert f"link '{name}'" in refusal or not has_latent_scale(family)
        assert np.all(variance > 0)


@each_family
@pytest.mark.parametrize("value", [-1.0, 0.0, 0.5, 1.0, 13.0])
def test_responses_outside_the_support_are_refused_with_their_row_and_a_way_out(family, value):
    y, trials = draws_of(family, some_values(family)[1], 20), trials_of(family)
    y[[4, 9]] = value
    if family.accepts(y, trials).all():
        check_response(family, "y", y, trials, pd.RangeIndex(20))
        return
    with pytest.raises(DataError) as refused:
        check_response(family, "y", y, trials, pd.RangeIndex(20))
    assert f"needs {family.support} in 'y'; 2 of 20 rows are not (first: row 4, value {value:g}" in str(refused.value)
    assert family.hint
    assert str(refused.value).endswith(family.hint)


@pytest.mark.parametrize(
    ("name", "value", "way_out"),
    [
        ("gamma", 0.0, "hurdle_gamma"),
        ("lognormal", 0.0, "hurdle_gamma"),
        ("inverse_gaussian", 0.0, "hurdle_gamma"),
        ("gamma", -2.0, "gaussian"),
        ("beta", 0.0, "With zeros take family zero_inflated_beta"),
        ("beta", 1.0, "with ones the same for 1 - y"),
        ("zero_inflated_beta", 1.0, "with both zero_one_inflated_beta"),
        ("beta", 1.0, "(y * (n - 1) + 0.5) / n"),
        ("beta", 37.0, "Divide percentages by 100"),
        ("zero_one_inflated_beta", 37.0, "Divide percentages by 100"),
        ("hurdle_gamma", -1.0, "gaussian"),
        ("poisson", 2.5, "gamma"),
        ("negbin", 2.5, "lognormal"),
        ("zero_inflated_negbin", 0.5, "gamma"),
        ("hurdle_poisson", 0.5, "gamma"),
    ],
)
def test_the_family_that_suits_such_responses_is_named(name, value, way_out):
    with pytest.raises(DataError) as refused:
        check_response(FAMILIES[name], "y", np.array([value]), 1.0, pd.RangeIndex(1))
    assert way_out in str(refused.value)
