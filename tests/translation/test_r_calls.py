"""Calls of R's packages are the specs that one would write here, or one error says what cannot be."""

import random

import numpy as np
import pandas as pd
import pytest
from cli_runs import run

import bayesmixed as bm
from bayesmixed.engines.kernel import lay_out_levels
from bayesmixed.engines.parameterisation import choose_parameterisation
from bayesmixed.errors import SpecError, StatisticsWarning
from bayesmixed.kernels.joint.packed_designs import pack
from bayesmixed.spec.files import as_spec, spec_from_toml, spec_to_toml

N = 60
GENERATOR = np.random.default_rng(3)
TABLE = pd.DataFrame(
    {
        "x": GENERATOR.normal(size=N),
        "z": GENERATOR.normal(size=N),
        "e": GENERATOR.uniform(1, 3, N),
        "f": np.resize(list("uvw"), N),
        "g": np.repeat(list("abcdefghij"), 6),
        "h": np.resize(list("pqrstuv"), N),
        "n": GENERATOR.integers(5, 20, N),
        "w": GENERATOR.uniform(0.5, 2, N),
    }
)
TABLE["k"] = GENERATOR.binomial(TABLE["n"], 0.4)
TABLE["y"] = TABLE["x"] + GENERATOR.normal(size=N)
TABLE["p"] = np.exp(TABLE["y"])
TABLE["o"] = np.resize([1, 2, 3, 2], N)
SAME = {
    'gam(y ~ s(x, bs = "cc") + s(x, g, bs = "fs", k = 5) + s(h, bs = "re"))': (
        'y ~ s(x, bs="cc") + s(x, g, bs="fs", k=5) + (1 | h)',
        {},
    ),
    "brm(y | cens(status, upper) ~ x + (1 | g), family = weibull)": (
        "y | cens(status, upper) ~ x + (1 | g)",
        {"family": "weibull"},
    ),
    "brm(y | trunc(lb = 0, ub = top) + weights(w) ~ x)": ('y | trunc(0, top) + weights(w, "likelihood") ~ x', {}),
    "brm(y | weights(w) + cens(c) ~ x)": ('y | weights(w, "likelihood") + cens(c) ~ x', {}),
    "lmer(y ~ x + (x | g), d)": ("y ~ x + (x | g)", {}),
    "lme4::lmer(y ~ x*f + (1 | g/h), data = d, weights = w)": ('y | weights(w, "precision") ~ x*f + (1 | g/h)', {}),
    "m1 <- glmer(cbind(k, n - k) ~ x + (1 | g), data = d, family = binomial)": (
        "k | trials(n) ~ x + (1 | g)",
        {"family": "binomial"},
    ),
    "glmer(k / n ~ x + (1 | g), weights = n, family = binomial(link = 'probit'))": (
        "k | trials(n) ~ x + (1 | g)",
        {"family": "binomial", "link": "probit"},
    ),
    "glm(p ~ x, weights = n, family = binomial('cauchit'))": (
        "round(p * n) | trials(n) ~ x",
        {"family": "binomial", "link": "cauchit"},
    ),
    "glmer((k > 3) ~ x + (1 | g), family = binomial(cloglog))": (
        "(k > 3) ~ x + (1 | g)",
        {"family": "bernoulli", "link": "cloglog"},
    ),
    "glmer(k ~ x + (1 | g), d, poisson, offset = log(e))": ("k ~ x + (1 | g) + offset(log(e))", {"family": "poisson"}),
    "glm(p ~ x, family = Gamma)": ("p ~ x", {"family": "gamma", "link": "inverse"}),
    "stan_glm(p ~ x, family = Gamma(link = log))": ("p ~ x", {"family": "gamma"}),
    "glm.nb(k ~ x)": ("k ~ x", {"family": "negbin"}),
    "glmer(k ~ x + (1 | g), family = MASS::negative.binomial(theta = 2))": (
        "k ~ x + (1 | g)",
        {"family": "negbin", "priors": {"theta": 2}},
    ),
    "glmmTMB(k ~ x + (1 | g), ziformula = ~ z + (1 | h), family = nbinom2, data = d)": (
        "k ~ x + (1 | g)",
        {"family": "zero_inflated_negbin", "zi": "~ z + (1 | h)"},
    ),
    "glmmTMB(k ~ x + (1 | g), zi = ~ ., dispformula = ~ z, family = nbinom2)": (
        "k ~ x + (1 | g)",
        {"family": "zero_inflated_negbin", "zi": "~ x + (1 | g)", "theta": "~ z"},
    ),
    "glmmTMB(k ~ x, ziformula = ~ 1, dispformula = ~ 1, family = poisson())": (
        "k ~ x",
        {"family": "zero_inflated_poisson"},
    ),
    "glmmTMB(k ~ x, ziformula = ~ 0, family = nbinom1(link = 'sqrt'))": (
        "k ~ x",
        {"family": "negbin1", "link": "sqrt"},
    ),
    "glmmTMB(k ~ x, ziformula = ~ z, family = truncated_nbinom2)": ("k ~ x", {"family": "hurdle_negbin", "hu": "~ z"}),
    "glm(p ~ x, family = inverse.gaussian)": ("p ~ x", {"family": "inverse_gaussian", "link": "inverse_squared"}),
    "glm(p ~ x, family = inverse.gaussian('1/mu^2'))": (
        "p ~ x",
        {"family": "inverse_gaussian", "link": "inverse_squared"},
    ),
    "glm(k ~ x, family = poisson(link = 'identity'))": ("k ~ x", {"family": "poisson", "link": "identity"}),
    "glmmTMB(k ~ x, family = truncated_nbinom2)": ("k ~ x", {"family": "truncated_negbin"}),
    "glmmTMB(k ~ x, ziformula = ~ 1, family = nbinom1)": ("k ~ x", {"family": "zero_inflated_negbin1"}),
    "brm(bf(y ~ x, beta ~ z), family = exgaussian())": ("y ~ x", {"family": "exgaussian", "tau": "~ z"}),
    "brm(bf(y ~ x, quantile = 0.9), family = asym_laplace())": (
        "y ~ x",
        {"family": "asymmetric_laplace", "priors": {"quantile": 0.9}},
    ),
    "glmmTMB(y ~ diag(1 + x | g) + us(z | h), dispformula = ~ x)": ("y ~ (1 + x || g) + (z | h)", {"sigma": "~ x"}),
    "glmmTMB(k ~ x, weights = w, family = poisson)": ('k | weights(w, "likelihood") ~ x', {"family": "poisson"}),
    "brm(bf(y ~ x + (1 | g), sigma ~ z, nu = 4), family = student(), data = d)": (
        "y ~ x + (1 | g)",
        {"family": "student", "sigma": "~ z", "priors": {"nu": 4}},
    ),
    "brm(bf(k ~ x, zi ~ z, shape ~ f), family = brmsfamily('zero_inflated_negbinomial', link = 'log'))": (
        "k ~ x",
        {"family": "zero_inflated_negbin", "zi": "~ z", "theta": "~ f"},
    ),
    "brm(k | trials(n) ~ 0 + Intercept + s(x, k = 5) + (1 | gr(g)), family = 'beta_binomial')": (
        "k | trials(n) ~ 1 + s(x, k=5) + (1 | g)",
        {"family": "beta_binomial"},
    ),
    "brm(y | weights(w) ~ x + (1 | mm(g, h)))": ('y | weights(w, "likelihood") ~ x + mm(g, h)', {}),
    "brm(o ~ x + (1 | g), family = cumulative(link = 'probit', threshold = 'flexible'))": (
        "o ~ x + (1 | g)",
        {"family": "cumulative", "link": "probit"},
    ),
    "multinom(cbind(a, b, c) ~ x, data = d)": ("cbind(a, b, c) ~ x", {"family": "multinomial"}),
    "brm(bf(cbind(a, b) | trials(n) ~ x, mub ~ z), family = multinomial())": (
        "cbind(a, b) | trials(n) ~ x",
        {"family": "multinomial", "mu_b": "~ z"},
    ),
    "brm(bf(o ~ x, mub ~ z), family = categorical(refcat = 'c'), prior = set_prior('normal(0, 1)', coef = 'x', dpar = 'mua'))": (
        "o ~ x",
        {"family": "categorical", "reference": "c", "mu_b": "~ z", "priors": {"beta_mu_a[x]": "Normal(0, 1)"}},
    ),
    "brm(o ~ x + (1 | g), family = sratio('cloglog'))": ("o ~ x + (1 | g)", {"family": "sratio", "link": "cloglog"}),
    "clmm(o ~ x + (1 | g), data = d, link = 'cloglog', threshold = 'flexible')": (
        "o ~ x + (1 | g)",
        {"family": "cumulative", "link": "cloglog"},
    ),
    "brm(bf(o ~ x, disc = 1), family = sratio)": ("o ~ x", {"family": "sratio"}),
    "brm(o | weights(w) + thres(gr = g) ~ x, family = sratio)": (
        'o | weights(w, "likelihood") ~ x',
        {"family": "sratio", "threshold": "~ g"},
    ),
    "clm(o ~ x, scale = ~ 1)": ("o ~ x", {"family": "cumulative"}),
    "lm(log(p) ~ poly(x, 2) + relevel(f, ref = 'v') + log(e, 2) + bs(z, knots = c(-0.5, 0.5)))": (
        'log(p) ~ poly(x, 2) + C(f, contr.treatment("v")) + log2(e) + bs(z, knots=[-0.5, 0.5])',
        {},
    ),
    "lm('y ~ x + f')": ("y ~ x + f", {}),
    "brm(y ~ x, family = shifted_lognormal())": ("y ~ x", {"family": "shifted_lognormal"}),
    "glmmTMB(y ~ x, family = compois)": ("y ~ x", {"family": "conway_maxwell_poisson"}),
    "glmmTMB(y ~ x, dispformula = ~ z, family = tweedie)": ("y ~ x", {"family": "tweedie", "phi": "~ z"}),
    "lm(as.formula('y ~ .'), d)": ("y ~ .", {}),
}
REFUSED = {
    "glm(k ~ x, family = quasipoisson)": "negbin1",
    "glm(k ~ x, family = 'quasibinomial')": "beta_binomial",
    "glmmTMB(y ~ x, family = lognormal)": r"log\(y\)",
    "glm(p ~ x, family = Gamma(link = 'sqrt'))": r"Link 'sqrt'.*link = \"log\"",
    "glmmTMB(y ~ x, family = ziGamma)": "without ziformula",
    "glmmTMB(y ~ x, ziformula = ~ z)": "ziformula with family 'gaussian'",
    "glmmTMB(k ~ x, dispformula = ~ z, family = poisson)": "dispformula",
    "glmmTMB(y ~ x, dispformula = ~ 0)": "dispformula",
    "glm(cbind(k, m) ~ x, family = binomial)": r"cbind\(successes, n - successes\)",
    "glm(y ~ x, subset = x > 0)": "take the rows beforehand",
    "lm(y ~ x, contrasts = list(f = 'contr.sum'))": r"C\(f, contr.sum\)",
    "lm(y ~ x, weights = 1 / v)": "compute the column beforehand",
    "glmmTMB(y ~ x, map = list(theta = factor(NA)))": "fix a parameter",
    "brm(bf(y ~ a * x, a ~ 1, nl = TRUE))": "non-linear",
    "brm(bf(y ~ x, center = FALSE))": "center",
    "brm(y | cens(1 - event) ~ x)": "each a column",
    "brm(o ~ x + cs(z), family = cumulative)": "in families 'sratio', 'cratio', 'acat', not in 'cumulative'",
    "brm(o | thres(gr = g) ~ x, family = cumulative)": "not in 'cumulative'",
    "brm(o | thres(4) ~ x, family = sratio)": "ordered Categorical of all",
    "brm(o ~ x + (cs(1) | g), family = acat)": "only as a term of its own",
    "brm(y ~ x + ar(time = t))": "state the group",
    "brm(k ~ x, family = poisson(link = 'log', link_zi = 'logit'))": "link_zi",
    "clm(o ~ x, threshold = 'equidistant')": "flexible",
    "clm(o ~ x, nominal = ~ z)": "'cumulative' are the same for all rows",
    "gam(y ~ x, scale = 2)": "'scale' of gam",
    "brm(bf(o ~ x, disc = 2), family = cumulative)": "disc = 2",
    "lmer(form, d)": "Write it out in the call",
    "lmer(~ x)": "no response",
    "lmer(data = d)": "no formula",
    "lmer(y ~ x + (1 | ID | g))": r"\|ID\|",
    "glmer(y ~ x, family = mine)": "bm.FAMILIES",
    "system('touch CANARY')": "not a function that is translated",
    "lm(y ~ x) + lm(y ~ z)": "Give one call",
    "y ~ x": "Give one call",
}


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize("call", SAME)
def test_a_call_is_the_spec_that_one_would_write(call):
    formula, options = SAME[call]
    assert bm.from_r(call) == bm.from_formula(formula, **options)


