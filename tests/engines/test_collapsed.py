"""The collapsed engine: its density, its exact draws, what it refuses, and its posteriors."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from conftest import classic, read_reference
from scipy import linalg, stats

import bayesmixed as bm
from bayesmixed.design.design import RealisedPrior
from bayesmixed.engines import choose
from bayesmixed.engines.collapsed import supports
from bayesmixed.kernels.collapsed.compiled import evaluate
from bayesmixed.kernels.collapsed.exact_draws import draw_integrated, place_effects
from bayesmixed.kernels.collapsed.layouts import Collapsed, lay_out_collapsed
from bayesmixed.kernels.joint.decoding import correlation_factor, decode
from bayesmixed.prior_distributions import as_prior

CHECKS = {check["id"]: check for check in read_reference("sharp_checks")["checks"]}
EXACT = read_reference("exact_posteriors")["models"]


def table(rows=48):
    """Return a small data set with nested and crossed factors."""
    generator = np.random.default_rng(7)
    i = np.arange(rows)
    return {
        "y": 20 + 3 * generator.normal(size=rows) + i % 6,
        "x": generator.normal(size=rows) + 1.0,
        "w": generator.normal(size=rows),
        "o": generator.normal(size=rows),
        "g": np.array(list("abcdef"))[i % 6],
        "other": np.array(list("bcdefg"))[i * 5 // 3 % 6],
        "u": 1.0 + i % 3,
        "v": 0.5 + i % 2,
        "h": np.array([f"h{k}" for k in range(5)])[generator.integers(0, 5, rows)],
        "inner": np.array([f"i{k}" for k in range(12)])[i % 12],
    }


MODELS = {
    "no group": ("y ~ x + w", {}),
    "single": ("y ~ x + (1 | g)", {}),
    "offset": ("y ~ x + offset(o) + (1 | g)", {}),
    "no population": ("y ~ 0 + (1 | g)", {}),
    "correlated": ("y ~ x + (x | g)", {}),
    "three correlated": ("y ~ x + (x + w | g)", {"corr_g": "LKJ(3)"}),
    "two parts": ("y ~ x + (x | g) + (0 + w | g)", {}),
    "uncorrelated": ("y ~ x + (x || g)", {}),
    "nested": ("y ~ x + (1 | g/inner)", {}),
    "crossed": ("y ~ x + (1 | g) + (1 | h)", {}),
    "crossed slopes": ("y ~ x + (x | inner) + (w | h)", {}),
    "three factors": ("y ~ 1 + (1 | inner) + (x + w | h) + (0 + x | g)", {}),
    "smooth": ("y ~ s(x, k=7)", {"beta[s(x)[linear]]": "Normal(0, 1)"}),
    "smooth and group": ("y ~ s(x, k=7, bs='cr') + s(w, k=5, bs='cc') + (x | g)", {}),
    "smooth by factor": ("y ~ g + s(x, by=g, k=5, bs='ps') + s(w, by=o, k=4) + (1 | h)", {"sd_s(w):o": 0.4}),
    "several levels": ("y ~ x + (x | mm(g, other, weights=[u, v])) + (1 | h)", {}),
    "fixed coefficient": ("y ~ x + w + (1 | g)", {"beta[x]": 0.7}),
    "all coefficients fixed": ("y ~ x + (1 | g)", {"beta[x]": 0.7, "beta[Intercept]": 18}),
    "user priors": ("y ~ x + (x | g)", {"beta[Intercept]": "Normal(2, 30)", "sd_g": "Gamma(2, 1)", "sigma": "LogNormal(0, 1)"}),
    "fixed sd": ("y ~ x + (x | g)", {"sd_g[x]": 0.8}),
    "fixed sigma": ("y ~ x + (1 | g)", {"sigma": 2.0}),
    "nearly collinear": ("y ~ x + I(x + 0.0001 * w) + (1 | g)", {}),
}  # fmt: skip
each_model = pytest.mark.parametrize("name", MODELS)


def prepared(formula, data, priors=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, priors=priors or {}), data)


def density(collapsed: Collapsed, x):
    return evaluate(collapsed.packed, np.asarray(x, dtype=float))


def dense_model(collapsed: Collapsed, x):
    """Return sigma, and columns, prior mean and covariance of coefficients and effects at the centre, all dense."""
    design = collapsed.full.design
    full = np.zeros(collapsed.full.dimension)
    full[collapsed.kept] = x
    one = collapsed.full.predictors["mu"]
    priors = design.coefficient_priors(design.mu)
    mean = [prior.arguments[0] for prior in priors]
    variance = [0.0 if prior.name == "Fixed" else prior.arguments[1] ** 2 for prior in priors]
    columns, covariances = [design.mu.centred_matrix], [np.diag(variance)]
    terms = {term.placement.group.name: term for term in one.terms}
    for group in design.mu.normal_blocks:
        term = terms[group.name]
        sd = term.sd.read(full)
        root = sd[:, None] * correlation_factor(full[None], group, term.partials)[0]
        z = np.zeros((design.rows, len(group.levels), len(sd)))
        rows = np.arange(design.rows)
        if group.takes == "all":
            z[rows, :, group.index] = group.matrix
        elif group.takes == "several":
            for levels, shares in zip(group.members.T, group.shares.T, strict=True):
                z[rows, levels] += shares[:, None] * group.centred_matrix
        else:
            z[rows, group.index] = group.centred_matrix
        columns.append(z.reshape(design.rows, -1))
        covariances += [root @ root.T] * len(group.levels)
    w = np.hstack(columns)
    mean = np.concatenate([mean, np.zeros(w.shape[1] - len(mean))])
    sigma = collapsed.full.scalars["sigma"].read(full)[0]
    return sigma, w, mean, linalg.block_diag(*covariances)


def log_priors(collapsed: Collapsed, x):
    """Return the log-density of the priors on the coordinates of the collapsed density."""
    design, total = collapsed.full.design, 0.0
    full = np.zeros(collapsed.full.dimension)
    full[collapsed.kept] = x
    for term in collapsed.full.predictors["mu"].terms:
        group = term.placement.group
        for slot, key in zip(term.sd.places, design.mu.sd_keys(group), strict=True):
            if slot >= 0:
                total += design.priors[key].prior.frozen().logpdf(np.exp(full[slot])) + full[slot]
        for part, place in zip([p for p in group.parts if p.correlated], term.partials, strict=True):
            eta, width = design.priors[f"corr_{group.name}"].prior.arguments[0], len(part.columns)
            depths = [j for i in range(1, width) for j in range(i)]
            for slot, depth in zip(place.places, depths, strict=True):
                u, shape = 1 / (1 + np.exp(-full[slot])), eta + (width - 2 - depth) / 2
                total += stats.beta(shape, shape).logpdf(u) + np.log(u * (1 - u))
    slot = collapsed.full.scalars["sigma"].places[0]
    return total + (design.priors["sigma"].prior.frozen().logpdf(np.exp(full[slot])) + full[slot] if slot >= 0 else 0.0)


@each_model
def test_the_density_is_the_dense_normal_density_times_the_priors(name):
    formula, priors = MODELS[name]
    design = prepared(formula, table(), priors)
    collapsed = lay_out_collapsed(design)
    generator = np.random.default_rng(1)
    for _ in range(5):
        x = generator.normal(size=len(collapsed.kept))
        sigma, w, mean, covariance = dense_model(collapsed, x)
        law = stats.multivariate_normal(
            design.mu.offset + w @ mean, w @ covariance @ w.T + sigma**2 * np.eye(design.rows)
        )
        assert density(collapsed, x)[0] == pytest.approx(
            law.logpdf(design.response) + log_priors(collapsed, x), rel=1e-9
        )


@each_model
def test_the_gradient_is_that_of_finite_differences(name):
    collapsed = lay_out_collapsed(prepared(MODELS[name][0], table(), MODELS[name][1]))
    x = np.random.default_rng(2).normal(size=len(collapsed.kept))
    gradient = density(collapsed, x)[1]
    for k, unit in enumerate(np.eye(len(x))):
        slope = (density(collapsed, x + 1e-5 * unit)[0] - density(collapsed, x - 1e-5 * unit)[0]) / 2e-5
        assert slope == pytest.approx(gradient[k], rel=1e-6, abs=1e-6)


@each_model
def test_exact_draws_have_the_mean_and_covariance_of_dense_linear_algebra(name):
    design = prepared(MODELS[name][0], table(), MODELS[name][1])
    collapsed = lay_out_collapsed(design)
    x = np.random.default_rng(3).normal(size=len(collapsed.kept))
    noise = np.vstack([np.zeros(collapsed.size), np.eye(collapsed.size)])
    points = np.tile(x, (len(noise), 1))
    full = np.zeros((len(noise), collapsed.full.dimension))
    full[:, collapsed.kept] = points
    place_effects(collapsed, draw_integrated(collapsed, points, noise), full)
    found = decode(collapsed.full, full)
    pieces = [found["beta"][1] @ np.linalg.inv(design.mu.transform).T] if "beta" in found else []
    for group in design.mu.normal_blocks:
        effects = found[f"b_{group.name}"][1]
        effects = effects if group.takes == "all" else effects @ np.linalg.inv(group.transform).T
        pieces.append(effects.reshape(len(noise), -1))
    drawn = np.hstack(pieces)
    sigma, w, mean, covariance = dense_model(collapsed, x)
    gain = covariance @ w.T @ np.linalg.inv(w @ covariance @ w.T + sigma**2 * np.eye(design.rows))
    expected = mean + gain @ (design.response - design.mu.offset - w @ mean)
    np.testing.assert_allclose(drawn[0], expected, rtol=1e-8, atol=1e-8)
    root = drawn[1:] - drawn[0]
    np.testing.assert_allclose(root.T @ root, covariance - gain @ w @ covariance, rtol=1e-7, atol=1e-8)


def sharp_check():
    inputs, given = CHECKS["G1"]["inputs"], CHECKS["G2"]["inputs"]
    data = {"y": inputs["y"], "group": inputs["group"]}
    priors = {"beta[Intercept]": "Normal(2, 1.5)", "sd_group": given["sd_group"], "sigma": given["sigma"]}
    return data, priors, CHECKS["G2"]["expected"]


def test_the_sharp_check_of_the_density_and_of_exact_draws():
    data, priors, expected = sharp_check()
    collapsed = lay_out_collapsed(prepared("y ~ 1 + (1 | group)", data, priors))
    assert density(collapsed, [])[0] == pytest.approx(expected["log_p_y"], abs=1e-7)
    noise = np.vstack([np.zeros(collapsed.size), np.eye(collapsed.size)])
    full = np.zeros((len(noise), collapsed.full.dimension))
    place_effects(collapsed, draw_integrated(collapsed, np.zeros((len(noise), 0)), noise), full)
    found = decode(collapsed.full, full)
    for name, values in (("beta", found["beta"][1][:, 0]), ("b", found["b_group"][1][:, :, 0])):
        np.testing.assert_allclose(values[0], expected[f"{name}_mean"], atol=1e-7)
        spread = np.sqrt(np.sum((values[1:] - values[0]) ** 2, axis=0))
        np.testing.assert_allclose(spread, expected[f"{name}_sd"], atol=1e-7)


def test_the_sharp_check_of_the_gradient():
    data, priors, expected = sharp_check()
    design = prepared("y ~ 1 + (1 | group)", data, priors)
    flat = {"sd_group[Intercept]": "LogNormal(0, 1)", "sigma": "LogNormal(0, 1)"}
    free = {key: RealisedPrior(as_prior(text), "user", "") for key, text in flat.items()}
    given = CHECKS["G2"]["inputs"]
    x = np.log([given["sd_group"], given["sigma"]])
    # A log-normal prior on an SD is standard normal on its logarithm.
    collapsed = lay_out_collapsed(replace(design, priors={**design.priors, **free}))
    np.testing.assert_allclose(
        density(collapsed, x)[1] + x, [expected["d_dlog_sd_group"], expected["d_dlog_sigma"]], atol=1e-6
    )


def test_the_density_integrates_to_the_evidence():
    exact = EXACT["dyestuff"]
    priors = {"beta[Intercept]": "Normal(1500, 100)", "sd_Batch": "HalfNormal(100)", "sigma": "HalfNormal(100)"}
    collapsed = lay_out_collapsed(prepared("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff"), priors))
    sds, sigmas = np.linspace(-8, 7, 400), np.linspace(2.5, 6, 150)
    values = np.array([[density(collapsed, [a, b])[0] for b in sigmas] for a in sds])
    peak = values.max()
    total = np.trapezoid(np.trapezoid(np.exp(values - peak), sigmas, axis=1), sds)
    assert peak + np.log(total) == pytest.approx(exact["log_evidence"], abs=2e-4)


def test_an_sd_of_zero_is_an_ordinary_point():
    collapsed = lay_out_collapsed(prepared("y ~ x + (x | g)", table()))
    x = np.array([-30.0, -30.0, 20.0, 1.0])
    value, gradient = density(collapsed, x)
    nearby, slopes = density(collapsed, x - np.array([1.0, 1.0, 0.0, 0.0]))
    assert np.isfinite(value)
    assert gradient[:2] == pytest.approx([1.0, 1.0], abs=1e-9)
    assert slopes[3] == pytest.approx(gradient[3], rel=1e-9)
    assert nearby == pytest.approx(value - 2, abs=1e-9)


SLOPES = "y ~ x + (x | g) + (1 | h)"


def values_at(data, formula=SLOPES, priors=None):
    collapsed = lay_out_collapsed(prepared(formula, data, priors))
    x = 0.5 * np.random.default_rng(5).normal(size=len(collapsed.kept))
    value, gradient = density(collapsed, x)
    return np.array([value, *gradient])


def test_a_shifted_response_changes_nothing():
    data = table()
    np.testing.assert_allclose(values_at(data | {"y": data["y"] + 1e7}), values_at(data), rtol=1e-7)


def test_a_shifted_response_changes_nothing_under_a_wide_prior_of_the_user():
    data = table()
    priors = {"beta[Intercept]": "Normal(0, 1e12)", "beta[x]": "Normal(0, 3)", "sigma": "HalfNormal(2)"}
    priors |= {"sd_g": "HalfNormal(2)", "sd_h": "HalfNormal(1)"}
    np.testing.assert_allclose(
        values_at(data | {"y": data["y"] + 1e7}, priors=priors), values_at(data, priors=priors), rtol=1e-6
    )


def test_a_shifted_covariate_changes_nothing():
    data = table()
    np.testing.assert_allclose(values_at(data | {"x": data["x"] + 2000}), values_at(data), rtol=1e-9)


def test_permuted_rows_change_nothing():
    data, order = table(), np.random.default_rng(6).permutation(48)
    np.testing.assert_allclose(values_at({k: v[order] for k, v in data.items()}), values_at(data), rtol=1e-9)


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("y ~ x + (1 | g)", {"family": "student"}, "family 'student' is neither Gaussian nor lognormal"),
        ("y ~ x + (1 | g)", {"link": "log"}, "link 'log' is not the identity"),
        ("y ~ x + (1 | g)", {"sigma": "~ x"}, "'sigma' has a predictor"),
        ("y ~ x", {"priors": {"beta[x]": "StudentT(3, 0, 1)"}}, "the prior StudentT(3, 0, 1) of 'beta[x]' is not normal"),
        ("y ~ x + (1 | g)", {"priors": {"sd_g": "Uniform(0, 5)"}}, "Uniform"),
        ("y ~ x", {"priors": {"sigma": 1.0}}, "every SD is fixed"),
    ],
)  # fmt: skip
def test_a_model_beyond_the_engine_is_refused_with_a_reason(formula, options, reason):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(bm.from_formula(formula, **options), table())
    assert reason in supports(design)
    assert choose(design)[0] != "collapsed"
    with pytest.raises(bm.SpecError, match="Engine 'collapsed' cannot sample this model"):
        choose(design, "collapsed")


def test_large_crossed_factors_are_left_to_the_kernel():
    i = np.arange(8000)
    data = {"y": np.sin(i), "a": i % 2003, "b": i % 1999}
    design = prepared("y ~ 1 + (1 | a) + (1 | b)", data)
    assert "coefficients remain" in supports(design)
    assert choose(design)[0] == "kernel"


@pytest.mark.slow
def test_a_fit_has_the_form_of_other_fits_and_is_reproducible():
    options = {"draws": 200, "tune": 300, "chains": 2, "seed": 3, "progress": False}
    design = prepared(SLOPES, table())
    first, second = (bm.sample(design, **options) for _ in range(2))
    kernel = bm.sample(design, engine="kernel", **options)
    assert first.engine.name == "collapsed"
    assert first.posterior.equals(second.posterior)
    assert {n: (v.dims, v.shape) for n, v in first.posterior.data_vars.items()} == {
        n: (v.dims, v.shape) for n, v in kernel.posterior.data_vars.items()
    }
    assert set(first.draws["sample_stats"].data_vars) == set(kernel.draws["sample_stats"].data_vars)
    for name in first.posterior.coords:
        assert first.posterior.coords[name].equals(kernel.posterior.coords[name])


QUADRATURE = {
    "dyestuff": ("Yield ~ 1 + (1 | Batch)", ("lme4", "Dyestuff"), {"sd_group": "sd_Batch"}),
    "rail": ("travel ~ 1 + (1 | Rail)", ("nlme", "Rail"), {"sd_group": "sd_Rail"}),
    "sleepstudy_int": (
        "Reaction ~ Days + (1 | Subject)",
        ("lme4", "sleepstudy"),
        {"sd_Intercept": "sd_Subject[Intercept]"},
    ),
    "sleepstudy_corr": (
        "Reaction ~ Days + (Days | Subject)",
        ("lme4", "sleepstudy"),
        {"sd_Intercept": "sd_Subject[Intercept]", "sd_Days": "sd_Subject[Days]", "cor": "corr_Subject"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", QUADRATURE)
def test_posteriors_are_those_of_quadrature(name):
    import arviz as az

    formula, data, names = QUADRATURE[name]
    exact = EXACT[name]
    keys = {"Intercept": "beta[Intercept]", "Days": "beta[Days]", "sigma": "sigma", **names}
    priors = {keys[k]: "LKJ(2)" if k == "cor" else text.split(" on ")[0] for k, text in exact["priors"].items()}
    fit = bm.fit(formula, classic(*data), priors=priors, draws=4000, seed=5, progress=False)
    assert fit.engine.name == "collapsed"
    for key in exact["posterior"]:
        if key not in keys:
            continue
        variable, _, label = keys[key].partition("[")
        values = fit.posterior[variable]
        if key == "cor":
            values = values[..., 0, 1]
        elif values.ndim > 2:
            values = values.sel({values.dims[-1]: label.rstrip("]") or "Intercept"})
        draws, truth = values.values, exact["posterior"][key]
        # Four Monte Carlo standard errors; the spread of an sd under heavy tails is wider than that of a normal.
        size = float(az.ess(draws))
        assert size > 3000
        assert abs(draws.mean() - truth["mean"]) < 4 * truth["sd"] / np.sqrt(size), key
        assert abs(np.median(draws) - truth["q50"]) < 5 * truth["sd"] / np.sqrt(size), key
        assert abs(draws.std() / truth["sd"] - 1) < 10 / np.sqrt(size), key
        for level in ("q5", "q95"):
            probability = float(level[1:]) / 100
            size = float(az.ess(draws, method="quantile", prob=probability))
            below = np.mean(draws < truth[level])
            assert abs(below - probability) < 4 * np.sqrt(0.05 * 0.95 / size), (key, level)
