"""The engine kernel: coordinates from the quick mode, and starting points around it."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.engines.kernel import _start, lay_out, lay_out_levels
from bayesmixed.engines.parameterisation import choose_parameterisation
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode
from bayesmixed.kernels.joint.decoding import as_posterior


def laid_out(wish="auto", make=lay_out_levels):
    """Return the layout of counts in twelve groups with slopes, and the quick mode."""
    generator = np.random.default_rng(1)
    data = {
        "y": generator.poisson(np.repeat(np.linspace(1.0, 9.0, 12), 8)),
        "x": np.tile(np.arange(8.0), 12),
        "g": np.repeat(list("abcdefghijkl"), 8),
    }
    design = bm.prepare(bm.from_formula("y ~ x + (x || g)", family="poisson"), data)
    mode = quasi_likelihood_mode(design)
    return make(design, mode, choose_parameterisation(design, mode, wish, guides=True)), mode


def test_the_normal_approximation_of_a_guide_has_its_mode_at_the_quick_mode():
    layout, mode = laid_out()
    (term,) = layout.predictors["mu"].terms
    precision, pull = term.guide[:, :-1], term.guide[:, -1]
    shrink = 1.0 / mode.sds["g"] ** 2
    # Coefficients of each group given the likelihood N(precision^-1 pull, precision^-1) and the prior N(beta, sd^2).
    # The first coefficient of the population is at the mean of x, 3.5; those of uncorrelated groups are at 0.
    mean = np.array([mode.beta[0] - 3.5 * mode.beta[1], mode.beta[1]])
    found = [np.linalg.solve(p + np.diag(shrink), q + shrink * mean) for p, q in zip(precision, pull, strict=True)]
    np.testing.assert_allclose(found, mean + mode.effects["g"], rtol=1e-6)


def test_whitened_coefficients_have_the_covariance_of_the_quick_mode():
    layout, mode = laid_out()
    factor = layout.whitening.factor
    np.testing.assert_allclose(factor @ factor.T, mode.covariance)


def test_terms_that_are_asked_to_be_centred_have_neither_guide_nor_joint_coordinates():
    layout, _ = laid_out("centred", lay_out)
    assert layout.joint is None
    (term,) = layout.predictors["mu"].terms
    assert not term.guide.any()
    assert term.centred.all()


@pytest.mark.parametrize("make", [lay_out, lay_out_levels])
def test_chains_start_around_the_quick_mode_each_seed_elsewhere(make):
    layout, mode = laid_out(make=make)
    draw = _start(layout, mode)
    points = np.stack([draw(seed) for seed in range(200)])
    np.testing.assert_array_equal(points[3], draw(3))
    sds = as_posterior(layout, points[None])["sd_g"].median(("chain", "draw")).values
    assert np.all(np.abs(np.log(sds / mode.sds["g"])) < 1.0)
