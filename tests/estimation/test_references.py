"""Maximum likelihood of models of the literature against lme4 1.1.31, glmmTMB 1.1.5 and ordinal (R 4.2.2)."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CHECKS, classic, grouseticks, read_reference

import bayesmixed as bm

REFERENCES = read_reference("approximations")["models"]


def arabidopsis():
    return classic("lme4", "Arabidopsis")


def verbal():
    return classic("lme4", "VerbAgg").assign(yes=lambda d: (d["r2"] == "Y").astype(int))


def epil():
    data = classic("MASS", "epil")
    lb, la = np.log(data["base"] / 4), np.log(data["age"])
    return data.assign(lb_c=lb - lb.mean(), la_c=la - la.mean())


def bacteria():
    data = classic("MASS", "bacteria")
    trt = data["trt"].map({"placebo": "a placebo", "drug": "drug", "drug+": "drug+"})  # R's order of levels
    return data.assign(yy=(data["y"] == "y").astype(int), wk2=(data["week"] > 2).astype(int), trt=trt)


def contraception():
    data = classic("mlmRev", "Contraception")
    age = data["age"] / 10
    return data.assign(y=(data["use"] == "Y").astype(int), age10=age, age10sq=age**2)


def ratpup():
    return classic("nlme", "RatPupWeight").assign(sex=lambda d: d["sex"].map({"Male": "A male", "Female": "Female"}))


def owls():
    """Return the calls of nestling owls (Roulin & Bersier 2007, Anim Behav 74:1099), glmmTMB's Owls."""
    return pd.read_csv(Path(__file__).parents[1] / "reference" / "owls.csv")


def calling_owls():
    return owls().query("calls > 0")


FRUITS = "`total.fruits` ~ rack + status + nutrient * amd + (1 | reg) + (1 | popu) + (1 | gen)"
COUNTED = {"factors": ["nutrient", "rack", "gen"], "crossed": ["gen"]}
HERDS = "incidence | trials(size) ~ period + (1 | herd)"
SEIZURES = "y ~ lb_c * trt + la_c + V4 + (1 | subject)"
TICKS = "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | LOCATION)"
CALLS = "calls ~ food + sex + offset(log(brood)) + (1 | nest)"
USE = "y ~ age10 + age10sq + urban + livch + "
EVENTS = {"family": "bernoulli"}

