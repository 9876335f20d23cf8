"""Fits of families with dispersions, modelled dispersions, binary responses and split plots against glmmTMB and lme4."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import classic, read_reference

import bayesmixed as bm
from bayesmixed.design.default_priors import group_unit
from bayesmixed.summaries.variance.group_spread import NEGLIGIBLE

REFERENCES = read_reference("family_models")["models"]
SEIZURES = "y ~ lb_c * trt + la_c + V4 + (1 | subject)"
CATTLE = "incidence | trials(size) ~ period + (1 | herd)"
FRUITS = "total.fruits ~ rack + status + nutrient * amd + (1 | reg) + (1 | popu) + (1 | gen)"
USE = "(use == 'Y') ~ age10 + age10sq + urban + livch"


def epil():
    table = classic("MASS", "epil")
    base, age = np.log(table["base"] / 4), np.log(table["age"])
    return table.assign(lb_c=base - base.mean(), la_c=age - age.mean())


def bacteria():
    table = classic("MASS", "bacteria")
    drug = pd.Categorical(table["trt"], ["placebo", "drug", "drug+"])
    return table.assign(yy=table["y"] == "y", wk2=(table["week"] > 2).astype(int), trt=drug)


def rat_pups():
    table = classic("nlme", "RatPupWeight")
    sex = pd.Categorical(table["sex"], ["Male", "Female"])
    return table.assign(sex=sex, Treatment=pd.Categorical(table["Treatment"], ["Control", "Low", "High"]))


def cake():
    table = classic("lme4", "cake")
    return table.assign(temp_c=table["temp"] - 200)


def contraception():
    table = classic("mlmRev", "Contraception")
    return table.assign(age10=table["age"] / 10, age10sq=(table["age"] / 10) ** 2)


PLANTS = {"factors": ["rack", "nutrient"]}
CHILDREN = {"family": "bernoulli", "factors": ["livch"]}
CASES = {
    # reference: formula, arguments of from_formula, data
    "epil_nb2": (SEIZURES, {"family": "negbin"}, epil),
    "cbpp_period_betabin": (CATTLE, {"family": "beta_binomial", "factors": ["period"]}, ("lme4", "cbpp")),
    "cbpp_period_olre": (f"{CATTLE} + obs()", {"family": "binomial", "factors": ["period"]}, ("lme4", "cbpp")),
    "gasoline_beta": ("yield ~ temp + (1 | batch)", {"family": "beta"}, ("betareg", "GasolineYield")),
    "gasoline_beta_fixed": (
        "yield ~ batch + temp",
        {"family": "beta", "factors": ["batch"]},
        ("betareg", "GasolineYield"),
    ),
    "ratpup_hetero": ("weight ~ Treatment + sex + Lsize + (1 | Litter)", {"sigma": "~ Treatment"}, rat_pups),
    "oats_int": ("yield ~ nitro * Variety + (1 | Block/Variety)", {}, ("nlme", "Oats")),
    "cake": ("angle ~ recipe * temp_c + (1 | recipe:replicate)", {}, cake),
    "bacteria": ("yy ~ trt + wk2 + (1 | ID)", {"family": "bernoulli"}, bacteria),
    "epil_olre": (f"{SEIZURES} + obs()", {"family": "poisson"}, epil),
    "grouseticks_nb2": (
        "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | LOCATION)",
        {"family": "negbin", "factors": ["YEAR"]},
        ("lme4", "grouseticks"),
    ),
    "arabidopsis_nb1": (FRUITS, {"family": "negbin1", **PLANTS}, ("lme4", "Arabidopsis")),
    "arabidopsis_nb2": (FRUITS, {"family": "negbin", **PLANTS}, ("lme4", "Arabidopsis")),
    "arabidopsis_zinb2": (FRUITS, {"family": "zero_inflated_negbin", **PLANTS}, ("lme4", "Arabidopsis")),
    "arabidopsis_olre": (f"{FRUITS} + obs()", {"family": "poisson", **PLANTS}, ("lme4", "Arabidopsis")),
    "contraception": (f"{USE} + (1 | urban:district)", CHILDREN, contraception),
    "contraception_slope": (f"{USE} + (urban | district)", CHILDREN, contraception),
    "ohio": ("resp ~ age * smoke + (1 | id)", {"family": "bernoulli"}, ("geepack", "ohio")),
    "verbagg": (
        "(r2 == 'Y') ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)",
        {"family": "bernoulli"},
        ("lme4", "VerbAgg"),
    ),
    "reading_skills": (
        "accuracy ~ dyslexia * iq",
        {"family": "beta", "phi": "~ dyslexia + iq"},
        ("betareg", "ReadingSkills"),
    ),
}
LARGE = ("arabidopsis_nb1", "arabidopsis_zinb2", "arabidopsis_olre", "ohio", "verbagg")
"""Half a minute each, so by hand: `pytest -m calibration tests/test_reference_families.py`."""
SHRUNK = ("reading_skills",)
"""44 rows, and a precision that changes 33 times between two groups: slopes lie up to 1.1 posterior sd nearer to zero.

