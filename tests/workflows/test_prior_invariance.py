"""Default priors depend on no origin, unit, reference level, coding or spelling of a formula."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayesmixed.design.default_priors import realise_priors
from bayesmixed.errors import SpecError, StatisticsWarning
from bayesmixed.preparation.assembly import assemble
from bayesmixed.preparation.preparing import prepare
from bayesmixed.spec.model_spec import from_formula

LEVELS = {"f": list("abc"), "g": list("uv"), "h": list("pqrs")}


def table(seed=0, rows=90, empty=False):
    """Return unbalanced rows of three factors, two numbers, groups, and responses of several families."""
    generator = np.random.default_rng(seed)
    shares = {"f": [0.6, 0.3, 0.1], "g": [0.7, 0.3], "h": [0.4, 0.3, 0.2, 0.1]}
    data = pd.DataFrame({name: generator.choice(LEVELS[name], rows, p=shares[name]) for name in LEVELS})
    data = data.assign(
        x=generator.gamma(2.0, 1.0, rows),
        z=generator.normal(5.0, 2.0, rows),
        group=np.arange(rows) % 9,
        count=generator.poisson(3.0, rows) + (np.arange(rows) == 0),
        event=generator.integers(0, 2, rows),
    )
    data["y"] = 0.5 * data["x"] * (data["f"] == "b") + generator.normal(size=rows)
    data["size"] = np.exp(data["y"] / 4)
    return data[~((data["f"] == "b") & (data["g"] == "v"))] if empty else data


def ordered(data, orders):
    """Return the table with levels of factors in these orders: the first is the reference."""
    return data.assign(**{name: pd.Categorical(data[name], categories=list(order)) for name, order in orders.items()})


def design_of(formula, data, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        # Without the checks of the data: an empty cell is refused there.
        design = assemble(from_formula(formula, **arguments), data, "error", None, optional=False)
        return replace(design, priors=realise_priors(design))


def moments(design, parameter="mu"):
    """Return the prior mean and covariance of a linear predictor over rows."""
    predictor = design.predictors[parameter]
    numbers = np.array([prior.arguments for prior in design.coefficient_priors(predictor)])
    columns = predictor.centred_matrix
    return columns @ numbers[:, 0], (columns * numbers[:, 1] ** 2) @ columns.T


def gaussian_answers(design):
    """Return mean and covariance of the predictor given the response, and the evidence, for residual SD 1."""
    mean, covariance = moments(design)
    residual = np.asarray(design.response) - mean
    marginal = covariance + np.eye(len(residual))
    gain = np.linalg.solve(marginal, covariance).T
    evidence = -0.5 * (np.linalg.slogdet(2 * np.pi * marginal)[1] + residual @ np.linalg.solve(marginal, residual))
    return mean + gain @ residual, covariance - gain @ covariance, evidence


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-10 * np.abs(one).max())


FORMULAS = [
    "x*f",
    "f*g",
    "f*g*h",
    "x*z*g",
    "x + I(x**2)",
    "(x + I(x**2))*f",
    "x + I(x**2) + I(x**3)",
    "0 + f",
    "0 + f + f:x",
    "f/x",
    "f + f:g",
    "f:g",
    "0 + f:g",
    "x*z",
    "x*f + z*g",
    "poly(x, 2)*f",
    "bs(x, df=4) + f",
    "x + x:f + f",
]
CODINGS = ["C({0}, contr.sum)", "C({0}, contr.helmert)", "C({0}, contr.poly)", "C({0}, contr.diff)"]


def moved(data):
    return data.assign(x=1990 + 3 * data["x"], z=-7 - 0.01 * data["z"])


def turned(data):
    """Return the table with the other sign of both numbers."""
    return data.assign(x=-50 - 0.2 * data["x"], z=1000 - 30 * data["z"])


@pytest.mark.parametrize("empty", [False, True], ids=["all cells", "an empty cell"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_neither_reference_level_nor_origin_nor_unit_changes_a_prior_posterior_or_evidence(formula, empty):
    data = table(empty=empty)
    plain = gaussian_answers(design_of(f"y ~ {formula}", data))
    relevelled = ordered(data, {"f": "cab", "g": "vu", "h": "srqp"})
    assert_same(plain, gaussian_answers(design_of(f"y ~ {formula}", relevelled)))
    assert_same(plain, gaussian_answers(design_of(f"y ~ {formula}", moved(data))))
    if not formula.startswith("bs("):  # from the other end these are other functions
        assert_same(plain, gaussian_answers(design_of(f"y ~ {formula}", turned(data))))


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("formula", ["x*{f}", "{f}*{g}", "0 + {f} + {f}:x", "(x + I(x**2))*{f}", "{f}/x"])
def test_no_coding_of_factors_changes_a_prior_posterior_or_evidence(formula, coding):
    data = table()
    plain = gaussian_answers(design_of("y ~ " + formula.format(f="f", g="g"), data))
    coded = formula.format(f=coding.format("f"), g=coding.format("g"))
    assert_same(plain, gaussian_answers(design_of(f"y ~ {coded}", data)))


@pytest.mark.parametrize(
    "spellings",
    [
        ("x*f", "f*x", "f/x", "0 + f + f:x", "x + f + x:f"),
        ("f", "0 + f"),
        ("f*g", "f:g", "0 + f:g", "f/g", "g + f:g"),
        ("x + I(x**2)", "I(x**2) + x"),
    ],
)
def test_all_spellings_of_a_space_have_one_prior(spellings):
    first, *others = [gaussian_answers(design_of(f"y ~ {text}", table())) for text in spellings]
    for other in others:
        assert_same(first, other)


def test_a_number_with_two_values_has_the_prior_of_a_factor_with_two_levels():
    data = table().assign(t=lambda d: np.where(d["g"] == "v", 3.0, 1.0))
    number, factor = (gaussian_answers(design_of(f"y ~ {text}", data)) for text in ("x*t + f*t", "x*g + f*g"))
    assert_same(number, factor)


@pytest.mark.parametrize("seed", range(12))
def test_generated_formulas_keep_their_prior_under_all_changes_together(seed):
    generator = np.random.default_rng(seed)
    pieces = ["f", "g", "h", "x", "z", "log(w)", "poly(w, 2)"]
    terms = ["*".join(generator.choice(pieces, size, replace=False)) for size in generator.integers(1, 4, 2)]
    formula = ("0 + " if generator.random() < 0.3 else "") + " + ".join(terms)
    data = table(seed, empty=bool(seed % 2)).assign(w=lambda d: d["z"] ** 2 + 1.0)
    orders = {name: generator.permutation(LEVELS[name]) for name in LEVELS}
    changed = ordered(moved(data), orders)
    for family, response in (("gaussian", "y"), ("poisson", "count"), ("bernoulli", "event"), ("gamma", "size")):
        first, second = (design_of(f"{response} ~ {formula}", one, family=family) for one in (data, changed))
        if "0 +" in formula and not first.mu.population.basis.constant:
            return
        assert_same(moments(first), moments(second))


@pytest.mark.parametrize("change", [moved, turned])
@pytest.mark.parametrize(
    ("family", "response", "parameter", "formula"),
    [
        ("gaussian", "y", "sigma", "x*f"),
        ("student", "y", "nu", "f*g"),
        ("negbin", "count", "theta", "x + I(x**2)"),
        ("zero_inflated_poisson", "count", "zi", "f/x"),
        ("hurdle_poisson", "count", "hu", "0 + f + f:x"),
        ("gamma", "size", "shape", "poly(x, 2)*f"),
        ("beta", "share", "phi", "x*f + g"),
    ],
)
def test_predictors_of_further_parameters_keep_their_prior(family, response, parameter, formula, change):
    data = table().assign(share=lambda d: 1 / (1 + d["size"]))
    changed = ordered(change(data), {"f": "cab", "g": "vu"})
    first, second = (
        design_of(f"{response} ~ x", one, family=family, **{parameter: f"~ {formula}"}) for one in (data, changed)
    )
    assert_same(moments(first, parameter), moments(second, parameter))


def test_thresholds_and_offsets_and_weights_change_nothing_of_that():
    data = table().assign(w=lambda d: np.resize([1, 2, 3], len(d)), o=lambda d: d["z"] / 9)
    data["grade"] = pd.Categorical(np.resize(list("lmmhl"), len(data)), list("lmh"), ordered=True)
    changed = ordered(turned(data), {"f": "cab", "g": "vu"})
    for response, terms, family in (
        ("grade", "x*f + f*g", "cumulative"),
        ("count", "x*f + offset(o)", "poisson"),
        ("y | weights(w, frequency)", "x*f", "gaussian"),
        ("y | weights(w, precision)", "x*f", "gaussian"),
    ):
        first, second = (design_of(f"{response} ~ {terms}", one, family=family) for one in (data, changed))
        assert_same(moments(first), moments(second))


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_rows_written_twice_and_frequency_weights_give_one_prior():
    data = table().assign(w=lambda d: np.resize([1, 2, 3], len(d)))
    weighted = prepare("y | weights(w, frequency) ~ (x + I(x**2))*f + g", data)
    copies = data.loc[np.repeat(data.index, data["w"])].reset_index(drop=True)
    first = np.flatnonzero(np.diff(np.repeat(np.arange(len(data)), data["w"]), prepend=-1))
    mean, covariance = moments(prepare("y ~ (x + I(x**2))*f + g", copies))
    assert_same((mean[first], covariance[np.ix_(first, first)]), moments(weighted))


@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_renaming_levels_changes_no_prior_of_the_population_part(family):
    data = table()
    renamed = data.assign(
        f=data["f"].map({"a": "z", "b": "T.b", "c": "[1:2]"}), h=data["h"].map(dict(zip("pqrs", "3142", strict=True)))
    )
    response = "y" if family == "gaussian" else "count"
    first = design_of(f"{response} ~ f*h + x:f", data, family=family)
    second = design_of(f"{response} ~ f*h + x:f", renamed, family=family, factors=["h"])
    assert_same(moments(first), moments(second))


@pytest.mark.parametrize("change", [moved, turned])
@pytest.mark.parametrize("formula", ["x*f", "f", "0 + f", "x + I(x**2)", "f*g", "f/x", "poly(x, 2)", "x*z"])
def test_group_terms_have_the_same_coordinates_and_priors_whatever_origin_and_reference(formula, change):
    data = table(rows=180)
    first, second = (
        design_of(f"y ~ x + ({formula} | group)", one) for one in (data, ordered(change(data), {"f": "cab", "g": "vu"}))
    )
    assert first.mu.sd_keys(first.mu.groups[0]) == second.mu.sd_keys(second.mu.groups[0])
    for one, other in zip(first.mu.sd_keys(first.mu.groups[0]), first.mu.sd_keys(second.mu.groups[0]), strict=True):
        assert one == other
    scaled = [
        d.mu.groups[0].centred_matrix * [d.priors[key].prior.arguments[-1] for key in d.mu.sd_keys(d.mu.groups[0])]
        for d in (first, second)
    ]
    # Another sign of a number is another sign of a coordinate, which no prior of SDs and correlations sees.
    signs = np.sign(np.sum(scaled[0] * scaled[1], axis=0))
    np.testing.assert_allclose(scaled[0], signs * scaled[1], atol=1e-10 * np.abs(scaled[0]).max())


@pytest.mark.parametrize("formula", ["x*f", "f*g", "0 + f", "x + I(x**2)", "x + z", "f/x"])
def test_stating_the_defaults_own_marginal_changes_nothing(formula):
    data = table()
    default = design_of(f"y ~ {formula}", data)
    mean, covariance = moments(default)
    numbers = np.array([prior.arguments for prior in default.coefficient_priors(default.mu)])
    locations = default.mu.transform @ numbers[:, 0]
    spreads = np.sqrt((default.mu.transform * numbers[:, 1]) ** 2 @ np.ones(len(numbers)))
    for label, location, spread in zip(default.mu.population.labels, locations, spreads, strict=True):
        if label != "Intercept":
            stated = design_of(
                f"y ~ {formula}", data, priors={f"beta[{label}]": f"Normal({float(location)!r}, {float(spread)!r})"}
            )
            assert stated.priors[f"beta[{label}]"].source == "user"
            assert_same((mean, covariance), moments(stated))


def test_priors_printed_by_default_can_be_written_out():
    data = table()
    default = design_of("y ~ x*f + z", data)
    printed = {key: entry.prior.to_text() for key, entry in default.priors.items()}
    written = design_of("y ~ x*f + z", data, priors=printed)
    assert {key: entry.prior for key, entry in written.priors.items()} == {
        key: entry.prior for key, entry in default.priors.items()
    }
    assert_same(moments(default), moments(written))


def test_a_prior_on_all_coefficients_is_on_those_as_written_at_the_covariate_means():
    design = design_of("y ~ x*f", table(), priors={"beta": "Normal(0, 2)"})
    labels = design.mu.population.labels[1:]
    assert design.mu.population.coordinates.labels == ("Intercept_centred", *labels)
    np.testing.assert_allclose(design.mu.transform[1:], np.eye(6)[1:], atol=1e-12)
    matrix = design.mu.population.matrix
    np.testing.assert_allclose(design.mu.centred_matrix[:, 1:], (matrix - matrix.mean(axis=0))[:, 1:], atol=1e-10)


def test_a_prior_on_the_intercept_as_written_leaves_the_others_their_default():
    default = design_of("y ~ x*f", table())
    stated = design_of("y ~ x*f", table(), priors={"beta[Intercept]": "Normal(0, 1)"})
    assert stated.priors["beta[Intercept]"].source == "user"
    for key in default.mu.keys[1:]:
        assert stated.priors[key].prior == default.priors[key].prior
    np.testing.assert_allclose(stated.mu.transform[0], np.eye(6)[0], atol=1e-12)
    np.testing.assert_allclose(stated.mu.transform[1:], default.mu.transform[1:], atol=1e-12)


def test_coordinates_and_coefficients_as_written_give_one_predictor():
    for priors in ({}, {"beta[x]": "Normal(0, 1)"}, {"beta[f[T.b]]": "Normal(0, 1)", "beta[x]": "StudentT(3, 0, 1)"}):
        mu = design_of("y ~ (x + I(x**2))*f", table(), priors=priors).mu
        np.testing.assert_allclose(mu.population.matrix @ mu.transform, mu.centred_matrix, atol=1e-10)
        np.testing.assert_allclose(mu.inverse_transform @ mu.transform, np.eye(len(mu.keys)), atol=1e-8)


def test_coefficients_that_depend_on_each_other_cannot_all_have_priors():
    few = table().assign(x=lambda d: d["x"].round().clip(0, 3))
    with pytest.raises(SpecError, match="linearly dependent"):
        design_of("y ~ bs(x, df=6)", few, priors={"beta": "Normal(0, 1)"})


@pytest.mark.parametrize("formula", ["x:h", "0 + x", "x + I(x**3)"])
def test_numbers_that_stay_as_written_are_named_where_zero_is_out_of_range(formula):
    data = table().assign(x=lambda d: d["x"] + 1, z=lambda d: d["z"] + 10)
    with pytest.warns(StatisticsWarning, match="'x' is never 0, but the formula leaves out terms without it"):
        prepare(f"y ~ {formula}", data)


def test_implied_scales_are_those_of_the_rules():
    """Units of 2.5 s: 1 for a difference of two levels, root 1.5 at a reference of 2 x 2, root 2 for its interaction."""
    design = design_of("y ~ f*g", ordered(table().assign(f=lambda d: d["f"].replace("c", "a")), {"f": "ab"}))
    scale = design.priors["beta[Intercept_centred]"].prior.arguments[1]
    sds = np.array([prior.arguments[1] for prior in design.coefficient_priors(design.mu)])
    implied = np.sqrt(((design.mu.transform * sds) ** 2).sum(axis=1))[1:] / scale
    np.testing.assert_allclose(implied, np.sqrt([1.5, 1.5, 2.0]), rtol=1e-12)
    levels = design_of("y ~ h", table())
    sds = np.array([prior.arguments[1] for prior in levels.coefficient_priors(levels.mu)])
    spreads = np.sqrt(((levels.mu.transform * sds) ** 2).sum(axis=1))
    np.testing.assert_allclose(spreads[1:] / sds[0], 1.0, rtol=1e-12)


@pytest.mark.parametrize("reference", list("abcd"))
def test_a_level_without_events_is_pulled_as_far_whatever_the_reference(reference):
    """0 of 40 events, beside 10, 20 and 30: by importance sampling around the mode, mean -4.07, 95 % from -6.33 to -2.41."""
    events, size = np.array([0.0, 10.0, 20.0, 30.0]), 40
    rows = [(level, int(k < count)) for level, count in zip("abcd", events, strict=True) for k in range(size)]
    data = pd.DataFrame(rows, columns=["f", "y"])
    design = design_of(
        "y ~ f", ordered(data, {"f": sorted("abcd", key=lambda level: level != reference)}), family="bernoulli"
    )
    mean, covariance = (found[..., ::size] for found in moments(design))
    precision = np.linalg.inv(covariance[::size])
    mode = mean
    for _ in range(30):
        share = 1.0 / (1.0 + np.exp(-mode))
        curvature = precision + np.diag(size * share * (1.0 - share))
        mode = mode - np.linalg.solve(curvature, precision @ (mode - mean) - (events - size * share))
    generator = np.random.default_rng(0)
    z = generator.normal(size=(100_000, 4)) / np.sqrt(generator.chisquare(5, size=(100_000, 1)) / 5)
    eta = mode + 1.2 * z @ np.linalg.cholesky(np.linalg.inv(curvature)).T
    log_weights = eta @ events - size * np.logaddexp(0.0, eta).sum(axis=1) + 4.5 * np.log1p((z**2).sum(axis=1) / 5)
    log_weights -= 0.5 * np.einsum("ni,ij,nj->n", eta - mean, precision, eta - mean)
    weights = np.exp(log_weights - log_weights.max())
    order = np.argsort(eta[:, 0])
    share = np.cumsum(weights[order]) / weights.sum()
    found = [eta[:, 0] @ weights / weights.sum(), *eta[order, 0][np.searchsorted(share, [0.025, 0.975])]]
    np.testing.assert_allclose(found, [-4.07, -6.33, -2.41], atol=0.04)


@pytest.mark.parametrize("formula", ["year*g", "year + I(year**2)", "0 + g + g:year", "(year + I(year**2))*g", "f*g*h"])
def test_well_informed_coefficients_are_those_of_least_squares(formula):
    """Years from 1990 to 2020; a tenth of a standard error, given a residual SD of 1."""
    generator = np.random.default_rng(4)
    data = table(rows=600).assign(year=generator.integers(1990, 2021, 600))
    data["y"] = 0.15 * (data["year"] - 2005) * (data["g"] == "v") + generator.normal(size=600)
    design = design_of(f"y ~ {formula}", data)
    columns = design.mu.population.coordinate_matrix
    numbers = np.array([prior.arguments for prior in design.coefficient_priors(design.mu)])
    information, score = columns.T @ columns, columns.T @ design.response
    posterior = np.linalg.solve(information + np.diag(numbers[:, 1] ** -2), score + numbers[:, 0] / numbers[:, 1] ** 2)
    errors = design.mu.transform @ np.linalg.inv(information) @ design.mu.transform.T
    moved = design.mu.transform @ (posterior - np.linalg.solve(information, score))
    assert np.abs(moved / np.sqrt(np.diag(errors))).max() < 0.1


WRITTEN = [
    ("y ~ 1", {}, True),
    ("y ~ 0 + x", {}, True),
    ("y ~ x + f", {}, False),
    ("y ~ x", {"beta[Intercept]": "Normal(0, 1)"}, True),
    ("y ~ x + z", {"beta": "Normal(0, 2)", "beta[Intercept]": "Normal(0, 1)"}, True),
    ("y ~ f", {"beta": "Normal(0, 2)", "beta[Intercept]": "Normal(0, 1)"}, True),
    ("y ~ f", {"beta[Intercept]": "Normal(0, 1)"}, False),
]


@pytest.mark.parametrize(("formula", "priors", "expected"), WRITTEN)
def test_coordinates_say_whether_they_are_the_coefficients_as_written(formula, priors, expected):
    generator = np.random.default_rng(1)
    data = pd.DataFrame(
        {"y": generator.normal(size=12), "x": np.arange(12.0), "z": generator.normal(size=12), "f": list("abc") * 4}
    )
    block = prepare(from_formula(formula, priors=priors), data).mu.population
    assert block.as_written is expected
    identity = np.eye(len(block.labels))
    found = block.written @ block.coordinates.mixing
    assert (found.shape == identity.shape and np.allclose(found, identity, atol=1e-9)) is expected
