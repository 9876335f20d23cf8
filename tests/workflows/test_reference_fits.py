"""Fits at default settings against lme4 and glmmTMB, and against posteriors computed by quadrature."""

import re

import numpy as np
import pytest
from conftest import classic, read_reference

import bayesmixed as bm

pytestmark = pytest.mark.slow

REFERENCES = read_reference("mixed_models")["models"]
EXACT = read_reference("exact_posteriors")["models"]

CASES = {
    # fit: reference, reference factor -> our factor
    "herd": ("cbpp_re__glmer_agq25", {"herd": "herd"}),
    "herd_period": ("cbpp_period__glmer_agq25", {"herd": "herd"}),
    "sleepstudy": ("sleepstudy_corr__lmer_reml", {"Subject": "Subject"}),
    "sleepstudy_uncorrelated": ("sleepstudy_uncorr__lmer_reml", {"Subject": "Subject"}),
    "sleepstudy_intercept": ("sleepstudy_int__lmer_reml", {"Subject": "Subject"}),
    "sleepstudy_slope": ("sleepstudy_slope__lmer_reml", {"Subject": "Subject"}),
    "pastes": ("pastes_slash__lmer_reml", {"batch": "batch", "cask:batch": "batch:cask"}),
    "penicillin": ("penicillin__lmer_reml", {"plate": "plate", "sample": "dish"}),
    "arabidopsis": ("arabidopsis_pois__glmer", {"reg": "reg", "popu": "popu", "gen": "gen"}),
    "grouseticks": ("grouseticks__glmer", {"BROOD": "BROOD", "INDEX": "obs", "LOCATION": "LOCATION"}),
}


def r_name(label: str) -> str:
    """Return R's name of a coefficient: period[T.2] is period2."""
    return "(Intercept)" if label == "Intercept" else re.sub(r"\[T\.([^\]]*)\]", r"\1", label)


@pytest.mark.parametrize("name", CASES)
def test_population_effects_are_within_a_third_of_a_posterior_sd(name, fitted):
    reference = REFERENCES[CASES[name][0]]["fixed"]
    table = bm.population_effects(fitted(name))
    assert {r_name(label) for label in table["effect"]} == set(reference)
    distance = [abs(row["mean"] - reference[r_name(row["effect"])][0]) / row["sd"] for _, row in table.iterrows()]
    assert max(distance) < 0.3, dict(zip(table["effect"], distance, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_intervals_of_standard_deviations_cover_the_reference(name, fitted):
    reference, factors = CASES[name]
    table = bm.variance_components(fitted(name))
    table = table[table["quantity"] == "sd"]
    for factor, ours in factors.items():
        for term, value in REFERENCES[reference]["sd"][factor].items():
            row = table[(table["term"] == ours) & (table["effect"].map(r_name) == term)].iloc[0]
            assert row["lower"] < value < row["upper"], (ours, term, value)
    if "residual_sd" in REFERENCES[reference]:
        row = table[table["term"] == "Residual"].iloc[0]
        assert row["lower"] < REFERENCES[reference]["residual_sd"] < row["upper"]


@pytest.mark.parametrize("name", CASES)
def test_group_effects_correlate_with_the_conditional_modes(name, fitted):
    reference, factors = CASES[name]
    effects = bm.group_effects(fitted(name))
    checked = 0
    for key, modes in REFERENCES[reference]["effects"].items():
        factor, term = key.split("|")
        if factor not in factors:
            continue
        rows = effects[(effects["term"] == factors[factor]) & (effects["effect"].map(r_name) == term)]
        levels = list(rows["level"])
        ours = dict(zip(levels, rows["mean"], strict=True))
        if not set(modes) <= set(ours):
            reverse = {":".join(reversed(level.split(":"))): value for level, value in modes.items()}
            modes = reverse if set(reverse) <= set(ours) else dict(zip(levels, modes.values(), strict=True))
        pairs = np.array([(ours[level], value) for level, value in modes.items()])
        if len(pairs) > 3:
            assert np.corrcoef(pairs.T)[0, 1] > 0.99, key
            checked += 1
    assert checked > 0


@pytest.mark.parametrize("name", CASES)
def test_fits_at_default_settings_do_not_diverge(name, fitted):
    assert bm.diagnose(fitted(name)).divergences == 0


EXACT_FITS = {
    "dyestuff": ("Yield ~ 1 + (1 | Batch)", "gaussian", ("lme4", "Dyestuff"), {"sd_group": "sd_Batch"}),
    "rail": ("travel ~ 1 + (1 | Rail)", "gaussian", ("nlme", "Rail"), {"sd_group": "sd_Rail"}),
    "sleepstudy_int": (
        "Reaction ~ Days + (1 | Subject)",
        "gaussian",
        ("lme4", "sleepstudy"),
        {"sd_Intercept": "sd_Subject[Intercept]"},
    ),
    "sleepstudy_corr": (
        "Reaction ~ Days + (Days | Subject)",
        "gaussian",
        ("lme4", "sleepstudy"),
        {"sd_Intercept": "sd_Subject[Intercept]", "sd_Days": "sd_Subject[Days]", "cor": "corr_Subject"},
    ),
    "cbpp_re": ("incidence | trials(size) ~ 1 + (1 | herd)", "binomial", ("lme4", "cbpp"), {"sd_group": "sd_herd"}),
}


@pytest.mark.parametrize("name", EXACT_FITS)
def test_posteriors_agree_with_quadrature_under_the_same_priors(name):
    formula, family, data, names = EXACT_FITS[name]
    exact = EXACT[name]
    keys = {"Intercept": "beta[Intercept]", "Days": "beta[Days]", "sigma": "sigma", **names}
    priors = {keys[k]: "LKJ(2)" if k == "cor" else prior.split(" on ")[0] for k, prior in exact["priors"].items()}
    fit = bm.fit(formula, classic(*data), family=family, priors=priors, draws=2000, seed=2, progress=False)
    draws = {key: _draws(fit, keys[key]) for key in exact["posterior"] if key in keys}
    if "icc" in exact["posterior"]:
        draws["icc"] = bm.icc(fit, draws=True)["icc same " + fit.design.mu.groups[0].name].values.ravel()
    assert len(draws) >= 2
    for key, values in draws.items():
        truth = exact["posterior"][key]
        # Four standard errors of the mean, and of the quantiles, at an effective sample size of 800.
        error = 4 * truth["sd"] / np.sqrt(800)
        assert abs(values.mean() - truth["mean"]) < error, key
        assert abs(np.median(values) - truth["q50"]) < 1.3 * error, key
        assert abs(values.std() / truth["sd"] - 1) < 0.12, key
    for level, row in list(exact.get("group_effects_first3", {}).items()):
        mean = row.get("mean", row.get("u_mean"))
        table = bm.group_effects(fit)
        ours = table[table["level"] == level].iloc[0]
        assert abs(ours["mean"] - mean) < 4 * ours["sd"] / np.sqrt(800)


def _draws(fit, key):
    name, _, label = key.partition("[")
    values = fit.posterior[name].transpose("chain", "draw", ...).values
    if name.startswith("corr_"):
        return values[..., 0, 1].ravel()
    labels = list(fit.posterior[name].coords[fit.posterior[name].dims[-1]].values) if values.ndim > 2 else []
    return values[..., labels.index(label.rstrip("]")) if label else 0].ravel() if values.ndim > 2 else values.ravel()
