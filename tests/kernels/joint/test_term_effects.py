"""Effects of a term in compiled code: coefficients from coordinates, their density, and derivatives the way back."""

import numpy as np
import pytest
from coordinate_models import MODELS, laid_out
from scipy import stats
from uncompiled import as_records, uncompiled

from bayesmixed.kernels.joint import term_effects
from bayesmixed.kernels.joint.decoding import correlation_factor, decode
from bayesmixed.kernels.joint.packed_designs import pack

NAMES = (
    "fill_coefficients",
    "coefficients_back",
    "scale_factor",
    "scale_factor_back",
    "add_row_effects",
    "row_effects_back",
)
fill_coefficients, coefficients_back, scale_factor, scale_factor_back, add_row_effects, row_effects_back = (
    uncompiled(getattr(term_effects, name)) for name in NAMES
)


def problem(centred=False, model=0):
    layout = laid_out(*MODELS[model], {"b_g": np.arange(6) % 2 == 0} if centred else None)
    x = np.random.default_rng(1).normal(0, 0.4, layout.dimension)
    return layout, as_records(pack(layout).data), x


def gradient_by_differences(function, x):
    return np.array([(function(x + step) - function(x - step)) / 2e-5 for step in 1e-5 * np.eye(len(x))])


def test_sds_and_correlations_are_those_that_are_decoded():
    layout, data, x = problem()
    for record, term in zip(data.terms, layout.predictors["mu"].terms, strict=True):
        sd, factor = scale_factor(x, record, data)
        np.testing.assert_allclose(sd, term.sd.read(x))
        np.testing.assert_allclose(factor, correlation_factor(x[None], term.placement.group, term.partials)[0])


def test_derivatives_in_the_scaled_factor_become_those_in_coordinates():
    _, data, x = problem()
    record = max(data.terms, key=lambda term: term.columns)
    weights = np.tril(np.random.default_rng(2).normal(size=(3, 3)))

    def total(point):
        sd, factor = scale_factor(point, record, data)
        return np.sum(weights * sd[:, None] * factor)

    gradient = np.zeros(len(x))
    scale_factor_back(x, record, *scale_factor(x, record, data), weights, data, gradient)
    np.testing.assert_allclose(gradient, gradient_by_differences(total, x), atol=1e-8)


def coefficients_of(x, data, t, beta):
    record = data.terms[t]
    found = np.zeros(record.levels * record.columns)
    fill_coefficients(x, record, 0, found, np.zeros(1, dtype=int), beta, data)
    return found


@pytest.mark.parametrize("centred", [False, True])
def test_coefficients_less_their_mean_are_the_decoded_effects_and_have_a_normal_density(centred):
    layout, data, x = problem(centred)
    names = [term.placement.group.name for term in layout.predictors["mu"].terms]
    t = names.index("g")
    beta = layout.predictors["mu"].beta.read(x)
    record, term = data.terms[t], layout.predictors["mu"].terms[t]
    found = coefficients_of(x, data, t, beta).reshape(6, 3)
    written = decode(layout, x[None])["b_g"][1][0]
    effects = written @ np.linalg.inv(term.placement.group.transform).T
    mean = found - effects
    np.testing.assert_allclose(mean, np.broadcast_to(mean[0], mean.shape), atol=1e-10)
    gradient, bar = np.zeros(len(x)), np.zeros(len(beta))
    zero, places = np.zeros(18), np.zeros(1, dtype=int)
    value = coefficients_back(x, record, 0, found.ravel(), zero, places, beta, bar, data, gradient)
    sd, factor = scale_factor(x, record, data)
    root = sd[:, None] * factor
    each = stats.multivariate_normal(np.zeros(3), root @ root.T).logpdf(effects)
    # The density of standardised coordinates is that of coefficients times the determinant of the root.
    jacobian = np.where(np.arange(6) % 2 == 0, 0.0, 1.0) if centred else np.ones(6)
    assert value == pytest.approx(np.sum(each) + np.sum(jacobian) * np.sum(np.log(np.diag(root))), rel=1e-10)


@pytest.mark.parametrize("centred", [False, True])
def test_derivatives_of_effects_are_differences(centred):
    layout, data, x = problem(centred)
    t = [term.placement.group.name for term in layout.predictors["mu"].terms].index("g")
    beta, record, places = layout.predictors["mu"].beta.read(x), data.terms[t], np.zeros(1, dtype=int)
    weights = np.random.default_rng(3).normal(size=18)

    def back(point, gradient):
        found = coefficients_of(point, data, t, beta)
        bars = weights.copy(), np.zeros(len(beta))
        density = coefficients_back(point, record, 0, found, bars[0], places, beta, bars[1], data, gradient)
        return weights @ found + density

    gradient = np.zeros(len(x))
    back(x, gradient)
    expected = gradient_by_differences(lambda point: back(point, np.zeros(len(x))), x)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


def test_effects_of_single_rows_have_a_normal_density_and_its_derivatives():
    layout, data, x = problem(model=3)
    t = [term.placement.group.name for term in layout.predictors["mu"].terms].index("obs")
    record, generator = data.terms[t], np.random.default_rng(4)
    rest, weights = generator.normal(size=60), generator.normal(size=60)
    own = x[record.effects : record.effects + 60]
    sd = layout.predictors["mu"].terms[t].sd.read(x)[0]
    eta = rest.copy()
    add_row_effects(x, eta, record, 60, data)
    np.testing.assert_allclose(eta, rest + sd * own)

    gradient, bar = np.zeros(len(x)), weights.copy()
    value = row_effects_back(x, rest, bar, record, 60, data, gradient)
    assert value == pytest.approx(np.sum(stats.norm.logpdf(own)))
    np.testing.assert_allclose(gradient[record.effects : record.effects + 60], weights * sd - own)
    np.testing.assert_allclose(bar, weights)
    assert gradient[layout.predictors["mu"].terms[t].sd.places[0]] == pytest.approx(sd * weights @ own)
