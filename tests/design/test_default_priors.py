"""Realised default priors against the rules of the table, computed here by another route."""

import math
import warnings

import numpy as np
import pytest
from realised_priors import CBPP, DATA, SLEEP, TICKS, YBAR, S, check, numbers, realised, two_sd, unit

import bayesmixed as bm
from bayesmixed.errors import SpecError, StatisticsWarning
from bayesmixed.preparation.preparing import prepare

ROOT = math.sqrt(2.0)


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
            "beta[period #1]": ("Normal", 0, 2.5 / ROOT),
            "beta[period #2]": ("Normal", 0, 2.5 / ROOT),
            "beta[period #3]": ("Normal", 0, 2.5 / ROOT),
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
        ("y ~ C(rare)", "rare", ROOT),
        ("y ~ f", "f #2", ROOT),
        ("y ~ x + z + x:z", "x:z", two_sd(DATA["x"]) * two_sd(DATA["z"])),
        ("y ~ x * z * rare", "x:z:rare", two_sd(DATA["x"]) * two_sd(DATA["z"])),
        ("y ~ f * x", "f:x #3", ROOT * two_sd(DATA["x"])),
        ("y ~ f * x", "x_centred", two_sd(DATA["x"])),
        ("y ~ f * rare", "f:rare #1", 1.0),
        ("y ~ f * C(few)", "f:few #9", ROOT),
        ("y ~ x + I(x**2)", "I(x ** 2)", two_sd((DATA["x"] - DATA["x"].mean()) ** 2)),
        ("y ~ I(x**2)", "I(x ** 2)", two_sd(DATA["x"] ** 2)),
        ("y ~ poly(x, 2)", "poly(x, 2) #2", 1.0),
        ("y ~ log(e)", "log(e)", two_sd(np.log(DATA["e"]))),
        ("y ~ log(e) * x", "log(e):x", two_sd(np.log(DATA["e"])) * two_sd(DATA["x"])),
        ("y ~ center(x) * center(z)", "center(x):center(z)", two_sd(DATA["x"]) * two_sd(DATA["z"])),
    ],
)
def test_a_coefficient_of_the_basis_has_the_step_of_its_column_and_of_a_product_their_product(formula, label, step):
    found = numbers(realised(formula, DATA))
    assert found[f"beta[{label}]"] == ("Normal", 0.0, pytest.approx(2.5 * S / step))


def test_a_random_slope_has_the_step_of_the_population_slope():
    found = numbers(realised("y ~ x * z + (x * z | g)", DATA))
    for label, own in (("x", "x_centred"), ("z", "z_centred"), ("x:z", "x:z")):
        assert found[f"sd_g[{label}]"][2] == pytest.approx(found[f"beta[{own}]"][2] / 2.5)


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
    assert found == numbers(realised("y ~ f + x", DATA))
    assert found["beta[Intercept_centred]"] == ("Normal", pytest.approx(YBAR), pytest.approx(2.5 * S))
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


def test_a_design_prints_the_realised_numbers():
    text = " ".join(str(realised("y ~ x + (x | g)", DATA, priors={"beta[x]": "Normal(0, 1)"})).split())
    assert f"prior sigma ~ HalfStudentT(4, {S:.4g})" in text
    assert "prior beta[x] ~ Normal(0, 1) (user;" in text
    assert "intercept at the covariate means" in text


def test_a_penalised_complexity_prior_is_for_standard_deviations():
    design = realised(
        "Reaction ~ Days + (1 | Subject)", SLEEP, priors={"sd_Subject": "PC(50, 0.05)", "sigma": "PC(50, 0.1)"}
    )
    assert str(design.priors["sd_Subject[Intercept]"].prior) == "PC(U=50, alpha=0.05)"
    for key in ("beta[Days]", "corr_Subject"):
        with pytest.raises(
            SpecError, match=f"Prior for '{key}'" if key == "corr_Subject" else "is for standard deviations"
        ):
            realised("Reaction ~ Days + (Days | Subject)", SLEEP, priors={key: "PC(1, 0.05)"})
    with pytest.raises(SpecError, match=r"same distribution of '1/sqrt\(theta\)' is \"Exponential"):
        realised("TICKS ~ YEAR + (1 | BROOD)", TICKS, family="negbin", priors={"1/sqrt(theta)": "PC(1, 0.05)"})


def test_a_prior_outside_the_range_of_a_correlation_is_refused_with_one_that_fits():
    data = {"y": np.arange(12.0) % 5, "t": np.arange(12) % 4, "g": np.arange(12) // 4}
    stated = {"sigma": 1.0, "ar1_g": "Uniform(2, 3)"}
    with pytest.raises(bm.SpecError, match=r"lies in \(-1, 1\)\. Take e\.g\. \"Normal\(0, 0\.5\)\""):
        bm.prepare(bm.from_formula("y ~ 1 + ar1(0 + t | g)", priors=stated), data)
    bm.prepare(bm.from_formula("y ~ 1 + ar1(0 + t | g)", priors=stated | {"ar1_g": "Normal(0, 0.5)"}), data)
