"""Equations as LaTeX: of specs with rules, of designs with numbers, in three styles that are one model."""

import re
import subprocess
import sys

import pytest
from conftest import classic
from equations.test_listing import shipped
from family_cases import SINGLE
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.equations.latex import escape_latex
from bayesmixed.equations.listing import STYLES
from bayesmixed.equations.mathml import write_mathml

SLEEP = classic("lme4", "sleepstudy")

HERD = {
    "conditional": [
        r"Y_{ij} \mid b_{i} &\sim \mathrm{Binomial}\left(m_{ij}, \pi_{ij}\right)",
        r"\log\left(\frac{\pi_{ij}}{1 - \pi_{ij}}\right) &= \beta_{0} + b_{i}",
        r"b_{i} &\sim N\left(0, \sigma_{\text{herd}}^2\right)",
    ],
    "additive": [
        r"\underbrace{\beta_{0}}_{\text{fixed intercept}} + \underbrace{b_{i}}_{\text{herd-level random effect}}",
    ],
    "population": [
        r"Y_{ij} \mid \beta_{0i} &\sim",
        r"&= \beta_{0i} \\",
        r"\beta_{0i} &\sim N\left(b, \sigma_{\text{herd}}^2\right)",
    ],
}

# (formula, arguments of the spec, style, pieces)
WITHOUT_DATA = [
    (
        "alcohol ~ 1 + (1 | country)",
        {},
        "additive",
        [
            r"y_{ij} &= \underbrace{\beta_{0}}_{\text{fixed intercept}} + "
            r"\underbrace{b_{i}}_{\text{country-level random effect}} + \underbrace{\varepsilon_{ij}}_{\text{random error}}",
            r"\varepsilon_{ij} &\sim N\left(0, \sigma^2\right)",
        ],
    ),
    (
        "y ~ x + (1 | g)",
        {"family": "student"},
        "additive",
        [r"\varepsilon_{ij} &\sim \mathrm{StudentT}\left(0, \sigma, \nu\right)"],
    ),
    (
        "y ~ 1 + (1 | block/plot)",
        {},
        "conditional",
        [r"\mid \text{block}_{i}, \text{plot}_{ij}", r"\sigma_{\text{block:plot}}^2"],
    ),
    (
        "y ~ 1 + (1 | block/plot)",
        {},
        "population",
        [
            r"\mu_{ijk} &= \beta_{0ij}",
            r"\beta_{0i} &\sim N\left(b, \sigma_{\text{block}}^2\right)",
            r"\beta_{0ij} &\sim N\left(\beta_{0i}, \sigma_{\text{block:plot}}^2\right)",
        ],
    ),
    ("y ~ 1 + (1 | a:b)", {}, "conditional", [r"Y_{ijk} \mid b_{ij}"]),
    ("rt ~ 1 + (1 | p) + (1 | w)", {}, "conditional", [r"Y_{ij} \mid \text{p}_{i}, \text{w}_{j}"]),
    (
        "y ~ x + (x | g)",
        {},
        "population",
        [
            r"\beta_{0i} + \beta_{1i}\,\text{x}_{ij}",
            r"\left(\beta_{0i}, \beta_{1i}\right) &\sim N\left(\left(b_{0}, b_{1}\right), \Sigma_{\text{g}}\right)",
            r"b_{0} + \overline{\text{x}}\,b_{1} &\sim N\left(\bar{y}, \left(2.5\,s\right)^2\right)",
        ],
    ),
    (
        "y ~ x + (x || g)",
        {},
        "population",
        [r"\beta_{1i} &\sim N\left(b_{1}, \sigma_{\text{g},1}^2\right)"],
    ),
    (
        "count ~ x + obs()",
        {"family": "poisson"},
        "additive",
        [r"\underbrace{z_{i}}_{\text{individual-level random effect}}", r"z_{i} &\sim N\left(0, \sigma_{z}^2\right)"],
    ),
    (
        "count ~ x + offset(log(area)) + (1 | g)",
        {"family": "poisson"},
        "additive",
        [r"\log \mu_{ij} &=", r"\underbrace{\text{log(area)}_{ij}}_{\text{known}}", r"\text{per unit of exposure}"],
    ),
    (
        "y ~ x",
        {"family": "negbin1"},
        "conditional",
        [
            r"\mathrm{NB1}\left(\mu_{i}, \phi\right)",
            r"\mathrm{Var}\left(Y_{i}\right) &= \mu_{i} (1 + \phi)",
        ],
    ),
    ("y ~ 0 + x", {}, "conditional", [r"\mu_{i} &= \beta_{1}\,\text{x}_{i}", r"2.5\,s/d_{1}"]),
    (
        "y ~ 0 + f",
        {"factors": ["f"]},
        "conditional",
        [r"\mu_{i} &= \beta_{\text{f},i}", r"\text{contrasts of levels, sum zero}"],
    ),
    (
        "y ~ x + (1 | g)",
        {"sigma": "~ x + (1 | g)"},
        "conditional",
        [
            r"\log \sigma_{ij} &= \beta_{0}^{(\sigma)} + \beta_{1}^{(\sigma)}\,\text{x}_{ij} + b_{i}^{(\sigma)}",
            r"N\left(\log s - 0.5, 1.2^2\right)",
            r"\sigma_{\text{g}}^{(\sigma)} &\sim \mathrm{HalfStudentT}\left(4, 0, 0.5\right)",
        ],
    ),
    (
        "y ~ x + f + (1 | g)",
        {"priors": {"beta": "Normal(0, 2)", "sd_g": 1.5, "sigma": "Exponential(1)", "beta[f[T.b]]": "Normal(0, 1)"}},
        "conditional",
        [
            r"\beta_{1}, \beta_{2} &\sim N\left(0, 2^2\right)",
            r"\sigma_{\text{g}} &= 1.5",
            r"\mathrm{Exponential}\left(1\right) && \text{residual SD (given by the user)}",
            r"\text{beta[f[T.b]]} &\sim N\left(0, 1^2\right)",
        ],
    ),
    (
        "y ~ x",
        {"family": "student", "priors": {"nu": 4, "beta[Intercept]": "Normal(5, 3)"}},
        "conditional",
        [r"\beta_{0} &\sim N\left(5, 3^2\right)", r"\nu &= 4"],
    ),
    ("(r == 'Y') ~ x", {"family": "bernoulli", "link": "cloglog"}, "conditional", [r"-\log\left(1 - \pi_{i}\right)"]),
    ("y ~ x", {"family": "inverse_gaussian", "link": "inverse_squared"}, "conditional", [r"\frac{1}{\mu_{i}^2}"]),
    ("y | trials(10) ~ x", {"family": "binomial", "link": "probit"}, "conditional", [r"\Phi^{-1}\left(\pi_{i}\right)"]),
    ("a_b ~ x_1 + `p%&#q` + (1 | g_1)", {}, "conditional", [r"{\text{x}\_\text{1}}_{ij}", r"\%\&\#", r"\sigma_{{"]),
    ("sqrt(y) ~ x", {}, "conditional", [r"Y_{i} &= \text{sqrt(y)}_{i}"]),
]


