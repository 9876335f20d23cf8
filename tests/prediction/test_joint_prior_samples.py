"""Draws from the priors of several responses have the correlations of their priors, and each response its block."""

import numpy as np
from joint_models import FORMULAS, prepared, table
from scipy import stats

import bayesmixed as bm
from bayesmixed.prediction.joint_prior_samples import sample_joint_prior


def test_draws_are_those_of_the_priors_and_agree_between_responses():
    design = prepared(rescor=True)
    prior = sample_joint_prior(design, draws=3000, seed=2)
    eta = design.priors["rescor"].prior.arguments[0]
    rescor = (prior.shared["rescor"].values[0, :, 0, 1] + 1.0) / 2.0
    assert stats.kstest(rescor, stats.beta(eta, eta).cdf).pvalue > 0.01
    own = prior["y1"].posterior["corr_g"].values[0, :, 0, 1]
    np.testing.assert_allclose(own, prior.shared["corr_g"].values[0, :, 0, 1])
    assert {*prior.posterior.data_vars} == {
        *("beta_y1", "sd_g_y1", "sigma_y1", "beta_y2", "sd_g_y2", "sigma_y2", "corr_g", "rescor")
    }


def test_correlations_are_stated_at_the_covariate_means():
    """Every draw: effects of a level at the mean of x are correlated as the prior says, and so not as written."""
    data = table()
    joint = bm.JointSpec(models=FORMULAS, priors={"corr_g": 0.4})
    prior = sample_joint_prior(bm.prepare_joint(joint, data), draws=5, seed=1)
    corr = prior.shared["corr_g"].values[0]
    sd = np.concatenate([prior[name].posterior["sd_g"].values[0] for name in ("y1", "y2")], axis=-1)
    at = np.array([[1.0, np.mean(data["x"]), 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = at @ (sd[:, :, None] * corr * sd[:, None, :]) @ at.T
    scale = np.sqrt(np.diagonal(found, axis1=1, axis2=2))
    expected = np.where(np.eye(3) == 1.0, 1.0, 0.4)
    np.testing.assert_allclose(found / (scale[:, :, None] * scale[:, None, :]), np.broadcast_to(expected, (5, 3, 3)))
    assert np.all(np.abs(corr[:, 0, 1] - 0.4) > 1e-3)
