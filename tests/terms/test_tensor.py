"""Tensor products in formulas, on data, and in whole models."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import optimize

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError, StatisticsWarning

NUMBERS = np.arange(120)
DATA = pd.DataFrame(
    {"x": ((NUMBERS * 0.618034) % 1).round(3), "z": (100 * ((NUMBERS * 0.754878) % 1)).round(2), "g": NUMBERS % 6}
)
DATA["y"] = (np.sin(5 * DATA["x"]) * DATA["z"] / 50 + np.cos(DATA["z"] / 20) + np.cos(7 * NUMBERS) / 4).round(4)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("te(x, z)", "te(x, z)"),
        ("te(x, z, k=c(5, 6))", "te(x, z, k=[5, 6])"),
        ("te(x, z, k=7, bs=['cc', 'cr'])", 'te(x, z, k=7, bs=["cc", "cr"])'),
        ("ti(log(x), `a b`, bs='cc')", 'ti(log(x), `a b`, bs="cc")'),
    ],
)
def test_formulas_are_printed_back_and_written_to_toml(text, printed, tmp_path):
    spec = bm.from_formula(f"y ~ {text}", sigma=f"~ {text}")
    assert spec.formula == f"y ~ 1 + {printed}"
    bm.save_spec(spec, tmp_path / "spec.toml")
    assert bm.load_spec(tmp_path / "spec.toml") == spec
    assert bm.from_formula(f"y ~ {printed}", sigma=f"~ {printed}") == spec


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("te(x)", r"two covariates, te\(x, z\). A curve is s\(x\)"),
        ("te(x, z, w)", "two covariates"),
        ("te(x, z, by=g + f)", "give one column"),
        ("te(x, x)", "both covariates are the same"),
        ("te(x, z, k=2)", "needs at least k=3"),
        ("te(x, z, k=[5, 6, 7])", "one value for both covariates, or two"),
        ("te(x, z, k=many)", "k is a whole number or two"),
        ("te(x, z, bs='tp')", 'take "cr", or "cc"'),
        ("te(scale(x), z)", "learns from the data"),
        ("2 * te(x, z)", "a term of its own"),
        ("t2(x, z)", r"Write te\(x, z\)"),
    ],
)
def test_what_cannot_be_one_is_refused(text, said):
    with pytest.raises(SpecError, match=said):
        bm.from_formula(f"y ~ {text}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"z": 1.0}, "'z' is 1 in every row"),
        ({"z": "a"}, "holds no numbers"),
        ({"z": DATA["z"].round(-1) % 30}, "has 3 different values, fewer than k=5. Write k=3"),
        ({"z": lambda d: d["x"]}, "collinear.* write ti instead of te"),
    ],
)
def test_data_that_do_not_allow_it_are_refused(change, said):
    with pytest.raises(DataError, match=said):
        bm.prepare("y ~ te(x, z)", DATA.assign(**change))


def test_beside_the_curve_of_a_covariate_the_interaction_is_named():
    with pytest.raises(DataError, match=r"'s\(x\)\[linear\]' is a combination .* beside them write ti instead of te"):
        bm.prepare("y ~ te(x, z) + s(x)", DATA)


def test_an_interaction_without_the_curves_of_its_covariates_is_pointed_out():
    with pytest.warns(StatisticsWarning, match=r"has no z. Add s\(z\), or write te\(x, z\)"):
        bm.prepare("y ~ s(x) + ti(x, z)", DATA)
    bm.prepare("y ~ s(x) + s(z) + ti(x, z)", DATA)


def test_the_unit_of_covariates_does_not_matter():
    plain = bm.prepare("y ~ te(x, z)", DATA)
    other = bm.prepare("y ~ te(x, z)", DATA.assign(x=1e6 + 1e3 * DATA["x"], z=1e-6 * DATA["z"]))
    np.testing.assert_allclose(other.mu.curves[0].matrix, plain.mu.curves[0].matrix, atol=1e-5)
    assert plain.priors["sd_te(x，z)"] == other.priors["sd_te(x，z)"]


def fixed(text="te(x, z) + (1 | g)"):
    design = bm.prepare(f"y ~ {text}", DATA)
    block = design.mu.curves[0]
    values = {"sigma": 0.3, "sd_te(x，z)": 0.7, "balance_te(x，z)": 0.4, "sd_g": 0.2}
    return fit_at(design, values | {design.mu.b(block): np.cos(np.arange(block.size))}, jitter=0.002)


def test_predictions_hold_the_surface_and_rows_beyond_it_are_pointed_out(tmp_path):
    fit = fixed()
    block, beta = fit.design.mu.curves[0], fit.posterior["beta"].values[0, 0]
    expected = fit.design.mu.population.matrix @ beta + block.matrix @ fit.posterior["b_te(x，z)"].values[0, 0]
    found = bm.predict(fit, groups="typical")["mean"]
    np.testing.assert_allclose(found.values[0, 0], expected, atol=1e-10)
    bm.save_fit(fit, tmp_path / "fit.nc")
    again = bm.predict(bm.load_fit(tmp_path / "fit.nc"), DATA.iloc[:9], groups="typical")["mean"]
    np.testing.assert_allclose(again, found[..., :9], atol=1e-10)
    with pytest.warns(StatisticsWarning, match="1 of 1 rows lie beyond the ranges 0 to 0.9"):
        bm.predict(fit, {"x": [2.0], "z": [50.0], "g": [1]})


def test_summaries_show_the_balance_and_pictures_the_surface():
    fit = fixed()
    effects = bm.smooth_effects(fit, draws=10).set_index("effect")["mean"]
    assert effects["balance"] == pytest.approx(0.4, abs=0.01)
    assert 3.0 < effects["edf"] < 24.0
    assert "edf 3: a plane with a twist" in str(bm.summary(fit))
    with pytest.raises(SpecError, match=r"bm\.plot_surface"):
        bm.plot_smooth(fit)
    assert bm.plot_surface(fit, "x:z").axes[0].get_ylabel() == "z"


def test_effective_degrees_of_freedom_are_the_trace_of_the_smoother_at_the_draws():
    fit = fixed("te(x, z)")
    block, posterior = fit.design.mu.curves[0], fit.posterior.isel(chain=slice(0, 1), draw=slice(0, 1))
    one = bm.smooth_effects(fit, draws=100)
    sd, sigma = (float(posterior[name].squeeze()) for name in ("sd_te(x，z)", "sigma"))
    sds = sd * block.spectrum.sds({"balance": posterior["balance_te(x，z)"].values.ravel()[:1]}, np)
    columns = np.hstack([fit.design.mu.population.matrix, block.matrix])
    columns = columns / np.linalg.norm(columns, axis=0)
    size = np.linalg.norm(np.hstack([fit.design.mu.population.matrix, block.matrix]), axis=0)
    penalty = np.append(np.zeros(4), sigma**2 / sds**2) / size**2
    trace = np.trace(np.linalg.solve(columns.T @ columns + np.diag(penalty), columns.T @ columns))
    assert one.set_index("effect")["mean"]["edf"] == pytest.approx(trace - 1.0, rel=0.01)


@pytest.mark.parametrize("engine", ["kernel", "collapsed", "marginal"])
def test_other_engines_say_why_they_cannot_sample_it(engine):
    with pytest.raises(SpecError, match=r"SDs of the coefficients of 'te\(x,z\)' depend on"):
        bm.fit("y ~ te(x, z)", DATA, engine=engine)
    with pytest.raises(SpecError, match="no maximum likelihood"):
        bm.approximate("y ~ te(x, z)", DATA)


@pytest.mark.slow
def test_a_fit_agrees_with_mgcv():
    """m <- gam(y ~ te(x, z, k = c(5, 6)), data = d, method = "REML"); predict(m, new, se.fit = TRUE, unconditional = TRUE);
    sqrt(m$sig2); sum(m$edf)."""
    fit = bm.fit("y ~ te(x, z, k=[5, 6])", DATA, draws=400, seed=1, progress=False)
    made = bm.predict(fit, {"x": [0.1, 0.5, 0.9], "z": [20, 80, 50]})["mean"]
    error = np.array([0.07175225, 0.07111652, 0.06144692])
    np.testing.assert_array_less(
        np.abs(made.mean(("chain", "draw")) - [0.8440929, 0.3866126, -1.7325921]), 0.15 * error
    )
    np.testing.assert_allclose(made.std(("chain", "draw")), error, rtol=0.15)
    assert float(fit.posterior["sigma"].mean()) == pytest.approx(0.1677, rel=0.05)
    assert bm.smooth_effects(fit, draws=50)["mean"].iloc[0] == pytest.approx(26.17 - 1.0, abs=0.7)


BY = DATA.assign(f=np.where(NUMBERS % 3 == 0, "a", "b"), w=((NUMBERS * 0.3) % 2).round(2))
BY["y"] = (
    np.sin(5 * BY["x"]) * BY["z"] / 50 + np.cos(BY["z"] / 20) * (BY["f"] == "a") + np.cos(7 * NUMBERS) / 4
).round(4)
BY["v"] = (np.sin(5 * BY["x"]) * BY["w"] + np.cos(7 * NUMBERS) / 4).round(4)


def best_predictions(formula, data, new):
    """Return predictions and residual variance at the maximum of the restricted likelihood of SDs and balances."""
    design = bm.prepare(formula, data)
    rows, (block,) = bm.prepare(design.spec, new, like=design), design.mu.curves
    (other,) = rows.mu.curves
    x, y, count = design.mu.population.matrix, np.asarray(design.response), block.curves
    z, points = block.sparse_columns().toarray(), other.sparse_columns().toarray()
    names = [one.name for one in block.spectrum.parameters]

    def solve(values):
        sds, share = np.exp(values[:count]), 1.0 / (1.0 + np.exp(-values[count:]))
        relative = block.spectrum.sds(dict(zip(names, share, strict=True)), np)
        variances = (relative.reshape(len(block.levels), -1) * sds).ravel() ** 2
        whole = np.eye(len(y)) + (z * variances) @ z.T
        inverse = np.linalg.inv(whole)
        cross = x.T @ inverse @ x
        beta = np.linalg.solve(cross, x.T @ inverse @ y)
        left = y - x @ beta
        sigma2 = left @ inverse @ left / (len(y) - x.shape[1])
        likelihood = np.linalg.slogdet(whole)[1] + np.linalg.slogdet(cross)[1] + (len(y) - x.shape[1]) * np.log(sigma2)
        return likelihood, rows.mu.population.matrix @ beta + points @ (variances * (z.T @ inverse @ left)), sigma2

    start = np.zeros(count + len(names))
    found = optimize.minimize(
        lambda values: solve(values)[0], start, bounds=[(-8, 8)] * count + [(-14, 14)] * len(names)
    )
    return solve(found.x)[1:]


@pytest.mark.parametrize(
    ("formula", "expected", "variance"),
    [
        ("y ~ f + te(x, z, k=4, by=f)", [0.6381663828, 0.8945426629, -1.6826510800, 1.2213130789], 0.04006166384),
        ("v ~ te(x, z, k=4, by=w)", [0.2609175679, 0.5823658266, -1.5007947238, 2.0553258670], 0.03334125544),
    ],
)
def test_surfaces_of_levels_and_numbers_are_those_of_mgcv(formula, expected, variance):
    """m <- gam(y ~ f + te(x, z, k = 4, by = f), data = d, method = "REML"); predict(m, new); m$sig2 (mgcv 1.8-41)."""
    new = {"x": [0.1, 0.5, 0.9, 0.3], "z": [20, 80, 50, 60], "f": ["a", "b", "a", "b"], "w": [0.5, 1, 1.5, 2], "g": 0}
    found, sigma2 = best_predictions(formula, BY, pd.DataFrame(new))
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert sigma2 == pytest.approx(variance, rel=2e-3)


def test_each_level_has_a_surface_with_an_sd_and_a_balance():
    design = bm.prepare("y ~ f + te(x, z, k=4, by=f)", BY)
    (block,) = design.mu.curves
    assert block.labels == ("a", "b")
    assert {"balance1_te(x，z):f", "balance2_te(x，z):f", "sd_te(x，z):f[a]"} <= {*design.priors}
    assert design.mu.population.labels[2:5] == ("te(x,z)[x]:f[a]", "te(x,z)[z]:f[a]", "te(x,z)[x:z]:f[a]")
    values = {"balance1": np.array([0.3]), "balance2": np.array([0.8])}
    variances = block.spectrum.sds(values, np) ** 2
    for curve in range(2):
        mean = np.mean(block.matrix[block.index == curve] ** 2, axis=0) @ variances[..., curve].ravel()
        assert mean == pytest.approx(1.0)
    stated = bm.prepare("y ~ f + te(x, z, k=4, by=f)", BY, priors={"balance_te(x，z):f": "Beta(2, 2)"})
    assert [str(stated.priors[f"balance{k}_te(x，z):f"].prior) for k in (1, 2)] == ["Beta(2, 2)"] * 2


def test_surfaces_of_levels_are_predicted_noted_and_pictured(tmp_path):
    design = bm.prepare("y ~ f + te(x, z, k=4, by=f)", BY)
    (block,) = design.mu.curves
    values = {"sigma": 0.3, "sd_te(x，z):f": [0.7, 0.2], "balance1_te(x，z):f": 0.4, "balance2_te(x，z):f": 0.6}
    effects = np.cos(np.arange(block.size)).reshape(block.shape)
    fit = fit_at(design, values | {design.mu.b(block): effects, "beta": np.zeros(8)})
    found = bm.predict(fit, BY.iloc[:4])["mean"].values[0, 0]
    assert np.allclose(found, [block.matrix[row] @ effects[:, block.index[row]] for row in range(4)])
    again = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    assert np.allclose(bm.predict(again, BY.iloc[:4])["mean"].values[0, 0], found)
    with pytest.warns(StatisticsWarning, match="fitted to for 'a'"):
        bm.predict(fit, {"x": [2.0], "z": [50.0], "f": ["a"]})
    edf = bm.smooth_effects(fit, draws=5).set_index(["level", "effect"])["mean"]
    assert edf["a", "edf"] > edf["b", "edf"] > 3.0
    with pytest.warns(StatisticsWarning, match="fitted to for 'a'"):
        assert bm.plot_surface(fit, "x:z", at={"f": "a"}).axes


def test_surfaces_of_levels_without_their_means_are_pointed_out():
    with pytest.warns(StatisticsWarning, match="share one mean"):
        bm.prepare("y ~ te(x, z, k=4, by=f)", BY)
    with pytest.raises(DataError, match="'w' is 0 in every row"):
        bm.prepare("y ~ te(x, z, k=4, by=w)", BY.assign(w=0.0))
