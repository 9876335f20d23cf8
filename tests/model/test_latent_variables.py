"""The density of models whose columns are not known exactly, and the values drawn from it, against algebra."""

import numpy as np
import pytest
from incomplete import incomplete_table, quietly
from scipy import stats

import bayesmixed as bm
from bayesmixed.model.latent_variables import is_integrated


@pytest.mark.slow
def test_normal_columns_are_integrated_out_and_drawn_exactly():
    data = incomplete_table()
    design = quietly("y ~ mi(x) + me(w, sd)", data.assign(w=data["w"].fillna(0.3)), impute={"x": "~ z"})
    assert is_integrated(design)
    model = bm.build(design)
    at = dict(model.initial_point())
    generator = np.random.default_rng(3)
    at = {name: np.asarray(value) + 0.3 * generator.normal(size=np.shape(value)) for name, value in at.items()}
    names = ["beta", "beta_of_x", "beta_of_x_sigma", "beta_of_w", "beta_of_w_sigma", "imputed_x", "imputed_w", "sigma"]
    outputs = model.replace_rvs_by_values([model[name] for name in names])
    found = model.compile_fn([model.logp(sum=True), *outputs], mode="FAST_COMPILE")(at)
    logp, values = float(found[0]), dict(zip(names, found[1:], strict=True))

    x, w, sd, z, y = design.latent[0].guess, design.latent[1].guess, data["sd"], data["z"], data["y"]
    gone = design.latent[0].missing
    mean_x, tau_x = values["beta_of_x"][0] + values["beta_of_x"][1] * z, np.exp(values["beta_of_x_sigma"][0])
    mean_w, tau_w = values["beta_of_w"][0], np.exp(values["beta_of_w_sigma"][0])
    a, b, c = values["beta"]
    sigma = float(values["sigma"])
    expected = 0.0
    for row in range(len(data)):
        # Unknown: x where it is missing, and w; known: the measured w, and y.
        spread = np.diag([tau_x**2 if gone[row] else 0.0, tau_w**2])
        mean = np.array([mean_x[row] if gone[row] else x[row], mean_w])
        loads = np.array([[0.0, 1.0], [b, c]])
        noise = np.diag([sd[row] ** 2, sigma**2])
        whole, centre = loads @ spread @ loads.T + noise, loads @ mean + np.array([0.0, a])
        seen = np.array([w[row], y[row]])
        expected += stats.multivariate_normal(centre, whole).logpdf(seen)
        expected += 0.0 if gone[row] else stats.norm(mean_x[row], tau_x).logpdf(x[row])
        gain = spread @ loads.T @ np.linalg.inv(whole)
        after, left = mean + gain @ (seen - centre), spread - gain @ loads @ spread
        first = at["z_imputed_x"][np.cumsum(gone)[row] - 1] if gone[row] else 0.0
        drawn_x = after[0] + np.sqrt(left[0, 0]) * first
        rate = left[0, 1] / left[0, 0] if gone[row] else 0.0
        drawn_w = after[1] + rate * (drawn_x - after[0])
        drawn_w += np.sqrt(left[1, 1] - rate * left[0, 1]) * at["z_imputed_w"][row]
        assert values["imputed_w"][row] == pytest.approx(drawn_w)
        if gone[row]:
            assert values["imputed_x"][np.cumsum(gone)[row] - 1] == pytest.approx(drawn_x)
    expected += stats.norm.logpdf(at["z_imputed_x"]).sum() + stats.norm.logpdf(at["z_imputed_w"]).sum()
    terms = model.logp(vars=[v for v in model.free_RVs if not v.name.startswith("z_")], sum=True)
    others = {name: value for name, value in at.items() if not name.startswith("z_")}
    prior = float(model.compile_fn(terms, mode="FAST_COMPILE", on_unused_input="ignore")(others))
    assert logp == pytest.approx(prior + expected)


def test_other_families_are_not_integrated():
    data = incomplete_table().assign(x=lambda d: np.exp(d["x"]))
    assert not is_integrated(quietly("y ~ mi(x)", data, impute={"x": {"formula": "~ z", "family": "lognormal"}}))
    assert not is_integrated(quietly("y ~ mi(x)", data.assign(y=np.arange(24) % 2), family="bernoulli"))
    assert not is_integrated(quietly("y ~ 1", data, sigma="~ mi(x)"))
    assert is_integrated(quietly("y ~ mi(x) * z + (1 | g)", data))
