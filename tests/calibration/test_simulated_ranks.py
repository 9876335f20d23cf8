"""Ranks of true parameters are uniform: simulation-based calibration of one spec per family and structure, by hand."""

import warnings

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.families import FAMILIES
from bayesmixed.families.multinomial import count_of

FITS, GROUPS, ROWS = 200, 8, 5
MIDDLE = {"sigma": 1.0, "nu": 5.0, "shape": 3.0, "phi": 2.0, "theta": 2.0, "zi": 0.3, "hu": 0.3, "zoi": 0.3, "coi": 0.4}
MIDDLE |= {"lam": 0.3, "tau": 1.0, "alpha": 1.5, "quantile": 0.5, "power": 1.6, "ndt": 0.3, "cutzero": -1.5, "gap": 3.0}
PRIORS = {"beta[Intercept]": "Normal(0.5, 1)", "beta": "Normal(0, 0.5)", "sd_g": "HalfNormal(0.7)"}
ERROR = {"sigma": "HalfNormal(1)"}
CUTS = {"cut 1": -1.0, "cut 2": 0.5, "cut 3": 1.5}
TWO = {"beta[Intercept]": "Normal(0.5, 1)", "sd_a": "HalfNormal(0.7)"}
STRUCTURES = {
    # name: formula, family, priors, further predictors
    "nested": ("y ~ 1 + (1 | a/b)", "gaussian", TWO | ERROR | {"sd_a:b": "HalfNormal(0.7)"}, {}),
    "crossed": ("y ~ 1 + (1 | a) + (1 | b)", "poisson", TWO | {"sd_b": "HalfNormal(0.7)"}, {}),
    "slopes": ("y ~ x + (x | g)", "poisson", PRIORS | {"corr_g": "LKJ(2)"}, {}),
    "slopes, gaussian": ("y ~ x + (x | g)", "gaussian", PRIORS | ERROR | {"corr_g": "LKJ(2)"}, {}),
    "slopes, default priors": ("y ~ x + (x | g)", "gaussian", {}, {}),
    "factorial, default priors": ("y ~ f*k + (1 | g)", "poisson", {}, {}),
    "year and factor, default priors": ("y ~ year*f + (1 | g)", "gaussian", {}, {}),
    "shares of the variance": (
        "y ~ x + (x | g)",
        "gaussian",
        {"variance": "VarianceSplit(total=HalfStudentT(4, 0, 1), shares=Dirichlet(1, 2))"},
        {},
    ),
    "explained variance": ("y ~ x + f + (1 | g)", "gaussian", {"variance": "R2D2M2(R2=Beta(2, 2))"}, {}),
    "effects of rows": ("y ~ x + (1 | g) + obs()", "poisson", PRIORS | {"sd_obs": "HalfNormal(0.7)"}, {}),
    "sigma modelled": (
        "y ~ x + (1 | g)",
        "gaussian",
        PRIORS
        | {"beta_sigma[Intercept]": "Normal(0, 0.5)", "beta_sigma": "Normal(0, 0.3)", "sd_g_sigma": "HalfNormal(0.4)"},
        {"sigma": "x + (1 | g)"},
    ),
}


def lay_out():
    """Return rows of 8 groups of 5, of 5 x 8 crossed levels, and of nested levels with two rows each."""
    generator = np.random.default_rng(11)
    place = np.arange(GROUPS * ROWS)
    return pd.DataFrame(
        {
            "x": generator.normal(size=len(place)).round(2) + 1.0,
            "g": [f"g{i}" for i in place // ROWS],
            "a": [f"a{i}" for i in place // GROUPS],
            "b": [f"b{i}" for i in place % GROUPS // 2],
            "n": np.resize([4, 8, 12, 6, 10], len(place)),
            "f": np.resize(list("pqq"), len(place)),
            "k": np.resize(list("uvwuvwv"), len(place)),
            "year": 1990 + np.resize([0, 3, 7, 12, 20, 28, 30], len(place)),
        }
    )


def respond(data, family):
    """Return the rows with a response of the family, on which default priors are realised."""
    first = family.parameters[0]
    values = {p.name: MIDDLE[p.name] for p in family.parameters[1:] if not p.cut}
    values |= {first.name: 0.4 if first.upper == 1 else 1.6} | (CUTS if first.latent else {})
    trials = data["n"].to_numpy(float) if family.has_trials or family.counted else 1.0
    y = family.random(np.random.default_rng(3), values, trials, (len(data),))
    return data.assign(**({f"y{k}": count_of(y, k) for k in (1, 2)} if family.counted else {"y": y}))


def of_family(name):
    """Return formula, family, priors and further predictors of the spec of a family."""
    family = FAMILIES[name]
    latent = family.parameters[0].latent
    priors = {key: prior for key, prior in PRIORS.items() if not (latent and key == "beta[Intercept]")}
    response = "cbind(y1, y2)" if family.counted else "y"
    return (
        f"{response}{' | trials(n)' if family.has_trials else ''} ~ x + (1 | g)",
        name,
        priors | (ERROR if family.scale else {}),
        {},
    )


def ranks(formula, family, priors, further, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        spec = bm.from_formula(formula, family=family, priors=priors, crossed=["b"] * ("| b)" in formula), **further)
        data = respond(lay_out(), FAMILIES[family])
        return bm.calibrate(spec, data=data, n=FITS, seed=seed, draws=300, tune=300, progress=False)


def judge(found):
    print(found)
    assert not found.failures
    assert found.uniform
    assert sum(fit.divergences > 0 for fit in found.fits) <= 0.05 * FITS


@pytest.mark.calibration
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_calibrated(name):
    judge(ranks(*of_family(name), seed=2026 + list(FAMILIES).index(name)))


@pytest.mark.calibration
@pytest.mark.parametrize("name", STRUCTURES)
def test_every_structure_is_calibrated(name):
    judge(ranks(*STRUCTURES[name], seed=3026 + list(STRUCTURES).index(name)))
