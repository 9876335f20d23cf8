"""Weights of rows: precisions divide a variance, likelihood weights are powers."""

import warnings

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import stats
from weighted_rows import kernel_density, prepared, weighted_table, written_out

import bayesmixed as bm
from bayesmixed.equations import write_equations
from bayesmixed.errors import DataError, SpecError
from bayesmixed.kernels.collapsed.compiled import evaluate as evaluate_collapsed
from bayesmixed.kernels.collapsed.exact_draws import draw_integrated, place_effects
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed
from bayesmixed.kernels.joint.decoding import decode
from bayesmixed.kernels.joint.layouts import lay_out_coordinates
from bayesmixed.spec.files import spec_from_toml, spec_to_toml
from bayesmixed.terms.weights import refuse_weights


@pytest.fixture
def data():
    return weighted_table()


@pytest.mark.parametrize("kind", ["frequency", "likelihood"])
def test_leaving_out_weighted_rows_is_refused(data, kind):
    some = fit_at(prepared(f"y | weights(w, '{kind}') ~ x + (1 | g)", data), {"sigma": 1.0, "sd_g": 1.0})
    calls = [lambda: bm.loo(some, unit="observation"), lambda: bm.log_likelihood(some)]
    calls += [lambda: bm.loo(some, unit="g"), lambda: bm.kfold(some, by="g")] if kind == "likelihood" else []
    for call in calls:
        with pytest.raises(SpecError, match=f"is not defined for rows with {kind} weights"):
            call()


@pytest.mark.parametrize("family", ["gaussian", "student"])
def test_the_log_likelihood_of_a_row_knows_its_precision(data, family):
    design = prepared("y | weights(w, 'precision') ~ x + (1 | g)", data, family=family)
    some = fit_at(design, {"sigma": 1.5, "nu": 4.0, "sd_g": 0.7, "beta": 0.2})
    eta = 0.2 + 0.2 * data["x"]
    sd = 1.5 / np.sqrt(data["w"])
    law = stats.norm(eta, sd) if family == "gaussian" else stats.t(4.0, eta, sd)
    assert bm.log_likelihood(some)[0, 0].values == pytest.approx(law.logpdf(data["y"]))
    if family == "gaussian":
        groups = bm.log_likelihood(some, integrate="g")[0, 0]
        for label in "ab":
            rows = (data["g"] == label).to_numpy()
            joint = stats.multivariate_normal(eta[rows], 0.49 + np.diag(sd[rows] ** 2))
            assert float(groups.sel(g=label)) == pytest.approx(joint.logpdf(data["y"][rows]))


def dense_marginal(design, sigma, sd, variance):
    """Return the log-density of y with coefficients and scalar effects integrated out, `variance` that of the rows."""
    mean = np.array([design.priors["beta[Intercept_centred]"].prior.arguments[0], 0.0])
    spread = [design.priors[key].prior.arguments[1] ** 2 for key in ("beta[Intercept_centred]", "beta[x]")]
    columns = design.mu.centred_matrix
    z = np.eye(len(design.mu.groups[0].levels))[design.mu.groups[0].index]
    covariance = columns @ np.diag(spread) @ columns.T + sd**2 * z @ z.T + np.diag(variance * sigma**2)
    return stats.multivariate_normal(columns @ mean, covariance).logpdf(np.asarray(design.response))


def test_a_precision_divides_the_residual_variance(data):
    design = prepared("y | weights(w, 'precision') ~ x + (1 | g)", data)
    collapsed = lay_out_collapsed(design)
    priors = [design.priors[key].prior.frozen() for key in ("sd_g[Intercept]", "sigma")]
    for sd, sigma in ((0.5, 1.5), (2.0, 0.3)):
        value, _ = evaluate_collapsed(collapsed.packed, np.log([sd, sigma]))
        scalars = sum(law.logpdf(v) + np.log(v) for law, v in zip(priors, (sd, sigma), strict=True))
        expected = dense_marginal(design, sigma, sd, 1.0 / data["w"].to_numpy())
        assert value == pytest.approx(expected + scalars, rel=1e-10)


