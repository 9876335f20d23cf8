"""The PyMC model of joint priors of coefficients: its prior draws have the distributions that the design implies."""

import numpy as np
import pytest

import bayesmixed as bm

PLACES = np.arange(48)
ROWS = {
    "y": PLACES % 7 + 0.5,
    "x": np.sin(PLACES.astype(float)),
    "z": np.cos(2.0 * PLACES) * 3.0,
    "f": np.array(list("pqr"))[PLACES % 7 % 3],
    "g": np.array(list("abcdef"))[PLACES % 6],
}
LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])


@pytest.mark.parametrize(
    ("priors", "hidden"),
    [
        ({"variance": "R2D2M2(R2=Beta(2, 3))"}, {"variance_r2", "variance_shares", "variance_within_g"}),
        ({"coefficients": "Horseshoe(relevant=2)"}, {"horseshoe_local", "horseshoe_global", "horseshoe_slab"}),
    ],
    ids=["R2D2M2", "Horseshoe"],
)
def test_prior_draws_of_the_model_have_the_quantiles_of_each_number(priors, hidden):
    import pymc as pm

    design = bm.prepare("y ~ x + z + f + (x | g)", ROWS, priors=priors)
    model = bm.build(design)
    assert hidden < {variable.name for variable in model.free_RVs}
    names = ["centred_beta", "centred_sd_g", "sigma"]
    draws = pm.sample_prior_predictive(3000, model=model, var_names=names, random_seed=1)["prior"]
    found = dict(zip(design.mu.keys, draws["centred_beta"].values[0].T, strict=True))
    found |= dict(zip(design.mu.sd_keys(design.mu.groups[0]), draws["centred_sd_g"].values[0].T, strict=True))
    for key, values in [*found.items(), ("sigma", draws["sigma"].values[0])]:
        own = design.priors[key].prior.frozen()
        assert np.mean(values[:, None] < own.ppf(LEVELS), axis=0) == pytest.approx(LEVELS, abs=0.03), key