@pytest.mark.parametrize("style", STYLES)
def test_the_herds_are_written_as_on_the_slides(style):
    for latex in (bm.load_spec("herd").to_latex(style), shipped("herd").to_latex(style)):
        assert [piece for piece in HERD[style] if piece not in latex] == [], latex


@pytest.mark.parametrize(
    ("formula", "arguments", "style", "pieces"), WITHOUT_DATA, ids=[f"{row[0]} {row[2]}" for row in WITHOUT_DATA]
)
def test_a_spec_is_written_without_data(formula, arguments, style, pieces):
    latex = bm.from_formula(formula, **arguments).to_latex(style)
    assert [piece for piece in pieces if piece not in latex] == [], latex
    assert unreadable(latex) == []


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", bm.list_specs())
def test_equations_of_every_shipped_spec_are_readable_latex(name, style):
    for latex in (bm.load_spec(name).to_latex(style), shipped(name).to_latex(style)):
        assert unreadable(latex) == []


@pytest.mark.parametrize("family", SINGLE.values(), ids=SINGLE)
def test_every_family_of_the_catalogue_is_written(family):
    """The styles differ in the effects, which shipped specs have, and in the error of an additive family."""
    left = "y | trials(n)" if family.has_trials else "y"
    further = {parameter.name: "~ x" for parameter in family.parameters[1:] if not (parameter.cut or parameter.onset)}
    for predictors in ({}, further):
        spec = bm.from_formula(f"{left} ~ x + (x | g)", family=family.name, **predictors)
        written = {style: spec.to_latex(style) for style in STYLES}
        assert unreadable(written["additive" if family.additive else "conditional"]) == []
        for latex in written.values():
            assert "f\\left" not in latex, "a default prior of the family has a form that rules cannot read"


def unreadable(latex):
    """Return the cells of a table of equations that matplotlib cannot read; it knows neither underbraces nor \\&."""
    from matplotlib.mathtext import MathTextParser

    parser = MathTextParser("path")
    bare = re.sub(r"\\(begin|end)\{(aligned|array)\}(\{l\})?", "", latex).replace(r"\underbrace", "")
    bare = bare.replace(r"\&", "+")
    plain = re.sub(r"\\[{}]", "", bare)
    bad = [] if plain.count("{") == plain.count("}") else ["braces"]
    for cell in re.split(r"\\\\(?:\[\w+\])?|(?<!\\)&", bare):
        try:
            parser.parse(f"${cell.strip()}$" if cell.strip() else "")
        except ValueError as error:
            bad.append(f"{cell}: {error}")
    return bad


def test_a_style_with_another_name_is_an_error():
    with pytest.raises(bm.SpecError, match="Did you mean 'additive'"):
        bm.load_spec("herd").to_latex("aditive")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Days", r"\text{Days}"),
        ("a_b", r"{\text{a}\_\text{b}}"),
        ("50%", r"{\text{50}\%}"),
        ("a&b#c", r"{\text{a}\&\text{b}\#\text{c}}"),
        ("{x}$", r"{\{\text{x}\}\$}"),
    ],
)
def test_names_of_columns_are_escaped(words, expected):
    assert escape_latex(words) == expected


def test_notebooks_show_equations_of_a_spec_and_a_design():
    spec = bm.load_spec("herd")
    for thing in (spec, shipped("herd")):
        assert thing._repr_latex_() == f"$$\n{thing.to_latex()}\n$$"
        html = thing._repr_html_()
        assert "Disease incidence in cattle herds" in html
        assert write_mathml(thing) in html
        assert "$$" not in html
    assert "How likely is a new case" in spec._repr_html_()


def test_a_fit_shows_its_equations_and_where_the_estimates_are():
    fit = fit_at(shipped("herd"), {"beta": [-2.0], "sd_herd": [0.6]})
    assert fit.to_latex("population") == fit.design.to_latex("population")
    assert fit._repr_latex_() == fit.design._repr_latex_()
    assert "bm.summary(fit)" in fit._repr_html_()


def test_equations_load_no_heavy_library():
    heavy = ("pymc", "arviz", "matplotlib", "nutpie")
    code = f"import sys, bayesmixed as bm; bm.load_spec('herd').to_latex(); print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