def test_under_flat_priors_coefficients_are_those_of_weighted_least_squares(data):
    priors = {"beta": "Normal(0, 1e6)", "beta[Intercept]": "Normal(0, 1e6)"}
    design = prepared("y | weights(w, 'precision') ~ x", data, priors=priors)
    collapsed = lay_out_collapsed(design)
    points = np.log(np.full((1, 1), 0.8))
    full = np.zeros((1, collapsed.full.dimension))
    place_effects(collapsed, draw_integrated(collapsed, points, np.zeros((1, collapsed.size))), full)
    columns, w = np.column_stack([np.ones(30), data["x"]]), data["w"].to_numpy(dtype=float)
    expected = np.linalg.solve(columns.T @ (w[:, None] * columns), columns.T @ (w * data["y"]))
    assert decode(collapsed.full, full)["beta"][1][0] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("family", ["gaussian", "student"])
def test_likelihood_weights_are_powers_of_the_likelihood(data, family):
    data["w"] = data["w"] / 3.0
    plain = prepared("y ~ x + (1 | g)", data, family=family)
    weighted = prepared("y | weights(w, 'likelihood') ~ x + (1 | g)", data, family=family)
    assert weighted.priors == plain.priors
    layout = lay_out_coordinates(plain, {})
    x = 0.3 * np.random.default_rng(2).normal(size=layout.dimension)
    values = {name: found[1][0] for name, found in decode(layout, x[None]).items()}
    eta = plain.mu.population.matrix @ values["beta"] + values["b_g"][plain.mu.groups[0].index, 0]
    parameters = {"mu": eta, **{name: values[name] for name in plain.scalars}}
    logp = plain.family.logp(np.asarray(plain.response), parameters, 1.0)
    difference = kernel_density(weighted, x)[0] - kernel_density(plain, x)[0]
    assert difference == pytest.approx(np.sum((data["w"] - 1.0) * logp), rel=1e-10)


def test_the_collapsed_engine_takes_likelihood_weights(data):
    design = prepared("y | weights(w, 'likelihood') ~ x + (1 | g)", data)
    copies = bm.prepare("y ~ x + (1 | g)", written_out(data), like=design)
    x = np.log([0.7, 1.3])
    expected = evaluate_collapsed(lay_out_collapsed(copies).packed, x)[0]
    assert evaluate_collapsed(lay_out_collapsed(design).packed, x)[0] == pytest.approx(expected, rel=1e-10)


def test_new_observations_have_the_precision_of_their_row(data):
    design = prepared("y | weights(w, 'precision') ~ 1", data)
    some = fit_at(design, {"sigma": 2.0})
    new = pd.DataFrame({"w": np.repeat([1, 16], 2000)})
    spread = bm.predict(some, new, kind="response", draws=2, seed=1)["response"].isel(chain=0, draw=0).values
    assert spread[:2000].std() == pytest.approx(2.0, rel=0.1)
    assert spread[2000:].std() == pytest.approx(0.5, rel=0.1)
    assert bm.predict(some, pd.DataFrame({"z": [1]}))["mean"].values == pytest.approx(0.0)
    with pytest.raises(DataError, match="needs the precision weights 'w'"):
        bm.predict(some, pd.DataFrame({"z": [1]}), kind="response")


def test_a_simulated_response_has_the_precision_of_its_row(data):
    data["w"] = np.where(np.arange(30) < 15, 1e-4, 1e4)
    spec = bm.from_formula("y | weights(w, 'precision') ~ 1")
    y = bm.simulate(spec, data=data, truth={"beta[Intercept]": 0.0, "sigma": 1.0}, seed=1).data["y"]
    assert np.abs(y[:15]).max() > 20
    assert np.abs(y[15:]).max() < 0.1


def test_equations_divide_the_residual_variance_by_the_precision(data):
    formula = "y | weights(w, 'precision') ~ x + (1 | g)"
    for model in (bm.from_formula(formula), prepared(formula, data)):
        assert r"\mu_{ij}, \sigma^2/\text{w}_{ij}" in model.to_latex()
        assert "σ²/w_ij" in write_equations(model)
    assert "sqrt(w)" in bm.from_formula(formula, family="student").to_latex()
    assert "text{w}" not in bm.from_formula(formula.replace("precision", "likelihood")).to_latex()


