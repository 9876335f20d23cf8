"""The rules of default priors in symbols, and the numbers that they become."""

import re

import numpy as np
import pytest
from conftest import classic
from scipy import special

import bayesmixed as bm
from bayesmixed.design.default_priors import response_scale


@pytest.mark.parametrize("name", bm.list_specs())
def test_every_shipped_spec_has_a_table_of_rules(name):
    table = bm.prior_table(name)
    assert len(table.parameters)
    assert not len(table.implications)
    assert "lower" not in table.parameters


@pytest.mark.parametrize(
    ("formula", "family", "data"),
    [
        ("Reaction ~ Days + (Days | Subject)", "gaussian", "sleepstudy"),
        ("Reaction ~ Days + (Days || Subject)", "student", "sleepstudy"),
        ("incidence | trials(size) ~ 1 + (1 | herd)", "binomial", "cbpp"),
    ],
)
def test_rules_become_the_realised_numbers(formula, family, data):
    frame = classic("lme4", data)
    spec = bm.from_formula(formula, family=family)
    design = bm.prepare(spec, frame)
    scale = response_scale(design)
    mean = {"mean of Reaction": scale.mean, "logit(mean of incidence / size)": special.logit(scale.mean)}
    step = 2 * frame["Days"].std() if data == "sleepstudy" else 1.0
    rules = bm.prior_table(spec).parameters
    realised = bm.prior_table(design).parameters
    assert list(rules["parameter"]) == list(realised["parameter"])
    assert list(rules["stated"]) == list(realised["stated"])
    for rule, entry in zip(rules["prior"], design.priors.values(), strict=True):
        text = rule
        for words, value in mean.items():
            text = text.replace(words, repr(float(value)))
        name, arguments = re.fullmatch(r"(\w+)\((.*)\)", text).groups()
        arguments = re.sub(r"(\d) s", r"\1 * s", arguments)
        values = eval(f"({arguments},)", {"s": scale.unit, "d": step, "K": 2, "max": max})
        assert name == entry.prior.name
        assert values == pytest.approx(entry.prior.arguments)


@pytest.mark.parametrize(
    "formula",
    [
        *(
            "1",
            "x*f + (1 | g)",
            "0 + f",
            "f/x",
            "f:x",
            "f*h",
            "x + I(x**2)",
            "x + I(x**3)",
            "x*z",
            "x:z",
            "0 + x",
            "x*z*f",
        ),
        *("x + (x | g)", "x + (x || g)", "(x*f | g)", "(f | g)", "x + (0 + x | g)"),
    ],
)
@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_rules_without_data_name_the_parameters_and_coordinates_that_data_give(formula):
    generator = np.random.default_rng(4)
    data = {name: generator.choice(list("abc"), 300) for name in "fh"}
    data |= {name: generator.gamma(2.0, 1.0, 300) - 2.0 for name in "xz"}
    data |= {"y": generator.normal(size=300), "g": np.arange(300) % 9}
    spec = bm.from_formula(f"y ~ {formula}", factors=["f", "h"])
    found = [bm.prior_table(spec).parameters, bm.prior_table(spec, data).parameters]
    rules, realised = ([(row.parameter, row.stated) for row in table.itertuples()] for table in found)
    assert rules == realised


def test_rules_show_the_priors_of_the_user():
    spec = bm.from_formula(
        "y ~ x + (x | g)",
        priors={
            "beta": "Normal(0, 1)",
            "beta[Intercept]": "Normal(5, 1)",
            "sd_g[x]": 2,
            "beta[f[T.b]]": "Normal(0, 3)",
        },
    )
    table = bm.prior_table(spec).parameters.set_index("parameter")
    assert dict(table.loc[table["source"] == "user", "prior"]) == {
        "beta[Intercept]": "Normal(5, 1)",
        "beta[x]": "Normal(0, 1)",
        "sd_g[x]": "2",
        "beta[f[T.b]]": "Normal(0, 3)",
    }
    assert table.loc["corr_g", "stated"] == "as written"


def test_rules_of_a_modelled_sigma_are_in_units_of_the_response():
    table = bm.prior_table(bm.from_formula("y ~ x", sigma="~ x + (1 | g)")).parameters.set_index("parameter")
    assert table.loc["beta_sigma[Intercept_centred]", "prior"] == "Normal(log(s) - 0.5, 1.2)"
    assert table.loc["beta_sigma[x]", "prior"] == "Normal(0, 1.25 / d)"
    assert table.loc["sd_g_sigma[Intercept]", "prior"] == "HalfStudentT(4, 0.5)"


@pytest.mark.parametrize(
    "residual", ["us(Days | Subject)", "ar1(Days | Subject)", "ou(Days | Subject)", "cs(Days | Subject)"]
)
def test_priors_of_correlated_residuals_are_known_without_data(residual):
    spec = bm.from_formula("Reaction ~ 1", residual=residual)
    rules = bm.prior_table(spec).parameters
    realised = bm.prior_table(spec, classic("lme4", "sleepstudy")).parameters
    assert list(rules["parameter"]) == list(realised["parameter"])
    (name,) = (name for name in rules["parameter"] if name.endswith("_residual"))
    given = bm.from_formula(
        "Reaction ~ 1", residual=residual, priors={name: "LKJ(4)" if "corr" in name else "Uniform(0, 0.5)"}
    )
    chosen = bm.prior_table(given).parameters.set_index("parameter").loc[name]
    assert chosen["source"] == "user"
    assert f"residual {residual}" in chosen["meaning"]
