"""The compiled density is the density of the PyMC model, with its gradient."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bayesmixed as bm
from bayesmixed.design.centring import HIERARCHICAL, NONCENTRED
from bayesmixed.kernels.joint.compiled import evaluate
from bayesmixed.kernels.joint.decoding import decode
from bayesmixed.kernels.joint.layouts import lay_out_coordinates
from bayesmixed.kernels.joint.packed_designs import pack
from bayesmixed.kernels.packing import Whitening
from bayesmixed.kernels.rows.families import FAMILY_CODES

ROWS = {
    "y": np.arange(60) % 7 + 0.5,
    "count": np.arange(60) % 6,
    "yes": np.arange(60) % 2,
    "rating": (np.arange(60) * 7 % 11) // 3 + 1,
    "x": np.sin(np.arange(60.0)),
    "z": np.cos(np.arange(60.0)) * 0.6,
    "f": np.array(list("pqr"))[np.arange(60) % 3],
    "g": np.array(list("abcdef"))[np.arange(60) % 6],
    "h": np.array([f"h{i}" for i in range(12)])[np.arange(60) % 12],
    "k": np.array(list("uvw"))[np.arange(60) // 20],
    "n": np.arange(60) % 5 + 6,
    "inside_g": np.array([0.3, -1.1, 0.8, 2.0, -0.4, 0.1])[np.arange(60) % 6],
    "inside_h": np.sin(np.arange(12.0))[np.arange(60) % 12],
    "inside_k": np.array([0.5, -0.2, 1.4])[np.arange(60) // 20],
    "p": (np.arange(60) % 9 + 0.5) / 9.5,
    "share": np.clip((np.arange(60) % 9 - 1) / 6, 0, 1),
    "cover": np.clip((np.arange(60) % 9 - 1) / 8, 0, 1),
    "amount": np.maximum(np.arange(60) % 7 - 1.5, 0.0),
    "status": np.array(["none", "right", "left", "interval"])[np.arange(60) % 4],
    "end": np.arange(60) % 5 + 8.0,
}


def prepared(spec, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(spec, data, missing="drop")


def laid_out(design, way):
    centred = {p.b(g): np.full(len(g.levels), way == HIERARCHICAL) for p, g in design.normal_blocks()}
    return lay_out_coordinates(design, centred)


def add_vector(point, design, name, keys, x, slots):
    """Add the values of a vector: as a whole, and by the distributions of its elements, as the model may split it."""
    priors = [design.priors[key].prior.plain.name for key in keys]
    for whole in (name, f"centred_{name}"):
        point[whole] = x[slots]
        for law in set(priors):
            point[f"{whole}_{law}"] = x[[slot for slot, own in zip(slots, priors, strict=True) if own == law]]


def as_pymc_point(layout, model, shapes, x):
    """Return the unconstrained values of the PyMC model's variables at the kernel's coordinates."""
    point, design = {}, layout.design
    for predictor_layout in layout.predictors.values():
        predictor = predictor_layout.predictor
        add_vector(point, design, predictor.beta, predictor.keys, x, predictor_layout.beta.places)
        for term in predictor_layout.terms:
            group = term.placement.group
            add_vector(point, design, predictor.sd(group), predictor.sd_keys(group), x, term.sd.places)
            for number, place in enumerate(term.partials):
                point[f"partial_{predictor.corr(group)}" + (f"_{number + 1}" if number else "")] = x[place.places]
            name = "z" if not term.centred.any() else "coefficient"
            point[f"{name}_{group.name}{predictor.suffix}"] = x[term.effects].reshape(group.shape)
    cuts = x[layout.cuts.places]
    point["threshold"] = point["centred_threshold"] = np.cumsum(cuts) if design.family.at_risk else cuts
    for name, scalar in layout.scalars.items():
        function, _ = design.scalar_prior(name)
        # The free variable depends on a multiple of the parameter on its link, and PyMC's coordinate is that multiple.
        point[function.word.format(name)] = function.factors[design.family.parameter(name).link] * x[scalar.places[0]]
    return {
        model.rvs_to_values[variable].name: np.asarray(point[variable.name], dtype=float).reshape(
            shapes[model.rvs_to_values[variable].name]
        )
        for variable in model.free_RVs
    }


def shapes_of(model):
    """Return the shapes of the unconstrained values; PyMC compiles a function for each call of `initial_point`."""
    return {name: np.shape(value) for name, value in model.initial_point().items()}


def log_slope(layout):
    """Return the log of what changes of scale between PyMC's coordinates and the kernel's add to the density."""
    total = 0.0
    for name, scalar in layout.scalars.items():
        function, _ = layout.design.scalar_prior(name)
        factor = function.factors[layout.design.family.parameter(name).link]
        total += np.log(abs(factor)) if scalar.free[0] else 0.0
    return total


def compare(design, way, points, seed=0):
    layout = laid_out(design, way)
    packed = pack(layout)
    model = bm.build(design, parameterisation={p.b(g): way for p, g in design.normal_blocks()})
    logp = model.compile_logp(mode="FAST_COMPILE")
    shapes = shapes_of(model)
    generator = np.random.default_rng(seed)
    for _ in range(points):
        x = 0.3 * generator.normal(size=layout.dimension)
        value, _ = evaluate(packed, x)
        expected = float(logp(as_pymc_point(layout, model, shapes, x))) + log_slope(layout)
        if np.isnan(value):  # a predictor at which the inverse or the square root has no inverse
            assert not np.isfinite(expected)
            continue
        # PyMC rounds probabilities to 1 far out; the kernel does not and stays finite.
        assert value == pytest.approx(expected, rel=1e-8) or (expected == -np.inf and np.isfinite(value))


def check_gradient(design, way, seed=0):
    check_slope(laid_out(design, way), seed)


def check_slope(layout, seed=0):
    packed = pack(layout)
    generator = np.random.default_rng(seed)
    # Near the data, so that differences of the density are not lost in its size.
    x = 0.3 * generator.normal(size=layout.dimension)
    _, gradient = evaluate(packed, x)
    direction = generator.normal(size=layout.dimension)
    step = 1e-5
    ahead, behind = evaluate(packed, x + step * direction)[0], evaluate(packed, x - step * direction)[0]
    slope = (ahead - behind) / (2 * step)
    assert slope == pytest.approx(gradient @ direction, rel=2e-5, abs=1e-4 * np.abs(gradient).max())


@pytest.mark.parametrize("way", [HIERARCHICAL, NONCENTRED])
@pytest.mark.parametrize("name", bm.list_specs())
def test_the_kernel_is_the_density_of_every_shipped_spec(name, way):
    design = prepared(name, bm.simulate(name, seed=1).data)
    compare(design, way, points=20)
    check_gradient(design, way)


MODELS = [
    ("y ~ x", "student", {}),
    ("rating ~ x + f + (x | g)", "cumulative", {}),
    ("rating ~ x + offset(z) + (0 + x | g)", "cumulative", {"link": "probit", "priors": {"threshold": "Normal(0, 2)"}}),
    ("rating ~ 1 + (1 | g)", "cumulative", {"link": "cloglog", "priors": {"threshold": "InducedDirichlet(2.5)"}}),
    (
        "rating | weights(n, 'frequency') ~ x",
        "cumulative",
        {"link": "probit", "priors": {"threshold": "InducedDirichlet(0.7)"}},
    ),
    ("yes ~ x + (1 | g) + (1 | h)", "cumulative", {"priors": {"threshold": "StudentT(4, 0, 2)"}}),
    ("y | weights(n, 'precision') ~ x + (x | g)", "gaussian", {}),
    ("y | weights(n, 'precision') ~ x + (1 | g)", "gaussian", {"sigma": "~ x"}),
    ("y | weights(n, 'likelihood') ~ x + (1 | g)", "student", {}),
    ("yes | weights(n, 'frequency') ~ x + (1 | g)", "bernoulli", {}),
    ("count | trials(n) + weights(n, 'frequency') ~ x + (1 | g)", "binomial", {}),
    ("y ~ x + (1 | g)", "student", {"sigma": "~ x"}),
    ("y ~ x + (1 | g)", "gaussian", {"sigma": "~ f + (1 | h)"}),
    ("y ~ 1 + (1 | g)", "gaussian", {"link": "log"}),
    ("yes ~ x + (1 | g)", "bernoulli", {"link": "probit"}),
    ("count | trials(n) ~ x + (1 | g)", "binomial", {"link": "cloglog"}),
    ("count ~ x + offset(log(n)) + (x + z | g)", "poisson", {}),
    ("y ~ 0 + f + (1 | g/k)", "gaussian", {}),
    ("y ~ x + (x | g) + (0 + z | g)", "gaussian", {}),
    ("y ~ x + (1 | g)", "gaussian", {"priors": {"sigma": 1.3, "beta[x]": 0.5, "sd_g": "Exponential(1)"}}),
    ("y ~ x + (x | g)", "gaussian", {"priors": {"sd_g[x]": "Gamma(2, 3)", "corr_g": "LKJ(1.5)"}}),
    ("count ~ f/g + x + (1 | k)", "poisson", {"empty_cells": "drop"}),
    ("y ~ x + z", "gaussian", {"priors": {"beta[x]": "Laplace(0, 2)", "beta[z]": "StudentT(3, 0, 1)"}}),
    ("y ~ x + z", "gaussian", {"priors": {"beta": "Logistic(0, 2)", "sigma": "InverseGamma(3, 2)"}}),
    ("y ~ s(x, k=6) + (1 | g)", "gaussian", {}),
    ("y ~ s(x, k=6) + s(z, k=5, bs='cc')", "student", {"sigma": "~ s(x, k=4, bs='cr')"}),
    ("count ~ f + s(x, k=6, by=f) + s(x, k=5, by=z, bs='ps') + (1 | g/k) + obs()", "poisson", {}),
    ("yes ~ s(n, k=5, bs='cc') + (1 | k)", "bernoulli", {}),
    ("y ~ f + s(x, by=f)", "gaussian", {"priors": {"sd_s(x):f[q]": "Gamma(2, 3)", "sd_s(x):f[p]": 0.3}}),
    ("y ~ s(x) + s(z)", "gaussian", {"priors": {"sd_s(x)": "Exponential(2)", "sd_s(z)": 0.4}}),
    ("y ~ x + (1 | g)", "student", {"priors": {"nu": "Gamma(3, 0.2)", "sd_g": "LogNormal(0, 1)"}}),
    ("y ~ x + inside_g + inside_h + (1 | g)", "gaussian", {}),
    ("y ~ x * inside_g + (x | g)", "gaussian", {}),
    ("count ~ inside_g + inside_h + (1 | g/h)", "poisson", {}),
    ("count ~ inside_g + inside_k + x + (1 | g) + (1 | k)", "negbin", {"theta": "~ inside_g + (1 | g)"}),
    ("count ~ 0 + f + inside_g + (1 | g) + obs()", "poisson", {}),
    ("y ~ x + (1 | g)", "lognormal", {}),
    ("y ~ x + (1 | g)", "gamma", {"shape": "~ x + (1 | h)"}),
    ("y ~ 1 + offset(n) + (1 | g)", "gamma", {"link": "inverse"}),
    ("y ~ x + (1 | g)", "gamma", {"priors": {"shape": "Gamma(2, 0.5)"}}),
    ("y ~ x + (1 | g)", "gamma", {"priors": {"log(shape)": "Normal(1, 2)"}}),
    ("y ~ x + (1 | g)", "gamma", {"priors": {"1/shape": "Exponential(1)"}}),
    ("y ~ x + (1 | g)", "gamma", {"priors": {"1/sqrt(shape)": 0.5}}),
    ("y ~ x + (1 | g)", "inverse_gaussian", {}),
    ("y ~ x + offset(n)", "inverse_gaussian", {"link": "inverse"}),
    ("rating ~ x + f + (x | g)", "sratio", {"link": "cloglog"}),
    ("rating | weights(n, 'frequency') ~ x + (1 | g)", "cratio", {"priors": {"threshold": "StudentT(4, 0, 2)"}}),
    ("rating ~ x + offset(z) + (1 | g)", "acat", {"link": "probit"}),
    ("rating ~ x + f + (x | g)", "acat", {}),
    ("rating ~ x + (1 | g)", "categorical", {}),
    ("y ~ x + (1 | g)", "shifted_lognormal", {"sigma": "~ z", "priors": {"ndt": "LogNormal(0, 1)"}}),
    ("y ~ x", "shifted_lognormal", {"priors": {"ndt": 0.3}}),
    ("amount ~ x + (1 | g)", "tweedie", {}),
    ("amount ~ x + (1 | g)", "tweedie", {"phi": "~ z", "power": "~ x"}),
    ("amount ~ x", "tweedie", {"priors": {"power": 1.4}}),
    ("count ~ x + (1 | g)", "conway_maxwell_poisson", {}),
    ("count ~ x + offset(n)", "conway_maxwell_poisson", {"link": "sqrt", "phi": "~ z"}),
    ("p ~ x + (x | g)", "beta", {"phi": "~ z"}),
    ("p ~ x + (1 | g)", "beta", {"link": "cauchit"}),
    ("p ~ x + (1 | g)", "beta", {"link": "probit", "priors": {"phi": "Gamma(2, 0.1)"}}),
    ("yes ~ x + (1 | g)", "bernoulli", {"link": "cauchit"}),
    ("count | trials(n) ~ x + (1 | g)", "beta_binomial", {}),
    ("count | trials(n) ~ x + (1 | g)", "beta_binomial", {"link": "cloglog", "phi": "~ x"}),
    ("count ~ x + (1 | g) + offset(log(n))", "negbin", {}),
    ("count ~ x + (1 | g)", "negbin", {"theta": "~ x + (1 | g)"}),
    ("count ~ x + offset(n)", "negbin", {"link": "sqrt"}),
    ("count ~ x + offset(n) + (1 | g)", "poisson", {"link": "sqrt"}),
    ("count ~ x + (1 | g)", "negbin1", {"priors": {"phi": "Gamma(2, 1)"}}),
    ("count ~ x + (1 | g)", "negbin1", {}),
    ("count ~ x + (1 | g)", "zero_inflated_poisson", {"zi": "~ x + (1 | h)"}),
    ("count ~ x + (1 | g)", "zero_inflated_negbin", {"priors": {"zi": "Beta(2, 3)"}}),
    ("count | trials(n) ~ x + (1 | g)", "zero_inflated_binomial", {}),
    ("count ~ x + (1 | g)", "hurdle_poisson", {"hu": "~ x"}),
    ("count ~ x + (1 | g)", "hurdle_negbin", {}),
    ("amount ~ x + (1 | g)", "hurdle_gamma", {"hu": "~ x + (1 | g)", "shape": "~ z"}),
    ("share ~ x + (1 | g)", "zero_one_inflated_beta", {"zoi": "~ x"}),
    ("share ~ x + (1 | g)", "zero_one_inflated_beta", {"priors": {"coi": 0.3, "zoi": 0.2}}),
    ("cover ~ x + (1 | g)", "zero_inflated_beta", {"zi": "~ x"}),
    ("cover ~ x + (1 | g)", "zero_inflated_beta", {"link": "cauchit", "phi": "~ z", "priors": {"zi": 0.2}}),
    ("y ~ x + (z || g)", "gaussian", {"priors": {"sd_g[z]": "PC(2, 0.05)", "sigma": "PC(U=3, alpha=0.1)"}}),
    ("y | cens(status, end) + trunc(-9, 50) ~ x + (1 | g)", "gaussian", {"sigma": "~ x"}),
    ("y | cens(status, end) ~ x + (1 | g)", "weibull", {"shape": "~ z"}),
    ("y | cens(status, end) + weights(n, 'likelihood') ~ x + (1 | g)", "gamma", {}),
    ("count | cens(status, end) + trunc(0, 99) ~ x + (1 | g)", "negbin", {}),
    ("y ~ x + (1 | g)", "gaussian", {"priors": {"sd_g": 0.7, "sigma": "HalfCauchy(2)", "beta[x]": "Cauchy(0, 1)"}}),
]


@pytest.mark.parametrize("way", [HIERARCHICAL, NONCENTRED])
@pytest.mark.parametrize(("formula", "family", "options"), MODELS)
def test_the_kernel_is_the_density_of_every_family_link_and_prior(formula, family, options, way):
    design = prepared(bm.from_formula(formula, family=family, **options), ROWS)
    compare(design, way, points=5)
    check_gradient(design, way)


RESPONSES = ("count", "yes", "rating", "amount", "share", "cover", "p", "y")


def response_of(family):
    """Return the response of a formula for a family: the first column, or column and trials, that lies in its support."""
    if family.has_trials:
        return "count | trials(n)"
    columns = ((name, np.asarray(ROWS[name], dtype=float)) for name in RESPONSES)
    return next(
        name for name, y in columns if family.discrete == (name in RESPONSES[:3]) and family.accepts(y, 1.0).all()
    )


TERMS = [
    "x",
    "z",
    "f",
    "x:f",
    "(1 | g)",
    "(x | g)",
    "(x || g)",
    "(1 | h)",
    "(x + z | h)",
    "(0 + x | h)",
    "s(x, k=6)",
    "s(z, by=f, k=5)",
    "obs()",
    "offset(z)",
    "inside_g",
    "inside_h",
]
PRIORS = [
    "HalfNormal(2)",
    "HalfStudentT(3, 1)",
    "Exponential(2)",
    "Gamma(2, 1)",
    "LogNormal(0, 1)",
    "InverseGamma(3, 2)",
]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_kernel_is_the_density_of_generated_specs(data):
    check_generated(data)


@pytest.mark.calibration
@pytest.mark.parametrize("part", range(10))
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_kernel_is_the_density_of_500_generated_specs(part, data):
    check_generated(data)


def check_generated(data):
    """Compare the densities of a spec drawn from families, links, terms and priors."""
    family = data.draw(st.sampled_from(sorted(FAMILY_CODES)))
    links, response = bm.FAMILIES[family].parameters[0].links, response_of(bm.FAMILIES[family])
    terms = data.draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=4, unique=True))
    spec = f"{response} ~ {' + '.join(terms)}"
    try:
        design = prepared(bm.from_formula(spec, family=family, link=data.draw(st.sampled_from(links))), ROWS)
    except bm.BayesMixedError:
        return
    sds = [key for key in design.priors if key.startswith("sd_")]
    chosen = {key: data.draw(st.sampled_from(PRIORS)) for key in sds if data.draw(st.booleans())}
    design = prepared(design.spec.replace(priors=chosen), ROWS)
    compare(design, data.draw(st.sampled_from([HIERARCHICAL, NONCENTRED])), points=2)


def test_whitened_coefficients_have_the_same_density_and_gradient():
    design = prepared(bm.from_formula("count ~ x * z + f + (x | g)", family="negbin"), ROWS)
    layout = laid_out(design, HIERARCHICAL)
    slots = layout.predictors["mu"].beta.places
    generator = np.random.default_rng(5)
    factor = np.tril(generator.normal(size=(len(slots), len(slots)))) + 3.0 * np.eye(len(slots))
    white = replace(layout, whitening=Whitening(slots, generator.normal(size=len(slots)), factor))
    x = 0.2 * generator.normal(size=layout.dimension)
    plain = x.copy()
    plain[slots] = white.whitening.centre + factor @ x[slots]
    value, gradient = evaluate(pack(white), x)
    expected, slope = evaluate(pack(layout), plain)
    slope[slots] = factor.T @ slope[slots]
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-9)
    for name, (_, values) in decode(white, x[None]).items():
        np.testing.assert_allclose(values, decode(layout, plain[None])[name][1])