@pytest.mark.parametrize("call", REFUSED)
def test_what_cannot_be_is_named_with_what_to_write(call):
    with pytest.raises(SpecError, match=REFUSED[call]):
        bm.from_r(call)


def test_what_does_not_belong_to_the_model_is_left_out_with_one_warning():
    with pytest.warns(bm.StatisticsWarning) as said:
        bm.from_r("lmer(y ~ x + (1 | g), REML = FALSE, control = lmerControl(optimizer = 'bobyqa'))")
    assert [str(one.message)[:25] for one in said] == ["Left out: REML = FALSE, c"]
    with pytest.warns(bm.StatisticsWarning, match="all are independent"):
        bm.from_r("lmer(y ~ x + (f || g))")


def test_a_call_in_place_of_a_formula_leads_here():
    for text in ("lmer(y ~ x + (1 | g), data = d)", "brm(bf(y ~ x))"):
        with pytest.raises(SpecError, match=r"bm\.from_r"):
            bm.from_formula(text)


def packed(spec):
    """Return the packed data of the design of a spec as bytes."""
    design = bm.prepare(spec, TABLE)
    layout = lay_out_levels(design, None, choose_parameterisation(design, None))
    return [np.asarray(part).tobytes() for part in pack(layout).data]


POPULATION = ["x", "x*f", "poly(x, 2)", "log(e)", "factor(h)", "offset(log(w))", "s(z, k=5)", "I(x^2)"]
GROUPS = ["(1 | g)", "(x | g)", "(1 + x || g)", "(1 | h) + (0 + x | g)", "(1 | g/f)"]
"""Terms that are written alike in R and here."""