CASES = {
    # reference: formula, data, options, method, the SDs of ours in the order of R's
    "cbpp_period_betabin__glmmTMB": (HERDS, "cbpp", {"family": "beta_binomial", "factors": ["period"]}, {}, ["herd"]),
    "cbpp_period_olre__glmer": (
        HERDS + " + obs()",
        "cbpp",
        {"family": "binomial", "factors": ["period"]},
        {},
        ["obs", "herd"],
    ),
    "arabidopsis_pois__glmer_agq0": (
        FRUITS,
        arabidopsis,
        {"family": "poisson", **COUNTED},
        {"method": "joint"},
        ["gen", "popu", "reg"],
    ),
    "arabidopsis_nb2__glmmTMB": (FRUITS, arabidopsis, {"family": "negbin", **COUNTED}, {}, ["reg", "popu", "gen"]),
    "arabidopsis_zinb2__glmmTMB": (
        FRUITS,
        arabidopsis,
        {"family": "zero_inflated_negbin", **COUNTED},
        {},
        ["reg", "popu", "gen"],
    ),
    "arabidopsis_olre__glmmTMB": (
        FRUITS + " + obs()",
        arabidopsis,
        {"family": "poisson", **COUNTED},
        {},
        ["reg", "popu", "gen", "obs"],
    ),
    "grouseticks__glmer": (
        TICKS + " + obs()",
        grouseticks,
        {"family": "poisson", "factors": ["YEAR"]},
        {},
        ["obs", "BROOD", "LOCATION"],
    ),
    "grouseticks_nb2__glmmTMB": (
        TICKS,
        grouseticks,
        {"family": "negbin", "factors": ["YEAR"]},
        {},
        ["BROOD", "LOCATION"],
    ),
    "owls_zinb1__glmmTMB": (
        "calls ~ (food + arrival) * sex + offset(log(brood)) + (1 | nest)",
        owls,
        {"family": "zero_inflated_negbin1"},
        {},
        ["nest"],
    ),
    "owls_truncated_poisson__glmmTMB": (CALLS, calling_owls, {"family": "truncated_poisson"}, {}, ["nest"]),
    "owls_truncated_nb2__glmmTMB": (CALLS, calling_owls, {"family": "truncated_negbin"}, {}, ["nest"]),
    "verbagg__glmer": (
        "yes ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)",
        verbal,
        {"crossed": ["id", "item"], **EVENTS},
        {},
        ["id", "item"],
    ),
    "epil_nb2__glmmTMB": (SEIZURES, epil, {"family": "negbin"}, {}, ["subject"]),
    "epil_olre__glmer": (SEIZURES + " + obs()", epil, {"family": "poisson"}, {}, ["obs", "subject"]),
    "bacteria__glmer_agq1": ("yy ~ trt + wk2 + (1 | ID)", bacteria, EVENTS, {}, ["ID"]),
    "bacteria__glmer_agq25": ("yy ~ trt + wk2 + (1 | ID)", bacteria, EVENTS, {"method": "agq", "points": 25}, ["ID"]),
    "ohio__glmer_agq1": ("resp ~ age * smoke + (1 | id)", "ohio", EVENTS, {}, ["id"]),
    "ohio__glmer_agq25": ("resp ~ age * smoke + (1 | id)", "ohio", EVENTS, {"method": "agq", "points": 25}, ["id"]),
    "contraception_urbdist__glmer_agq7": (
        USE + "(1 | urban:district)",
        contraception,
        {"factors": ["livch"], **EVENTS},
        {"method": "agq", "points": 7},
        ["urban:district"],
    ),
    "cbpp_period__glmmTMB": (HERDS, "cbpp", {"family": "binomial", "factors": ["period"]}, {}, ["herd"]),
    "arabidopsis_nb1__glmmTMB": (FRUITS, arabidopsis, {"family": "negbin1", **COUNTED}, {}, ["reg", "popu", "gen"]),
    "contraception_urbdist__glmer_agq1": (
        USE + "(1 | urban:district)",
        contraception,
        {"factors": ["livch"], **EVENTS},
        {},
        ["urban:district"],
    ),
    "contraception__glmer": (
        USE + "(1 | district)",
        contraception,
        {"factors": ["livch"], **EVENTS},
        {},
        ["district"],
    ),
    "contraception_slope__glmer": (
        USE + "(urban | district)",
        contraception,
        {"factors": ["livch"], **EVENTS},
        {},
        ["district"],
    ),
    "wine_clmm_agq10": (
        "rating ~ temp + contact + (1 | judge)",
        "wine",
        {"family": "cumulative"},
        {"method": "agq", "points": 10},
        ["judge"],
    ),
    "ratpup_hetero__glmmTMB_ml": (
        "weight ~ Treatment + sex + Lsize + (1 | Litter)",
        ratpup,
        {"sigma": "~ Treatment"},
        {},
        ["Litter"],
    ),
}
NORMAL = {
    # reference: formula, data, options, the SDs of ours in the order of R's
    "sleepstudy_uncorr__lmer_ml": ("Reaction ~ Days + (Days || Subject)", "sleepstudy", {}, ["Subject"]),
    "sleepstudy_int__lmer_ml": ("Reaction ~ Days + (1 | Subject)", "sleepstudy", {}, ["Subject"]),
    "dyestuff__lmer_reml": ("Yield ~ 1 + (1 | Batch)", "Dyestuff", {}, ["Batch"]),
    "dyestuff__lmer_ml": ("Yield ~ 1 + (1 | Batch)", "Dyestuff", {}, ["Batch"]),
    "penicillin__lmer_ml": ("diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin", {}, ["plate", "sample_"]),
    "pastes__lmer_ml": ("strength ~ 1 + (1 | batch) + (1 | sample)", "Pastes", {}, ["sample_", "batch"]),
    "cake__lmer_reml": (
        "angle ~ recipe * temp_c + (1 | recipe:replicate)",
        lambda: classic("lme4", "cake").assign(temp_c=lambda d: d["temp"] - 200.0),
        {},
        ["recipe:replicate"],
    ),
    "oats__lmer_reml": (
        "`yield` ~ nitro + Variety + (1 | Block/Variety)",
        lambda: classic("nlme", "Oats"),
        {},
        ["Block:Variety", "Block"],
    ),
    "orthodont__lmer_reml": (
        "distance ~ age * Sex + (age | Subject)",
        lambda: classic("nlme", "Orthodont").assign(Sex=lambda d: d["Sex"].map({"Male": "A male", "Female": "Female"})),
        {},
        ["Subject"],
    ),
    "rail__lmer_reml": ("travel ~ 1 + (1 | Rail)", lambda: classic("nlme", "Rail"), {}, ["Rail"]),
    "ratpup__lmer_reml": ("weight ~ Treatment + sex + Lsize + (1 | Litter)", ratpup, {}, ["Litter"]),
}
PACKAGES = {"cbpp": "lme4", "ohio": "geepack", "wine": "ordinal"} | dict.fromkeys(
    ("sleepstudy", "Dyestuff", "Penicillin", "Pastes"), "lme4"
)


