"""Effects of related levels in draws that are given: prediction, shares of variance, shrinkage and leaving out, by algebra."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm
from bayesmixed.cross_validation.log_densities import unit_draws
from bayesmixed.cross_validation.units import find_units
from bayesmixed.errors import DataError, StatisticsWarning
from bayesmixed.terms.relations import Factor

LEVELS = ["a", "b", "c", "d", "e", "f"]
MORE = ["new", "newer"]
SD, SIGMA = 0.8, 0.6
COLUMNS = np.array([[1.0, 0.4], [0.4, 0.5]])


def relation(seed=3):
    root = np.random.default_rng(seed).normal(size=(8, 12))
    matrix = root @ root.T / 9
    return pd.DataFrame(matrix, index=[*MORE, *LEVELS], columns=[*MORE, *LEVELS])


A = relation()
OWN = A.loc[LEVELS, LEVELS].to_numpy()
GRAPH = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("e", "d"), ("e", "f")]


def table(rows=40, seed=2):
    rng = np.random.default_rng(seed)
    g = np.array(LEVELS)[np.append(np.arange(6), rng.integers(0, 6, rows - 6))]
    return pd.DataFrame({"g": g, "x": rng.normal(size=rows), "y": rng.normal(size=rows), "k": rng.poisson(2, rows)})


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Variances in|Pareto")
        yield


def given(formula="y ~ x + (1 | gr(g, cov=A))", form=A, family="gaussian", seed=1):
    """Return a fit whose draws all hold the same parameters and effects."""
    design = bm.prepare(formula, table(), family=family, known={"A": form})
    (block,) = design.mu.groups
    sds = np.sqrt(np.diagonal(COLUMNS))
    values = {"beta": [0.3, 0.2], "sd_g": SD * sds[: block.width], "sigma": SIGMA}
    if block.width > 1:
        values["corr_g"] = COLUMNS / np.outer(sds, sds)
    effects = block.root @ np.random.default_rng(seed).normal(size=(block.root.shape[1], block.width))
    return fit_at(design, values | {"b_g": effects}), effects


def drawn(fit, rows, groups="any", draws=3000):
    """Return predictors of rows in many draws of the effects."""
    one = fit.draws["posterior"].to_dataset().isel(chain=[0], draw=[0] * draws).assign_coords(draw=np.arange(draws))
    many = replace(
        fit, draws=xr.DataTree.from_dict({"posterior": one}), settings=replace(fit.settings, chains=1, draws=draws)
    )
    return bm.predict(many, rows, groups=groups, kind="linear", seed=1)["linear"].values[0]


def test_new_levels_in_the_relation_are_drawn_given_those_of_the_fit():
    fit, effects = given("y ~ x + (x | gr(g, cov=A))")
    rows = pd.DataFrame({"g": [*MORE, "b"], "x": [0.0, 0.0, 1.0]})
    found = drawn(fit, rows)
    cross = A.loc[MORE, LEVELS].to_numpy() @ np.linalg.inv(OWN)
    mean = 0.3 + cross @ effects[:, 0]
    covariance = SD**2 * (A.loc[MORE, MORE].to_numpy() - cross @ A.loc[LEVELS, MORE].to_numpy())
    error = np.sqrt(np.diagonal(covariance) / 3000)
    assert np.all(np.abs(found[:, :2].mean(axis=0) - mean) < 4 * error)
    assert np.allclose(np.cov(found[:, :2].T), covariance, atol=6 * np.max(covariance) / np.sqrt(3000))
    assert np.allclose(found[:, 2], 0.5 + effects[1].sum())


def test_levels_that_the_relation_does_not_know_are_unrelated_and_that_is_said():
    fit, effects = given()
    rows = pd.DataFrame({"g": ["unknown", "a"], "x": [0.0, 0.0]})
    with pytest.warns(StatisticsWarning, match="how 'unknown' of 'g' relate to the levels of the fit"):
        found = drawn(fit, rows)
    assert np.mean(found[:, 0]) == pytest.approx(0.3, abs=4 * SD / np.sqrt(3000))
    assert np.var(found[:, 0]) == pytest.approx(SD**2 * np.diagonal(OWN).mean(), rel=0.12)
    assert np.allclose(found[:, 1], 0.3 + effects[0])


def test_fresh_levels_have_the_covariances_of_the_relation():
    fit, _ = given()
    found = drawn(fit, pd.DataFrame({"g": LEVELS, "x": 0.0}), groups="new")
    assert np.allclose(np.cov(found.T), SD**2 * OWN, atol=0.15)
    averaged, _ = given(family="poisson", formula="k ~ x + (1 | gr(g, cov=A))")
    mean = bm.predict(averaged, pd.DataFrame({"g": ["a", "f"], "x": 0.0}), groups="average")["mean"].values[0, 0]
    assert np.allclose(mean, np.exp(0.3 + SD**2 * OWN[[0, 5], [0, 5]] / 2))


def test_new_areas_of_a_graph_follow_from_their_neighbours():
    graph = [*GRAPH, ("new", "a"), ("new", "b")]
    fit, effects = given("y ~ x + (1 | gr(g, graph=A))", graph)
    (block,) = fit.design.mu.groups
    found = drawn(fit, pd.DataFrame({"g": ["new"], "x": [0.0]}), draws=200)
    # Effects of all areas add up to zero.
    assert np.allclose(found, 0.3 - effects.sum(), atol=1e-6)
    whole, _ = given("y ~ x + (1 | gr(g, graph=A))", GRAPH)
    assert whole.design.mu.groups[0].root.shape == (6, 5)
    assert block.root.shape == (6, 6)


def test_shares_of_variance_count_the_mean_of_the_diagonal():
    fit, _ = given()
    own = np.mean(np.diagonal(OWN)[[LEVELS.index(g) for g in table()["g"]]]) * SD**2
    found = bm.icc(fit).query("effect == 'icc'")["mean"]
    assert found.iloc[0] == pytest.approx(own / (own + SIGMA**2), rel=1e-9)
    fixed = np.var(0.2 * table()["x"], ddof=0)
    r2 = bm.r2(fit).query("effect == 'conditional' and term != 'Gelman et al.'")["mean"].iloc[0]
    assert r2 == pytest.approx((own + fixed) / (own + fixed + SIGMA**2), rel=0.02)


@pytest.mark.parametrize("formula", ["y ~ x + (1 | gr(g, cov=A))", "y ~ x + (x | gr(g, cov=A))"])
def test_shrinkage_is_that_of_all_levels_together(formula):
    fit, _ = given(formula)
    data, width = table(), len(fit.design.mu.groups[0].labels)
    index = np.array([LEVELS.index(g) for g in data["g"]])
    z = np.zeros((40, 6 * width))
    for k, column in enumerate((np.ones(40), data["x"])[:width]):
        z[np.arange(40), index * width + k] = column
    prior = SD**2 * np.kron(OWN, COLUMNS[:width, :width])
    after = prior - prior @ z.T @ np.linalg.inv(z @ prior @ z.T + SIGMA**2 * np.eye(40)) @ z @ prior
    table_of = bm.shrinkage(fit)
    assert np.allclose(table_of["factor"], 1 - np.diagonal(after) / np.diagonal(prior), atol=1e-9)
    assert table_of["no_pooling"].notna().all()


@pytest.mark.parametrize("form", ["cov", "graph"])
def test_a_level_that_is_left_out_is_integrated_given_the_others(form):
    fit, effects = given(f"y ~ x + (1 | gr(g, {form}=A))", A if form == "cov" else GRAPH)
    data, block = table(), fit.design.mu.groups[0]
    a = block.level_covariances
    logs = unit_draws(fit, find_units(fit.design, "g")).values[0, 0]
    for level in range(6):
        others = np.arange(6) != level
        weights = a[level, others] @ np.linalg.pinv(a[np.ix_(others, others)])
        left = SD**2 * max(a[level, level] - weights @ a[others, level], 0.0)
        rows = (data["g"] == LEVELS[level]).to_numpy()
        count = int(rows.sum())
        mean = 0.3 + 0.2 * data["x"][rows] + weights @ effects[others, 0]
        expected = stats.multivariate_normal(mean, left + SIGMA**2 * np.eye(count)).logpdf(data["y"][rows])
        assert logs[level] == pytest.approx(expected, abs=1e-5)


def test_two_levels_that_leave_with_one_unit_are_integrated_together():
    fit, effects = given()
    data = table().assign(genus=["early" if g in "abc" else g for g in table()["g"]])
    units = Factor("genus", pd.factorize(data["genus"])[0], tuple(data["genus"].unique()))
    logs = unit_draws(fit, units).values[0, 0]
    own, others = np.arange(3), np.arange(3, 6)
    weights = OWN[np.ix_(own, others)] @ np.linalg.inv(OWN[np.ix_(others, others)])
    left = SD**2 * (OWN[np.ix_(own, own)] - weights @ OWN[np.ix_(others, own)])
    rows = (data["genus"] == "early").to_numpy()
    z = np.array([[float(g == label) for label in "abc"] for g in table()["g"][rows]])
    mean = 0.3 + 0.2 * data["x"][rows] + z @ weights @ effects[others, 0]
    expected = stats.multivariate_normal(mean, z @ left @ z.T + SIGMA**2 * np.eye(len(z))).logpdf(data["y"][rows])
    assert logs[units.labels.index("early")] == pytest.approx(expected, abs=1e-8)


def test_one_row_of_each_level_has_effects_unless_the_relation_says_that_they_are_unrelated():
    data = table().drop_duplicates("g").assign(b=[0, 1, 1, 0, 1, 0])
    design = bm.prepare("y ~ 1 + (1 | gr(g, cov=A))", data, known={"A": A})
    fit = fit_at(design, {"sd_g": SD, "sigma": SIGMA})
    own = SD**2 * np.mean(np.diagonal(OWN))
    share = bm.icc(fit).query("effect == 'share' and term == 'g'")["mean"].iloc[0]
    assert share == pytest.approx(own / (own + SIGMA**2), rel=1e-9)
    bm.prepare("b ~ 1 + (1 | gr(g, cov=A))", data, family="bernoulli", known={"A": A})
    with pytest.raises(DataError, match="one row in each level"):
        bm.prepare("y ~ 1 + (1 | gr(g, cov=A))", data, known={"A": (2.0 * np.eye(6), LEVELS)})
    report = str(bm.check_data("y ~ 1 + (1 | gr(g, cov=A))", data, known={"A": A}))
    assert "only their known relation tells its effects from a residual" in " ".join(report.split())


def test_a_saved_fit_keeps_the_relation(tmp_path):
    fit, _ = given()
    again = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    assert again.design.spec == fit.design.spec
    rows = pd.DataFrame({"g": ["new"], "x": [0.0]})
    first, second = (bm.predict(one, rows, groups="any", seed=3) for one in (fit, again))
    assert first.equals(second)


def test_replicates_of_the_prior_vary_as_the_relation_says():
    design = bm.prepare(
        "y ~ 1 + (1 | gr(g, cov=A))",
        table(),
        known={"A": A},
        priors={"beta[Intercept]": 0.0, "sd_g": SD, "sigma": 1e-6},
    )
    found = bm.prior_predictive(design, draws=4000, seed=1).draws["prior_predictive"]["y"].values[0][:, :6]
    assert np.allclose(np.cov(found.T), SD**2 * OWN, atol=0.12)


def test_maximum_likelihood_is_that_of_the_dense_normal_distribution():
    design = bm.prepare(
        "y ~ x + (1 | gr(g, cov=A))",
        table().assign(
            y=np.random.default_rng(5).normal(size=40)
            + [float(np.linalg.cholesky(OWN)[LEVELS.index(g)].sum()) for g in table()["g"]]
        ),
        known={"A": A},
    )
    found = bm.approximate(design)
    z, x = design.mu.groups[0].indicators(), design.mu.population.matrix
    sd, sigma = found.estimates["sd_g[Intercept]"], found.estimates["sigma"]
    covariance = sd**2 * z @ OWN @ z.T + sigma**2 * np.eye(40)
    beta = np.array([found.estimates["beta[Intercept]"], found.estimates["beta[x]"]])
    law = stats.multivariate_normal(x @ beta, covariance)
    assert found.log_likelihood == pytest.approx(law.logpdf(design.response), abs=1e-7)
    gain = sd**2 * OWN @ z.T @ np.linalg.inv(covariance)
    effects = found.effects.set_index("level")
    assert list(effects.index) == LEVELS
    assert np.allclose(effects["estimate"], gain @ (design.response - x @ beta), atol=1e-6)
    assert np.allclose(effects["sd"] ** 2, np.diagonal(sd**2 * OWN - gain @ z @ OWN * sd**2), atol=1e-7)