def drawn(generator):
    """Return a formula, its options, and the call of R that means the same."""
    right = " + ".join([*generator.sample(POPULATION, generator.randint(1, 3)), generator.choice(GROUPS)])
    own = generator.choice(["x", "z + (1 | h)", "f"])
    function, link = (
        generator.choice(["lmer", "glmer", "nbinom", "zeros", "brm"]),
        generator.choice(["probit", "cloglog"]),
    )
    if function == "lmer":
        return f"y ~ {right}", {"family": "gaussian"}, f"lmer(y ~ {right}, data = d)"
    if function == "glmer":
        call = f"glmer(cbind(k, n - k) ~ {right}, family = binomial(link = '{link}'), d)"
        return f"k | trials(n) ~ {right}", {"family": "binomial", "link": link}, call
    if function == "nbinom":
        call = f"glmmTMB(k ~ {right}, dispformula = ~ {own}, family = nbinom2, data = d)"
        return f"k ~ {right}", {"family": "negbin", "theta": f"~ {own}"}, call
    if function == "zeros":
        call = f"glmmTMB(k ~ {right}, zi = ~ {own}, family = poisson(link = 'sqrt'), data = d)"
        return f"k ~ {right}", {"family": "zero_inflated_poisson", "zi": f"~ {own}", "link": "sqrt"}, call
    return (
        f"y ~ {right}",
        {"family": "student", "sigma": f"~ {own}"},
        f"brm(bf(y ~ {right}, sigma ~ {own}), family = student)",
    )


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize("seed", range(24))
def test_keywords_a_spec_a_file_a_command_and_a_call_of_r_have_one_design(seed, tmp_path):
    generator = random.Random(seed)
    formula, options, call = drawn(generator)
    spec = bm.from_formula(formula, **options)
    bm.save_spec(spec, tmp_path / "m.toml")
    arguments = [formula, "--family", options["family"]]
    arguments += ["--link", options["link"]] if "link" in options else []
    arguments += [
        w for name in ("zi", "sigma", "theta") if name in options for w in ("--parameter", f"{name} {options[name]}")
    ]
    shown = run("show", *arguments).output.split("As a file:")[1]
    others = [as_spec(formula, **options), bm.load_spec(tmp_path / "m.toml"), spec_from_toml(shown), bm.from_r(call)]
    assert others == [spec] * len(others), call
    assert spec_from_toml(spec_to_toml(spec)) == bm.from_formula(**spec.as_formula()) == spec
    if seed < 6:
        assert [packed(one) for one in others] == [packed(spec)] * len(others)


def test_category_specific_effects_are_a_formula_of_the_thresholds():
    with pytest.warns(StatisticsWarning, match="the other sign"):
        spec = bm.from_r("brm(o ~ x + cs(z) + (1 | g), family = acat)")
    assert spec == bm.from_formula("o ~ x + (1 | g)", family="acat", threshold="~ z")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("brm(bf(o ~ x, disc ~ 0 + z), family = cumulative)", "1 on average over the rows here"),
        ("brm(bf(o ~ x) + lf(disc ~ 0 + z, cmc = FALSE), family = cumulative)", "1 on average over the rows here"),
        ("clm(o ~ x, scale = ~ z)", "coefficients have the other sign"),
    ],
)
def test_the_unit_and_the_sign_of_a_discrimination_are_said(call, said):
    with pytest.warns(StatisticsWarning, match=said):
        spec = bm.from_r(call)
    assert spec == bm.from_formula("o ~ x", family="cumulative", disc="~ z")