def r_name(name: str) -> str:
    """Return R's name of a coefficient or threshold: beta[period[T.2]] is period2."""
    label = re.sub(r"\[T\.([^\]]*)\]", r"\1", re.fullmatch(r"\w+\[(.*)\]", name)[1])
    return "(Intercept)" if label == "Intercept" else label


def maximum(formula, data, options, asked):
    table = classic(PACKAGES[data], data) if isinstance(data, str) else data()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.approximate(bm.prepare(formula, table, **options), **asked)


def read_sds(found, groups):
    return [value for group in groups for key, value in found.estimates.items() if key.startswith(f"sd_{group}[")]


SLOW = ("arabidopsis_nb1__glmmTMB",)


@pytest.mark.parametrize("name", [pytest.param(c, marks=pytest.mark.slow if c in SLOW else ()) for c in CASES])
def test_the_maximum_is_that_of_the_reference(name):
    *asked, groups = CASES[name]
    found, reference = maximum(*asked), REFERENCES[name]
    assert found.converged
    assert not found.notes
    assert found.log_likelihood > reference["log_likelihood"] - 1e-4
    ours = {r_name(key): key for key in found.estimates if key.startswith(("beta[", "threshold["))}
    for label, (estimate, error) in reference["fixed"].items():
        assert abs(found.estimates[ours[label]] - estimate) < 0.03 * error
        # lme4 has the curvature under Laplace's approximation of a rougher kind.
        assert found.standard_errors[ours[label]] == pytest.approx(error, rel=0.02)
    expected = [value for group in reference["sd"].values() for value in group]
    assert read_sds(found, groups) == pytest.approx(expected, rel=1e-3, abs=5e-3)
    if reference.get("dispersion"):
        (dispersion,) = (found.estimates[key] for key in ("theta", "phi") if key in found.estimates)
        assert dispersion == pytest.approx(reference["dispersion"], rel=1e-3)


@pytest.mark.parametrize("name", NORMAL)
def test_normal_models_have_the_maximum_of_lmer_to_five_digits(name):
    *asked, groups = NORMAL[name]
    found, reference = maximum(*asked, {"restricted": name.endswith("reml")}), REFERENCES[name]
    assert found.log_likelihood == pytest.approx(reference["log_likelihood"], abs=1e-5)
    ours = {r_name(key): key for key in found.estimates if key.startswith("beta[")}
    for label, (estimate, error) in reference["fixed"].items():
        assert abs(found.estimates[ours[label]] - estimate) < 1e-4 * error
    expected = [value for group in reference["sd"].values() for value in group]
    assert read_sds(found, groups) == pytest.approx(expected, rel=1e-4)
    assert found.estimates["sigma"] == pytest.approx(reference["residual_sd"], rel=1e-5)


def test_predicted_effects_under_a_prior_are_those_of_the_exact_posterior():
    """With SDs fixed the mode of all coefficients and effects is their posterior mean."""
    inputs, expected = CHECKS["G1"]["inputs"], CHECKS["G2"]["expected"]
    priors = {"sd_group": inputs["sd_group"], "sigma": inputs["sigma"], "beta[Intercept]": "Normal(2, 1.5)"}
    spec = bm.from_formula("y ~ 1 + (1 | group)", priors=priors)
    found = bm.approximate(spec, {name: inputs[name] for name in ("y", "group")}, priors=True)
    assert found.estimates["beta[Intercept]"] == pytest.approx(expected["beta_mean"], abs=1e-7)
    assert found.standard_errors["beta[Intercept]"] == pytest.approx(expected["beta_sd"], rel=1e-5)
    assert found.effects["estimate"].to_numpy() == pytest.approx(expected["b_mean"], abs=1e-7)
