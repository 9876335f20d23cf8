"""Fits with mi() and me(): what is computed of the rows has the values of each draw."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
from fixed_draws import fit_at
from incomplete import incomplete_table, quietly

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.fits.refitting import change_design
from bayesmixed.fits.selection import at_posterior_means

GONE = [1, 5, 9]
VALUES = {"beta": [2.0, 1.5, 0.3, -1.0, 0.4], "sigma": 0.7, "sd_g": 0.6, "b_g": [[0.5], [-0.2], [0.1], [-0.4]]}
COLUMNS = {"imputed_x": [5.0, -6.0, 7.0], "beta_of_x": [1.0, 0.8], "beta_of_x_sigma": -0.5}


def fitted(jitter=0.05, **options):
    data = incomplete_table().assign(w=lambda d: d["w"].fillna(0.3))
    design = quietly("y ~ mi(x) * z + me(w, sd) + (1 | g)", data, impute={"x": "~ z"}, **options)
    return data, fit_at(design, {**VALUES, **COLUMNS, "imputed_w": np.linspace(-1, 1, 24)}, jitter=jitter)


def predictor_of(data, fit):
    """Return the linear predictor of each draw, by its own formula."""
    posterior = fit.posterior
    beta = {label: posterior["beta"].values[..., [k]] for k, label in enumerate(fit.design.mu.population.labels)}
    x = np.broadcast_to(data["x"].to_numpy(), (*posterior["sigma"].shape, len(data))).copy()
    x[..., GONE] = posterior["imputed_x"].values
    z, w = data["z"].to_numpy(), posterior["imputed_w"].values
    eta = beta["Intercept"] + beta["mi(x)"] * x + beta["z"] * z + beta["me(w, sd)"] * w + beta["mi(x):z"] * x * z
    return eta, posterior["b_g"].values[..., data["g"], 0]


def test_rows_have_the_values_of_each_draw():
    data, fit = fitted()
    population, effects = predictor_of(data, fit)
    np.testing.assert_allclose(bm.predict(fit, kind="linear")["linear"], population + effects)
    np.testing.assert_allclose(bm.predict(fit, kind="linear", groups="typical")["linear"], population)
    variances = population.var(axis=-1), fit.posterior["sd_g"].values[..., 0] ** 2, fit.posterior["sigma"].values ** 2
    expected = variances[0] / sum(variances)
    found = bm.r2(fit, scale="latent")
    assert found["mean"][0] == pytest.approx(expected.mean())
    residual = (data["y"].to_numpy() - population - effects) / fit.posterior["sigma"].values[..., None]
    checks = bm.posterior_checks(fit, seed=1)
    assert np.isfinite(checks.table["observed"]).all()
    made = bm.posterior_predictive(fit, seed=1)["y"].values
    assert (made - population - effects).std() == pytest.approx(0.7, rel=0.1)
    logs = -0.5 * residual**2 - np.log(fit.posterior["sigma"].values[..., None]) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(bm.log_likelihood(fit), logs)


def test_counts_have_the_values_of_each_draw_in_their_variances():
    data = incomplete_table().assign(y=np.arange(24) % 3, h=np.arange(24) % 12)
    design = quietly("y ~ mi(x) + (1 | h)", data, family="poisson")
    fit = fit_at(design, {"beta": [0.2, 0.3], "sd_h": 0.4, "imputed_x": [1.0, 2.0, 3.0]}, jitter=0.02)
    x = np.broadcast_to(data["x"].to_numpy(), (2, 50, 24)).copy()
    x[..., GONE] = fit.posterior["imputed_x"].values
    beta, tau = fit.posterior["beta"].values, fit.posterior["sd_h"].values ** 2
    mean = np.exp(beta[..., :1] + beta[..., 1:] * x + 0.5 * tau)
    within, squares = mean.mean(axis=-1), (mean**2).mean(axis=-1)
    expected = np.expm1(tau[..., 0]) * squares / (np.expm1(tau[..., 0]) * squares + within)
    found = bm.icc(fit, scale="data")
    assert found["mean"][0] == pytest.approx(expected.mean(), rel=1e-6)


def test_pictures_and_complete_pooling_have_the_posterior_means():
    data, fit = fitted()
    means = at_posterior_means(fit)
    expected = data["x"].to_numpy(copy=True)
    expected[GONE] = fit.posterior["imputed_x"].mean(("chain", "draw"))
    np.testing.assert_allclose(means.table.data["x"], expected)
    np.testing.assert_allclose(means.mu.population.matrix[:, 1], expected)
    whole = quietly(
        "y ~ x * z + w + (1 | g)", data.assign(x=expected, w=fit.posterior["imputed_w"].mean(("chain", "draw")))
    )
    plain = bm.shrinkage(fit_at(whole, VALUES))
    found = bm.shrinkage(fitted(jitter=0.0)[1])
    np.testing.assert_allclose(found["mean"], plain["mean"])
    np.testing.assert_allclose(bm.shrinkage(fit)["complete_pooling"], plain["complete_pooling"], rtol=0.1)
    np.testing.assert_allclose(found["factor"], plain["factor"])


@pytest.mark.filterwarnings("ignore")
def test_what_is_said_of_complete_fits_is_said_of_these(tmp_path):
    _, fit = fitted()
    for call in (bm.icc, bm.variance_dossier, bm.implied_covariance, bm.residuals, bm.check_residuals, bm.influence):
        call(fit)
    for call in (bm.plot_effects, bm.plot_shrinkage, bm.plot_residuals, bm.plot_forest, bm.plot_half_normal):
        plt.close(call(fit))
    assert bm.describe_effects(fit).table is not None
    assert "same g" in str(bm.summary(fit))
    ranked = bm.compare_models({"mi": fit, "again": fit}, unit="observation")
    assert len(ranked.table) == 2
    said = bm.methods_text(fit)
    assert "3 missing values of x were drawn with the parameters, under x ~ 1 + z (family gaussian)" in said
    assert "True values of w, measured with errors of known SD" in said
    assert bm.write_report(fit, tmp_path / "fit.html").exists()
    tree = fit.to_datatree(log_likelihood=True, posterior_predictive=True, seed=1)
    assert tree["log_likelihood"]["y"].sizes["row"] == 24


def test_the_column_of_errors_is_no_effect():
    _, fit = fitted()
    assert bm.comparisons(fit, over="grid").table["variable"].tolist() == ["x", "w", "z"]


def test_averages_over_the_rows_of_the_fit_have_the_values_of_each_draw():
    data, fit = fitted()
    data["x"] = data["x"].fillna(0.0)
    beta = {label: fit.posterior["beta"].values[..., [k]] for k, label in enumerate(fit.design.mu.population.labels)}
    eta, _ = predictor_of(data.assign(x=incomplete_table()["x"]), fit)
    x = np.broadcast_to(data["x"].to_numpy(), eta.shape).copy()
    x[..., GONE] = fit.posterior["imputed_x"].values
    z = data["z"].to_numpy()
    found = bm.comparisons(fit, groups="typical").table.set_index("variable")
    np.testing.assert_allclose(found.loc["x", "mean"], (beta["mi(x)"] + beta["mi(x):z"] * z.mean()).mean())
    np.testing.assert_allclose(found.loc["z", "mean"], (beta["z"] + beta["mi(x):z"] * x).mean())
    np.testing.assert_allclose(found.loc["w", "mean"], beta["me(w, sd)"].mean())
    each = bm.slopes(fit, "z", average=False, groups="typical").table["mean"]
    np.testing.assert_allclose(each, (beta["z"] + beta["mi(x):z"] * x).mean((0, 1)), rtol=1e-6)
    # A column that takes values of its own is not drawn.
    set_to = bm.comparisons(fit, "z", at={"x": 2.0}, groups="typical").table["mean"]
    np.testing.assert_allclose(set_to, (beta["z"] + 2.0 * beta["mi(x):z"]).mean())
    ends = bm.comparisons(fit, {"x": [0.0, 3.0]}, comparison="difference", groups="typical").table["mean"]
    np.testing.assert_allclose(ends, 3.0 * (beta["mi(x)"] + beta["mi(x):z"] * z.mean()).mean())
    with pytest.raises(SpecError, match="values of 'x' differ between draws"):
        bm.comparisons(fit, "z", by="x")


def test_averages_of_curved_means_are_over_the_values_of_each_draw():
    data = incomplete_table().assign(y=np.arange(24) % 3, x=lambda d: d["x"].round(0))
    data["f"] = np.array(list("uv"))[np.arange(24) % 2]
    fit = fit_at(
        quietly("y ~ mi(x) + f", data, family="poisson"), {"beta": [0.2, 0.3, 0.5], "imputed_x": [1, 2, 3]}, jitter=0.05
    )
    x = np.broadcast_to(data["x"].to_numpy(), (2, 50, 24)).copy()
    x[..., GONE] = fit.posterior["imputed_x"].values
    beta = fit.posterior["beta"].values[..., None, :]
    low = np.exp(beta[..., 0] + beta[..., 1] * x).mean(axis=-1)
    found = bm.comparisons(fit, "f").table["mean"][0]
    assert found == pytest.approx((low * np.expm1(beta[..., 0, 2])).mean())


def test_a_refit_takes_other_priors_and_keeps_what_is_missing():
    _, fit = fitted()
    changed, _ = change_design(fit.design, {"sd_g": "HalfNormal(0.1)"})
    assert [(one.column, list(one.missing)) for one in changed.latent] == [
        (one.column, list(one.missing)) for one in fit.design.latent
    ]
    assert str(changed.priors["sd_g[Intercept]"].prior) == "HalfNormal(0.1)"
    others = {key: str(entry.prior) for key, entry in changed.priors.items() if key != "sd_g[Intercept]"}
    assert others == {key: str(entry.prior) for key, entry in fit.design.priors.items() if key != "sd_g[Intercept]"}
    for before, after in zip(fit.design.latent, changed.latent, strict=True):
        assert {k: str(e.prior) for k, e in before.design.priors.items()} == {
            k: str(e.prior) for k, e in after.design.priors.items()
        }
    with pytest.raises(SpecError, match="A refit to other rows keeps the numbers of priors"):
        bm.refit(fit, data=incomplete_table())


@pytest.mark.slow
def test_fits_with_missing_values_are_refitted_and_extended():
    data = incomplete_table()
    fit = bm.fit("y ~ mi(x)", data.drop(columns=["w"]), chains=2, draws=200, seed=1, progress=False)
    tight = bm.refit(fit, priors={"beta[mi(x)]": "Normal(0, 0.01)"}, progress=False)
    assert abs(float(tight.posterior["beta"].sel(beta_effect="mi(x)").mean())) < 0.1
    longer = bm.extend(fit, 100, progress=False)
    assert longer.posterior["imputed_x"].sizes["draw"] == 300
    np.testing.assert_array_equal(longer.posterior["imputed_x"][:, :200], fit.posterior["imputed_x"])


def test_what_changes_the_rows_is_refused():
    _, fit = fitted()
    for call in (bm.verify, partial(bm.kfold, by="g")):
        with pytest.raises(SpecError, match=r"bm.\w+ needs one set of rows, and values of 'x', 'w' are drawn"):
            call(fit)
    with pytest.raises(SpecError, match="Leave them out"):
        fit.to_datatree(prior=True)