@pytest.mark.parametrize("kind", ["frequency", "precision", "likelihood"])
def test_a_spec_with_weights_is_written_and_read_back(kind):
    spec = bm.from_formula(f"y | weights(w, '{kind}') ~ x + (1 | g)")
    assert spec.formula == f'y | weights(w, "{kind}") ~ 1 + x + (1 | g)'
    assert spec_from_toml(spec_to_toml(spec)) == spec
    assert bm.from_formula(**spec.as_formula()) == spec
    assert spec.update("~ . - x").weights == bm.Weights(column="w", kind=kind)
    assert (
        bm.ModelSpec(response="y", weights={"column": "w", "kind": kind}, predictors={"mu": []}).weights == spec.weights
    )


def test_trials_and_weights_are_joined_by_a_plus():
    spec = bm.from_formula("y | weights(w, 'frequency') + trials(n) ~ x", family="binomial")
    assert (spec.trials, spec.weights.column) == ("n", "w")
    assert spec.formula == 'y | trials(n) + weights(w, "frequency") ~ 1 + x'


def test_a_saved_fit_keeps_its_weights(data, tmp_path):
    design = prepared("y | weights(w, 'frequency') ~ x + (x | g)", data)
    at = {"sigma": 1.2, "sd_g": 0.7, "corr_g": np.eye(2)}
    loaded = bm.load_fit(bm.save_fit(fit_at(design, at), tmp_path / "fit.nc")).design
    assert loaded.priors == design.priors
    assert loaded.weights.tolist() == data["w"].tolist()


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (
            "frequency",
            1.5,
            "must be whole numbers from 1, as frequencies; 1 of 30 rows are not .first: row 3, value 1.5",
        ),
        ("precision", 0.0, "must be numbers above zero; 1 of 30 rows are not"),
        ("likelihood", -1.0, "must be numbers above zero"),
        ("likelihood", "many", "1 of 30 values are text"),
    ],
)
def test_impossible_weights_are_refused(data, kind, value, words):
    data["w"] = data["w"].astype(object if isinstance(value, str) else float)
    data.loc[3, "w"] = value
    with pytest.raises(DataError, match=words):
        prepared(f"y | weights(w, '{kind}') ~ x", data)


def test_rows_without_a_weight_are_missing(data):
    data["w"] = data["w"].astype(float)
    data.loc[3, "w"] = np.nan
    for kind in ("frequency", "precision"):
        with pytest.raises(DataError, match=r"missing values .*'w' \(1\)"):
            prepared(f"y | weights(w, '{kind}') ~ x", data)
        spec = bm.from_formula(f"y | weights(w, '{kind}') ~ x")
        assert bm.prepare(spec, data, missing="drop").rows == 29


@pytest.mark.parametrize(
    ("formula", "options", "words"),
    [
        ("y | weights(w, 'precision') ~ x", {"family": "poisson"}, "divide a residual variance"),
        ("y | weights(w, 'frequency') ~ x + obs()", {"family": "poisson"}, "has an effect for each row"),
        ("y | weights(absent, 'frequency') ~ x", {}, "Weights column 'absent' is not in the data"),
    ],
)
def test_weights_that_do_not_suit_the_model_are_refused(data, formula, options, words):
    with pytest.raises(SpecError, match=words):
        prepared(formula, data, **options)


def test_what_weighted_rows_cannot_have_is_refused():
    with pytest.raises(SpecError, match="LOO is not defined for rows with likelihood weights: a power of a likelihood"):
        refuse_weights(bm.Weights(column="w", kind="likelihood"), "LOO")
    with pytest.raises(SpecError, match="a row represents 'w' rows"):
        refuse_weights(bm.Weights(column="w", kind="frequency"), "LOO")
    refuse_weights(bm.Weights(column="w", kind="precision"), "LOO")
    refuse_weights(None, "LOO")


@pytest.mark.slow
def test_the_engines_agree_on_precision_weights(data):
    formula = "y | weights(w, 'precision') ~ x + (1 | g)"
    means = {}
    for engine in ("collapsed", "kernel"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", bm.StatisticsWarning)
            means[engine] = bm.fit(
                formula, data, engine=engine, seed=1, chains=2, draws=1000, progress=False
            ).posterior.mean()
    for name in ("beta", "sigma", "sd_g"):
        difference = np.abs(means["collapsed"][name] - means["kernel"][name])
        assert float(difference.max()) < 0.1
