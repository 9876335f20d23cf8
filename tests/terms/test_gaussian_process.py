"""Gaussian processes in formulas, on data, and in whole models."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from model_densities import log_density
from scipy import stats

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError, StatisticsWarning

NUMBERS = np.arange(60)
DATA = pd.DataFrame({"x": (10 * ((NUMBERS * 0.618034) % 1)).round(3), "z": (8 * ((NUMBERS * 0.754878) % 1)).round(3)})
DATA["y"] = (np.sin(DATA["x"]) + np.cos(7 * NUMBERS) / 4).round(4)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("gp(x)", "gp(x)"),
        ("gp(x, k = 20, c = 5/4)", "gp(x, k=20, c=1.25)"),
        ("gp(x, z, k=[20, 12], cov='matern15')", 'gp(x, z, k=[20, 12], cov="matern32")'),
        ("gp(log(x), `a b`, iso=TRUE)", "gp(log(x), `a b`)"),
        ("gp(x, cov='periodic', period=7)", 'gp(x, cov="periodic", period=7)'),
        ("gp(x, by = `a b`, k=8)", "gp(x, k=8, by=`a b`)"),
    ],
)
def test_formulas_are_printed_back_and_written_to_toml(text, printed, tmp_path):
    spec = bm.from_formula(f"y ~ {text}", sigma=f"~ {text}")
    assert spec.formula == f"y ~ 1 + {printed}"
    bm.save_spec(spec, tmp_path / "spec.toml")
    assert bm.load_spec(tmp_path / "spec.toml") == spec
    assert bm.from_r(f"brm(bf(y ~ {text.replace('[20, 12]', 'c(20, 12)')}, sigma ~ 1))").formula == spec.formula


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gp()", "one covariate or two"),
        ("gp(x, z, w)", "one covariate or two"),
        ("gp(x, by=a:b)", "give one column"),
        ("gp(x, z, iso=FALSE)", r"write te\(x, z\)"),
        ("gp(x, x)", "both covariates are the same"),
        ("gp(x, k=1)", "at least 2"),
        ("gp(x, k=[4, 5])", "a number for each covariate"),
        ("gp(x, k=many)", "k is a whole number"),
        ("gp(x, c=0.5)", "c is above 1"),
        ("gp(x, c=wide)", "c is a positive number"),
        ("gp(x, cov='periodic')", r'has its period, gp\(x, cov="periodic", period=7\)'),
        ("gp(x, period=7)", "has its period"),
        ("gp(x, z, cov='periodic', period=7)", "one covariate, and no box"),
        ("gp(x, cov='exponential')", "Take matern32"),
        ("gp(x, cov='matern3')", "Did you mean 'matern32'"),
        ("gp(scale(x))", "learns from the data"),
        ("2 * gp(x)", "a term of its own"),
    ],
)
def test_what_cannot_be_one_is_refused(text, said):
    with pytest.raises(SpecError, match=said):
        bm.from_formula(f"y ~ {text}")


@pytest.mark.parametrize(
    ("text", "change", "said"),
    [
        ("gp(x)", {"x": 1.0}, "'x' is 1 in every row"),
        ("gp(x)", {"x": "a"}, "holds no numbers"),
        ("gp(x, z, k=[90, 90])", {}, "90 x 90 basis functions are more than 2,000"),
    ],
)
def test_data_that_do_not_allow_it_are_refused(text, change, said):
    with pytest.raises(DataError, match=said):
        bm.prepare(f"y ~ {text}", DATA.assign(**change))


def test_covariates_in_different_units_are_pointed_out():
    with pytest.warns(StatisticsWarning, match=r"the same unit.* or write te\(x, z\)"):
        bm.prepare("y ~ gp(x, z)", DATA.assign(z=1000 * DATA["z"]))


def fixed(scale, text="gp(x)"):
    design = bm.prepare(f"y ~ {text}", DATA)
    block = design.mu.curves[0]
    values = {"sigma": 0.3, design.mu.sd(block): 0.7, design.mu.b(block): np.cos(np.arange(block.size))}
    values[str(design.mu.structure_parameters(block)[0][0])] = scale
    return fit_at(design, values, jitter=0.002)


def test_the_summary_says_where_functions_or_the_box_do_not_suffice():
    assert "basis functions" not in str(bm.summary(fixed(3.0)))
    said = " ".join(str(bm.summary(fixed(0.3))).split())
    assert "gp(x): 38 basis functions are too few for length-scales as short as 0.297" in said
    assert "write k=126" in said
    wide = " ".join(str(bm.summary(fixed(9.0))).split())
    assert "the box of 4.3 half ranges is small for a length-scale of 9: write c=5.8" in wide
    assert "edf 0: zero" in str(bm.summary(fixed(3.0)))


def test_predictions_hold_the_process_and_far_beyond_the_data_its_mean(tmp_path):
    fit = fixed(2.0)
    block, posterior = fit.design.mu.curves[0], fit.posterior.isel(chain=0, draw=0)
    expected = float(posterior["beta"].squeeze()) + block.matrix @ posterior["b_gp(x)"].values
    found = bm.predict(fit)["mean"]
    np.testing.assert_allclose(found.values[0, 0], expected, atol=1e-10)
    bm.save_fit(fit, tmp_path / "fit.nc")
    np.testing.assert_allclose(
        bm.predict(bm.load_fit(tmp_path / "fit.nc"), DATA.iloc[:9])["mean"], found[..., :9], atol=1e-10
    )
    with pytest.warns(StatisticsWarning, match="1 of 1 rows lie beyond the range .* the curve falls back to zero"):
        far = bm.predict(fit, {"x": [500.0]})["mean"]
    np.testing.assert_allclose(far.squeeze(), fit.posterior["beta"].squeeze(), atol=1e-9)


def test_curves_and_surfaces_have_their_pictures_and_the_tables_the_length_scale():
    fit = fixed(2.0)
    effects = bm.smooth_effects(fit, draws=10).set_index("effect")["mean"]
    assert effects["range"] == pytest.approx(2.0, abs=0.01)
    curve = bm.smooth_curves(fit, points=5)
    np.testing.assert_allclose(curve["x"].iloc[[0, -1]], [DATA["x"].min(), DATA["x"].max()])
    with pytest.raises(SpecError, match=r"bm\.plot_surface\(fit, 'x:z'\)"):
        bm.plot_smooth(fixed(2.0, "gp(x, z, k=6)"))


@pytest.mark.slow
def test_a_fit_agrees_with_the_exact_process():
    """The posterior under the exact covariance, by a grid over its SD, its length-scale and the residual SD."""
    rows = DATA.iloc[:40]
    fit = bm.fit("y ~ gp(x)", rows, draws=500, seed=1, progress=False)
    design, x, y = fit.design, rows["x"].to_numpy(), rows["y"].to_numpy()
    law = {key: design.priors[key].prior.frozen() for key in ("sd_gp(x)", "range_gp(x)", "sigma", "beta[Intercept]")}
    new = np.array([1.0, 5.0, 9.5])
    points = np.concatenate([x, new])
    grids = [np.geomspace(0.2, 6, 16), np.geomspace(0.4, 7, 16), np.geomspace(0.12, 0.35, 12)]
    logs, means, values = [], [], []
    for sd in grids[0]:
        for scale in grids[1]:
            k = sd**2 * np.exp(-0.5 * (np.subtract.outer(points, points) / scale) ** 2) + law["beta[Intercept]"].var()
            for sigma in grids[2]:
                root = np.linalg.cholesky(k[:40, :40] + sigma**2 * np.eye(40))
                rest = np.linalg.solve(root, y - law["beta[Intercept]"].mean())
                prior = law["sd_gp(x)"].logpdf(sd) + law["range_gp(x)"].logpdf(scale) + law["sigma"].logpdf(sigma)
                logs.append(prior + np.log(sd * scale * sigma) - 0.5 * rest @ rest - np.log(np.diag(root)).sum())
                means.append(law["beta[Intercept]"].mean() + np.linalg.solve(root, k[:40, 40:]).T @ rest)
                values.append((sd, scale, sigma))
    weights = np.exp(np.array(logs) - max(logs))
    weights /= weights.sum()
    expected, at = weights @ np.array(values), weights @ np.array(means)
    for name, value in zip(("sd_gp(x)", "range_gp(x)", "sigma"), expected, strict=True):
        draws = fit.posterior[name]
        assert float(draws.mean()) == pytest.approx(value, abs=0.15 * float(draws.std()))
    made = bm.predict(fit, {"x": new})["mean"]
    np.testing.assert_array_less(np.abs(made.mean(("chain", "draw")) - at), 0.1 * made.std(("chain", "draw")))


def test_the_density_in_pymc_is_that_of_normal_coefficients_with_the_spectral_density():
    priors = {"beta[Intercept]": 0.0, "sigma": 1.5, "sd_gp(x,z)": "HalfNormal(1)"}
    design = bm.prepare('y ~ gp(x, z, k=5, cov="matern52")', DATA, priors=priors)
    block, name = design.mu.curves[0], "gp(x，z)"
    model = bm.build(design, parameterisation={f"b_{name}": "noncentred"})
    z = np.random.default_rng(2).normal(size=block.size)
    sds = 0.7 * block.spectrum.sds({"range": np.array([2.5])}, np)
    expected = stats.halfnorm().logpdf(0.7) + design.priors[f"range_{name}"].prior.frozen().logpdf(2.5)
    expected += stats.norm().logpdf(z).sum() + stats.norm(block.matrix @ (z * sds), 1.5).logpdf(DATA["y"]).sum()
    given = {f"sd_{name}": 0.7, f"range_{name}": 2.5, f"z_{name}": z}
    point = {}
    for variable in model.free_RVs:
        transform, at = model.rvs_to_transforms[variable], given[variable.name]
        moved = at if transform is None else transform.forward(at, *variable.owner.inputs).eval(mode="FAST_COMPILE")
        point[model.rvs_to_values[variable].name] = np.asarray(moved)
    found = model.compile_fn(model.logp(jacobian=False), inputs=model.value_vars, mode="FAST_COMPILE")(point)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_a_periodic_process_begins_again_and_is_judged_by_its_waves():
    fit = fixed(1.0, 'gp(x, cov="periodic", period=12)')
    assert fit.design.mu.curves[0].size == 2 * 12
    assert "basis functions" not in str(bm.summary(fit))
    assert "12 basis functions are too few" in str(bm.summary(fixed(0.1, 'gp(x, cov="periodic", period=12)')))
    with pytest.warns(StatisticsWarning, match="the curve begins again"):
        later = bm.predict(fit, {"x": [2.5, 14.5, 122.5]})["mean"]
    np.testing.assert_allclose(later.max("row"), later.min("row"), atol=1e-9)
    assert float(fit.design.priors["range_gp(x)"].prior.frozen().ppf(0.975)) == pytest.approx(6.0, rel=1e-3)


def test_each_level_has_a_process_with_an_sd_and_a_length_scale():
    rng = np.random.default_rng(3)
    data = pd.DataFrame(
        {"x": rng.uniform(0, 5, 40), "f": np.array(["a", "b"])[np.arange(40) % 2], "y": rng.normal(size=40)}
    )
    priors = {
        "beta[Intercept]": "Normal(0, 1)",
        "sigma": 1.0,
        "sd_gp(x):f": "HalfNormal(1)",
        "range_gp(x):f": "LogNormal(0, 1)",
    }
    design = bm.prepare("y ~ 1 + gp(x, k=5, c=2, by=factor(f))", data, priors=priors)
    (block,) = design.mu.curves
    assert block.labels == ("a", "b")
    model, differences = bm.build(design, parameterisation={"b_gp(x):f": "centred"}), []
    for _ in range(3):
        b, sd, ranges, beta = rng.normal(size=(5, 2)), rng.uniform(0.3, 1.5, 2), rng.uniform(0.5, 2.0, 2), rng.normal()
        values = {
            "beta": [beta],
            "sd_gp(x):f": sd,
            "range1_gp(x):f": ranges[0],
            "range2_gp(x):f": ranges[1],
            "b_gp(x):f": b,
        }
        relative = np.stack([block.spectrum.spectra[0].sds({"range": one}, np) for one in ranges], axis=-1)
        index = np.arange(40) % 2
        eta = beta + np.sum(block.box.columns(data[["x"]].to_numpy()) * b.T[index], axis=1)
        expected = stats.norm(eta, 1.0).logpdf(data["y"]).sum() + stats.norm(0, sd * relative).logpdf(b).sum()
        expected += stats.norm.logpdf(beta) + stats.halfnorm.logpdf(sd).sum() + stats.lognorm(1.0).logpdf(ranges).sum()
        differences.append(log_density(model, values) - expected)
    assert np.allclose(differences, 0.0, atol=1e-8)
    told = list(block.judge(np.full(9, 2.0), np.full(9, 0.1)))
    assert "too few for length-scales as short as 0.1" in told[0]
