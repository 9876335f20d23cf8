"""Multi-membership terms: rows with several levels, against PyMC by hand, plain group terms and what is known."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from model_densities import log_density
from scipy import stats

import bayesmixed as bm
from bayesmixed.cross_validation.left_out_units import situate
from bayesmixed.cross_validation.units import find_units
from bayesmixed.equations import write_equations
from bayesmixed.errors import BayesMixedError, DataError, SpecError
from bayesmixed.kernels.joint.compiled import evaluate
from bayesmixed.kernels.joint.layouts import lay_out_coordinates
from bayesmixed.kernels.joint.packed_designs import pack

LEVELS = [f"s{k}" for k in range(1, 9)]
WEIGHTED = "y ~ x + mm(a, b, weights=[u, v])"


def table(rows=90, seed=5):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 8, (2, rows))
    b[:15] = a[:15]
    made = {"a": np.array(LEVELS)[a], "b": np.array(LEVELS)[b], "x": rng.normal(size=rows)}
    made |= {"u": rng.uniform(0.5, 2.0, rows), "v": np.where(np.arange(rows) < 30, 0.0, rng.uniform(0.5, 2.0, rows))}
    return pd.DataFrame(made | {"y": rng.normal(size=rows), "count": rng.poisson(3.0, rows)})


def shares_by_hand(data, equal=False):
    """Return the (n, 8) matrix of shares, row by row."""
    found = np.zeros((len(data), 8))
    for row, (a, b, u, v) in enumerate(zip(data["a"], data["b"], data["u"], data["v"], strict=True)):
        weights = (0.5, 0.5) if equal else (u / (u + v), v / (u + v))
        for label, share in zip((a, b), weights, strict=True):
            found[row, LEVELS.index(label)] += share
    return found


def prepared(formula=WEIGHTED, data=None, **options):
    return bm.prepare(bm.from_formula(formula, **options), table() if data is None else data)


def fitted(formula=WEIGHTED, seed=1, sd=0.7, **options):
    """Return a fit whose draws all hold the same parameters and effects."""
    design = prepared(formula, **options)
    (block,) = design.mu.groups
    effects = np.random.default_rng(seed).normal(size=block.shape)
    values = {"beta": np.full(len(design.mu.population.labels), 0.3), design.mu.sd(block): sd, "sigma": 1.2}
    return fit_at(design, values | {design.mu.b(block): effects}), effects


@pytest.mark.parametrize("equal", [True, False])
def test_shares_are_weights_over_their_sum_and_a_level_named_twice_has_both(equal):
    (block,) = prepared("y ~ x + mm(a, b)" if equal else WEIGHTED).mu.groups
    assert block.levels == tuple(LEVELS)
    assert np.allclose(block.indicators(), shares_by_hand(table(), equal), atol=1e-15)
    assert np.allclose(block.sparse_columns().toarray(), shares_by_hand(table(), equal), atol=1e-15)


def test_weights_stay_as_they_are_where_asked():
    data = table()
    (block,) = prepared("y ~ x + mm(a, b, weights=[u, v], scale=False)").mu.groups
    assert np.allclose(block.indicators().sum(axis=1), data["u"] + data["v"])


def test_the_model_is_the_one_written_in_pymc_by_hand():
    import pymc as pm

    data, design = (
        table(),
        prepared(priors={"beta": "Normal(0, 1)", "beta[Intercept]": "Normal(0, 2)", "sigma": "HalfNormal(1)"}),
    )
    name = design.mu.sd(design.mu.groups[0])
    scale = design.priors[f"{name}[Intercept]"].prior.arguments[1]
    with pm.Model() as by_hand:
        beta = pm.Normal("beta", 0.0, np.array([2.0, 1.0]), shape=2)
        sd = pm.HalfStudentT("sd", 4, scale, shape=1)
        b = pm.Normal("b", 0.0, sd[0], shape=8)
        sigma = pm.HalfNormal("sigma", 1.0)
        pm.Normal("y", beta[0] + beta[1] * data["x"] + shares_by_hand(data) @ b, sigma, observed=data["y"])
    rng = np.random.default_rng(2)
    for _ in range(3):
        effects, slopes = rng.normal(size=8), rng.normal(size=2)
        ours = {"beta": slopes, name: [0.8], "b_mm(a+b)": effects[:, None], "sigma": 1.3}
        theirs = {"beta": slopes, "sd": [0.8], "b": effects, "sigma": 1.3}
        assert log_density(bm.build(design), ours) == pytest.approx(log_density(by_hand, theirs), rel=1e-9)


@pytest.mark.parametrize(
    ("formula", "family"), [("count ~ x + mm(a, b)", "poisson"), ("y ~ x + (x | mm(a, b, weights=[u, v]))", "gaussian")]
)
def test_the_compiled_density_differs_from_the_likelihood_by_a_constant_of_the_effects(formula, family):
    design = prepared(formula, family=family)
    (block,) = design.mu.groups
    layout = lay_out_coordinates(design, {design.mu.b(block): np.ones(8, dtype=bool)})
    packed, (term,) = pack(layout), layout.predictors["mu"].terms
    rng, x = np.random.default_rng(3), np.zeros(layout.dimension)
    x[term.sd.places] = np.log(0.6)

    def by_hand(effects):
        matrix = shares_by_hand(table(), equal=family == "poisson")
        eta = np.sum((matrix @ effects) * block.centred_matrix, axis=1)
        prior = stats.norm(0, 0.6).logpdf(effects).sum()
        y = design.response
        return prior + (
            stats.poisson(np.exp(eta)).logpmf(y).sum() if family == "poisson" else stats.norm(eta, 1).logpdf(y).sum()
        )

    compared = []
    for _ in range(3):
        effects = rng.normal(size=block.shape)
        x[term.effects] = effects.ravel()
        value, gradient = evaluate(packed, x)
        compared.append(value - by_hand(effects))
        step, direction = 1e-5, rng.normal(size=len(x))
        ahead, behind = (evaluate(packed, x + sign * step * direction)[0] for sign in (1, -1))
        assert (ahead - behind) / (2 * step) == pytest.approx(gradient @ direction, rel=1e-6, abs=1e-5)
    assert np.ptp(compared) < 1e-8


def test_one_member_is_a_plain_group_term():
    one, plain = prepared("y ~ x + (x | mm(a))"), prepared("y ~ x + (x | a)")
    first, second = one.mu.groups[0], plain.mu.groups[0]
    assert np.array_equal(first.indicators(), second.indicators())
    for name in ("labels", "levels", "parts"):
        assert getattr(first, name) == getattr(second, name)
    for name in ("centred_matrix", "spread_matrix", "transform", "units", "sizes"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    priors = [list(map(str, (entry.prior for entry in design.priors.values()))) for design in (one, plain)]
    assert priors[0] == priors[1]
    assert bm.icc(fitted("y ~ x + mm(a)")[0])["mean"].tolist() == bm.icc(fitted("y ~ x + (1 | a)")[0])["mean"].tolist()


@pytest.mark.parametrize(
    "text",
    [
        "mm(a, b)",
        "mm(a, b, weights=[u, v])",
        "(1 | mm(a, b, weights = c(u, v)))",
        "(1 + x || mm(a, b, scale=FALSE, weights=c(u, v)))",
    ],
)
def test_a_term_is_read_from_formulas_of_brms_and_printed_back(text):
    spec = bm.from_formula(f"y ~ x + {text}")
    assert bm.from_formula(spec.formula) == spec
    assert isinstance(spec.predictors["mu"][1], bm.MultiMembership)


def test_new_levels_are_drawn_anew_and_known_ones_keep_their_share():
    fit, effects = fitted(sd=0.7)
    rows = pd.DataFrame({"a": ["s1", "new"], "b": ["s2", "s3"], "x": 0.0, "u": 1.0, "v": 3.0})
    with pytest.raises(DataError, match="new"):
        bm.predict(fit, rows)
    eta = bm.predict(fit, rows, groups="any", kind="linear", seed=1)["linear"].values.reshape(-1, 2)
    assert np.allclose(eta[:, 0], 0.3 + 0.25 * effects[0] + 0.75 * effects[1])
    assert eta[:, 1].mean() == pytest.approx(float(0.3 + 0.75 * effects[2, 0]), abs=0.08)
    assert eta[:, 1].std() == pytest.approx(0.25 * 0.7, rel=0.25)
    fresh = bm.predict(fit, rows, groups="new", kind="linear", seed=1)["linear"].values.reshape(-1, 2)
    assert fresh.std(axis=0) == pytest.approx(0.7 * np.hypot(0.25, 0.75) * np.ones(2), rel=0.25)


def test_the_icc_counts_the_mean_sum_of_squared_shares():
    fit, _ = fitted(sd=0.7)
    between = 0.49 * np.mean(np.sum(shares_by_hand(table()) ** 2, axis=1))
    table_of_shares = bm.icc(fit).set_index(["term", "effect"])["mean"]
    assert table_of_shares["mm(a+b)", "share"] == pytest.approx(between / (between + 1.44), rel=1e-9)
    averaged = bm.predict(fit, groups="average", kind="mean")["mean"].values
    assert np.allclose(averaged, 0.3 + 0.3 * table()["x"].to_numpy())


def test_shrinkage_is_that_of_the_information_about_a_level_given_the_others():
    fit, _ = fitted(sd=0.7)
    known = np.sum(shares_by_hand(table()) ** 2, axis=0) / 1.44
    shown = bm.shrinkage(fit)
    assert shown["factor"].to_numpy() == pytest.approx(0.49 * known / (1 + 0.49 * known), rel=1e-9)
    assert shown["no_pooling"].isna().all()
    assert (shown["rows"].to_numpy() == np.count_nonzero(shares_by_hand(table()), axis=0)).all()


def test_shrinkage_by_quadrature_agrees_where_the_response_is_almost_normal():
    design = prepared("count ~ 1 + mm(a, b)", data=table().assign(count=lambda d: d["count"] + 400), family="poisson")
    fit = fit_at(design, {"beta": [6.0], "sd_mm(a+b)": 0.05})
    known = np.exp(6.0) * np.sum(shares_by_hand(table(), equal=True) ** 2, axis=0)
    assert bm.shrinkage(fit)["factor"].to_numpy() == pytest.approx(0.0025 * known / (1 + 0.0025 * known), rel=2e-2)


def test_the_effect_of_a_level_of_one_row_leaves_with_it_and_its_other_levels_stay():
    data = table().assign(b=lambda d: np.where(np.arange(len(d)) == 50, "alone", d["b"]))
    design = prepared("y ~ x + mm(a, b)", data=data)
    effects = np.random.default_rng(6).normal(size=(9, 1))
    fit = fit_at(design, {"b_mm(a+b)": effects, "sd_mm(a+b)": 0.7, "sigma": 1.2})
    units_out = situate(design, fit.posterior, find_units(design, "observation"))
    ((source,),) = ([*layer.sources] for layer in units_out.layers)
    kept = design.mu.groups[0].indicators()
    kept[50, design.mu.groups[0].levels.index("alone")] = 0.0
    assert np.allclose(units_out.etas["mu"], kept @ effects[:, 0])
    assert np.flatnonzero(source.loadings[0, :, 0]).tolist() == [50]
    assert np.allclose(source.loadings[:, 50], 0.35)
    with pytest.raises(SpecError, match="is not a unit"):
        find_units(design, "mm(a+b)")


def test_equations_sum_over_the_levels_of_a_row():
    design = prepared()
    for text in (write_equations(design), write_equations(design.spec)):
        assert "mm(a+b)" in text
        assert "sum_l w_mm(a+b),il·b_l" in text


@pytest.mark.parametrize(
    ("change", "formula", "message"),
    [
        ({"u": -1.0}, WEIGHTED, "from 0 on"),
        ({"u": 0.0}, WEIGHTED, "add up to 0"),
        ({"u": "heavy"}, WEIGHTED, "number"),
        ({"u": np.nan}, WEIGHTED, "missing"),
        ({"b": None}, "y ~ mm(a, b)", "missing"),
        ({"a": "s1", "b": "s1"}, "y ~ mm(a, b)", "one level"),
        ({}, "y ~ mm(a, c)", "'c'"),
        ({}, "y ~ mm(a, b, weights=[u, z])", "'z'"),
        ({}, "y ~ mm(a, b, weights=[u])", "1 columns of weights for 2"),
        ({}, "y ~ mm(a, b, weights=u)", "list of columns"),
        ({}, "y ~ mm(a, a)", "twice"),
        ({}, "y ~ mm()", "needs the columns"),
        ({}, "y ~ mm(a, b, scale=False)", "none are given"),
        ({}, "y ~ mm(a, b, wieghts=[u, v])", "weights"),
        ({}, "y ~ x:mm(a, b)", "a term of its own"),
        ({}, "y ~ mm(a, b, weights=[u, v]) + (0 + x | mm(a, b))", "different weights"),
    ],
)
def test_what_cannot_be_is_refused(change, formula, message):
    with pytest.raises(BayesMixedError, match=message):
        prepared(formula, data=table().assign(**change))


def test_simulated_data_have_the_effects_of_the_truth():
    truth = {"beta": 0.0, "sd_mm(a+b)": 2.0, "sigma": 1e-6, "beta[Intercept]": 1.0, "beta[x]": 0.0}
    made = bm.simulate(
        "y ~ x + mm(a, b, weights=[u, v])", data=table(), truth={k: v for k, v in truth.items() if k != "beta"}, seed=4
    )
    effects = made.truth["b_mm(a+b)"].values[:, 0]
    assert np.allclose(made.data["y"], 1.0 + shares_by_hand(table()) @ effects, atol=1e-4)


@pytest.mark.slow
def test_all_engines_draw_the_same_posterior_and_well():
    data = table(rows=240)
    data["y"] += shares_by_hand(data) @ np.random.default_rng(1).normal(0.0, 2.0, 8) + 0.5 * data["x"]
    design = prepared(data=data)
    fits = [
        bm.sample(design, engine=name, chains=2, draws=600, seed=2, progress=False) for name in ("collapsed", "kernel")
    ]
    first, second = (fit.posterior for fit in fits)
    for fit in fits:
        assert bm.diagnose(fit).table["ess_bulk"].min() > 600
    for name in first:
        error = np.hypot(first[name].std(("chain", "draw")), second[name].std(("chain", "draw"))) / np.sqrt(600)
        assert np.all(np.abs(first[name].mean(("chain", "draw")) - second[name].mean(("chain", "draw"))) < 5 * error)


def test_the_survey_says_that_rows_have_several_levels():
    assert "Rows have several levels of mm(a+b) at once" in str(bm.check_data(WEIGHTED, table()))


def test_what_priors_imply_for_rows_hangs_on_the_variance_of_shares_not_of_levels():
    data = table().query("a != b")
    implied = []
    for term, sd in (("mm(a, b)", 1.2), ("(1 | a)", 1.2 * 0.5**0.5)):
        priors = {"sd_mm(a+b)" if term.startswith("mm") else "sd_a": sd, "beta[Intercept]": 0.3}
        found = bm.prior_table(
            bm.from_formula(f"count ~ 1 + {term}", family="negbin", priors=priors), data
        ).implications
        implied.append(found[found["quantity"].str.startswith("intraclass")]["median"].item())
    assert implied[0] == pytest.approx(implied[1], rel=1e-9)


@pytest.mark.parametrize("formula", ["y ~ x + mm(a, b)", WEIGHTED + " + (1 | a)"])
def test_the_correlation_of_two_rows_is_the_intraclass_correlation(formula):
    design = bm.prepare(formula, table())
    sds = {design.mu.sd(group): 0.9 + 0.4 * place for place, group in enumerate(design.mu.groups)}
    fit = fit_at(design, {**sds, "sigma": 0.7})
    implied = bm.implied_covariance(fit).query("effect == 'correlation'").set_index("term")["mean"]
    icc = bm.icc(fit).set_index("term")["mean"]
    assert implied.to_dict() == pytest.approx(icc[icc.index.str.startswith("same")].to_dict(), rel=1e-9)