Under flat priors it is 0.3 sd for the mean and 0.4 for the precision: the posterior is skewed.
"""
FITTED = [pytest.param(name, marks=pytest.mark.calibration if name in LARGE else ()) for name in CASES]
FACTORS = {"Variety:Block": "Block:Variety", "urbdist": "urban:district"}
MODELLED = {"ratpup_hetero": ("beta_sigma", 0.5), "reading_skills": ("beta_phi", 1.0)}
"""Coefficients of a modelled dispersion, and what R's are multiplied by to be on our link."""


def r_name(label):
    """Return R's name of a coefficient: period[T.2] is period2."""
    return "(Intercept)" if label == "Intercept" else re.sub(r"\[T\.([^\]]*)\]", r"\1", label)


def fit_case(name):
    formula, options, data = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        table = classic(*data) if isinstance(data, tuple) else data()
        return bm.fit(bm.from_formula(formula, **options), table, draws=600, tune=500, seed=1, progress=False)


def coefficients(fit, variable, dim=""):
    """Return the draws of coefficients by R's names."""
    dim = dim or f"{variable}_effect"
    draws = fit.posterior[variable].stack(sample=("chain", "draw")).transpose(dim, ...)
    labels = map(r_name, draws.coords[dim].values)
    return dict(zip(labels, draws.values, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", FITTED)
def test_a_fit_agrees_with_the_one_by_maximum_likelihood(name):
    reference, fit = REFERENCES[name], fit_case(name)
    assert bm.diagnose(fit).divergences == 0
    if name in SHRUNK:
        for label, draws in coefficients(fit, "beta").items():
            assert_covered(label, reference["fixed"][label][0], draws)
    else:
        assert_near(reference["fixed"], coefficients(fit, "beta"))
    if name in MODELLED:
        variable, factor = MODELLED[name]
        for label, draws in coefficients(fit, variable).items():
            assert_covered(label, factor * reference["dispersion_fixed"][label][0], draws)
    if "dispersion" in reference:
        assert_covered("dispersion", reference["dispersion"], fit.posterior[fit.design.family.parameters[1].name])
    for factor, sds in reference["sd"].items():
        name, unit = FACTORS.get(factor, factor), group_unit(fit.design, fit.design.mu)
        for label, draws in coefficients(fit, f"sd_{name}", dim=f"{name}_effect").items():
            if sds[label] < 1e-3 * unit:
                assert np.quantile(draws, 0.025) < NEGLIGIBLE * unit
            else:
                assert_covered(f"{factor} {label}", sds[label], draws)


def assert_near(reference, ours):
    assert set(reference) == set(ours)
    distance = {key: (ours[key].mean() - value) / ours[key].std() for key, (value, _) in reference.items()}
    assert max(map(abs, distance.values())) < 0.3, distance


def assert_covered(name, value, draws):
    low, high = np.quantile(draws, [0.025, 0.975])
    assert low < value < high, (name, value, low, high)
