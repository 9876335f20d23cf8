"""Log-likelihoods, leaving out and residuals accept the fit of any family: a new one is tested by being there."""

import warnings

import numpy as np
import pytest
from contracts.test_predictions_of_families import GROUPS, ROWS, TRIALS, each_family, middle
from fixed_draws import fit_at
from scipy import special, stats

import bayesmixed as bm

SD, SLOPE = 0.6, 0.15


@pytest.fixture(scope="module")
def fits():
    """Return a function that gives the fit of a family, at the parameters that made its data, made once."""
    done: dict[tuple[str, float], bm.Fit] = {}

    def get(family, jitter=0.0):
        if (family.name, jitter) not in done:
            done[family.name, jitter] = make_fit(family, jitter)
        return done[family.name, jitter]

    return get


def make_fit(family, jitter):
    generator = np.random.default_rng(6)
    first = family.parameters[0].name
    data = {"x": generator.normal(size=ROWS), "g": np.repeat([f"g{j}" for j in range(GROUPS)], ROWS // GROUPS)}
    data["n"] = np.full(ROWS, TRIALS)
    effects = SD * generator.standard_normal(GROUPS)
    formula = f"y{' | trials(n)' if family.has_trials else ''} ~ x + (1 | g)"
    spec = bm.from_formula(formula, family=family)
    link = spec.link(first)
    intercept = float(link.forward(np.asarray(middle(family)[first])))
    eta = intercept + SLOPE * data["x"] + np.repeat(effects, ROWS // GROUPS)
    values = middle(family) | {first: link.inverse(eta)}
    data["y"] = family.random(generator, values, TRIALS if family.has_trials else 1.0, (ROWS,))
    design = bm.prepare(spec, data)
    given = {name: middle(family)[name] for name in design.numbers}
    given["threshold"] = [middle(family)[name] - intercept for name in design.family.cuts]
    labels = design.mu.population.labels
    given |= {"beta": [intercept, SLOPE][-len(labels) :], "sd_g": SD, "b_g": effects[:, None]}
    return fit_at(design, given, jitter)


@each_family
def test_the_log_likelihood_of_rows_is_that_of_the_predicted_parameters(fits, family):
    fit = fits(family, jitter=0.01)
    family = fit.design.family
    values = {p.name: bm.predict(fit, kind=p.name)[p.name].values for p in family.parameters}
    expected = family.logp(np.asarray(fit.design.response), values, fit.design.trials)
    np.testing.assert_allclose(bm.log_likelihood(fit), expected, atol=1e-8)


@each_family
def test_the_density_of_a_group_is_the_integral_over_its_effect(fits, family):
    fit = fits(family)
    design, draw = fit.design, fit.posterior.isel(chain=0, draw=0)
    effect = np.linspace(-8 * SD, 8 * SD, 4001)
    eta = design.mu.population.matrix @ draw["beta"].values + effect[:, None]
    values = {name: value.values for name, value in design.scalar_draws(draw).items()}
    values |= {design.mu.parameter: design.mu.link.inverse(eta)}
    rows = design.family.logp(np.asarray(design.response), values, design.trials)
    joint = rows.reshape(len(effect), GROUPS, -1).sum(axis=-1) + stats.norm.logpdf(effect, 0.0, SD)[:, None]
    expected = special.logsumexp(joint, axis=0) + np.log(effect[1] - effect[0])
    found = bm.log_likelihood(fit, integrate="g", draws=2)
    # Gauss-Hermite rules are for densities that bend: a Laplace density has kinks.
    allowed = 1e-4 if family.differentiable else 0.02
    np.testing.assert_allclose(found.values[0, 0], expected, atol=allowed)
    # Draws that agree weigh alike: a group that is left out is predicted by its density.
    with warnings.catch_warnings():
        if family.onset:  # that with the smallest response cannot be left out by weights
            warnings.simplefilter("ignore", bm.StatisticsWarning)
        np.testing.assert_allclose(bm.loo(fit, unit="g").elpd_i, expected, atol=allowed)


@each_family
@pytest.mark.parametrize(("unit", "count"), [("observation", ROWS), ("g", GROUPS)])
def test_leaving_out_gives_a_finite_density_for_each_unit(fits, family, unit, count):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        found = bm.loo(fits(family, jitter=0.01), unit=unit)
    assert found.elpd_i.shape == (count,)
    assert np.isfinite(found.elpd_i).all()
    assert found.elpd == pytest.approx(float(found.elpd_i.sum()))


@each_family
def test_residuals_under_the_true_parameters_are_standard_normal(fits, family):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        residual = bm.residuals(fits(family, jitter=0.01), seed=3)["residual"]
    assert len(residual) == ROWS
    assert stats.kstest(residual, "norm").pvalue > 0.001
