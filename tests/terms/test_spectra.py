"""Spectra: SDs of coefficients as functions of parameters, for NumPy, in the PyMC model and in simulations."""

import numpy as np
import pytest
from scipy import stats

import bayesmixed as bm
from bayesmixed.prediction.prior_samples import sample_prior
from bayesmixed.terms.spectra import Balance

NUMBERS = np.arange(40)
DATA = {"x": (NUMBERS * 0.618034) % 1, "z": (NUMBERS * 0.754878) % 1 * 9, "y": np.cos(NUMBERS)}


def test_the_balance_shares_the_penalty_and_leaves_the_mean_variance():
    rng = np.random.default_rng(1)
    first, second, squares = rng.uniform(0, 5, 7), rng.uniform(0, 5, 7), rng.uniform(0.1, 1, 7)
    found = Balance("te(x,z)", first, second, squares).sds({"balance": np.array([[0.2], [0.9]])}, np)
    assert found.shape == (2, 7)
    np.testing.assert_allclose(found**2 @ squares, 1.0)
    precision = 1.0 / found[0] ** 2
    np.testing.assert_allclose(precision / precision[0], (0.2 * first + 0.8 * second) / (0.2 * first + 0.8 * second)[0])


@pytest.mark.parametrize("parameterisation", ["centred", "noncentred"])
def test_the_density_in_pymc_is_that_of_normal_coefficients_with_these_sds(parameterisation):
    priors = {"beta": 0.0, "beta[Intercept]": 0.0, "sigma": 1.5, "sd_te(x,z)": "HalfNormal(1)"}
    design = bm.prepare("y ~ te(x, z, k=4)", DATA, priors=priors)
    block, name = design.mu.curves[0], design.mu.b(design.mu.curves[0])
    model = bm.build(design, parameterisation={name: parameterisation})
    z = np.random.default_rng(2).normal(size=block.size)
    sds = 0.7 * block.spectrum.sds({"balance": np.array([0.3])}, np)
    balance = design.priors["balance_te(x，z)"].prior.frozen()
    expected = stats.halfnorm().logpdf(0.7) + balance.logpdf(0.3)
    expected += (
        (stats.norm(0, 1) if parameterisation == "noncentred" else stats.norm(0, sds))
        .logpdf(z if parameterisation == "noncentred" else z * sds)
        .sum()
    )
    expected += stats.norm(block.matrix @ (z * sds), 1.5).logpdf(DATA["y"]).sum()
    given = {"sd_te(x，z)": 0.7, "balance_te(x，z)": 0.3, name: z * sds, "z_te(x，z)": z}
    point = {}
    for variable in model.free_RVs:
        transform, at = model.rvs_to_transforms[variable], given[variable.name]
        moved = at if transform is None else transform.forward(at, *variable.owner.inputs).eval(mode="FAST_COMPILE")
        point[model.rvs_to_values[variable].name] = np.asarray(moved)
    found = model.compile_fn(model.logp(jacobian=False), inputs=model.value_vars, mode="FAST_COMPILE")(point)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_prior_draws_and_simulated_coefficients_have_these_sds():
    design = bm.prepare("y ~ te(x, z, k=4)", DATA, priors={"sd_te(x,z)": 2.0, "balance_te(x,z)": 0.1})
    block = design.mu.curves[0]
    expected = 2.0 * block.spectrum.sds({"balance": np.array([0.1])}, np)
    prior = sample_prior(design, draws=4000, seed=1)
    spread = prior.posterior["b_te(x，z)"].std(("chain", "draw")).values
    np.testing.assert_allclose(spread, expected, rtol=0.06)
    truth = {"beta": 0.0, "sd_te(x,z)": 2.0, "balance_te(x,z)": 0.1, "sigma": 1.0}
    data = {name: DATA[name] for name in ("x", "z")}
    drawn = [bm.simulate("y ~ te(x, z, k=4)", data=data, truth=truth, seed=s).truth["b_te(x，z)"] for s in range(60)]
    np.testing.assert_allclose(np.std(drawn, axis=0) / expected, 1.0, atol=0.35)
    with pytest.raises(bm.SpecError, match=r"'balance_te\(x，z\)' is 2, outside its range"):
        bm.simulate("y ~ te(x, z, k=4)", data=data, truth=truth | {"balance_te(x,z)": 2.0})
