"""Equations as MathML: well formed for every model, with the numbers and names of the text."""

import re
from xml.etree import ElementTree

import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.equations import list_equations, write_equations, write_mathml


def parse(model):
    return ElementTree.fromstring(f"<all>{write_mathml(model)}</all>")


@pytest.mark.parametrize("name", bm.list_specs())
def test_every_spec_is_well_formed_with_one_row_for_each_equation(name):
    spec = bm.load_spec(name)
    equations = list_equations(spec.outline())
    rows = parse(spec).findall(".//mtr")
    assert len(rows) == len((*equations.model, *equations.priors, *equations.definitions))
    assert all(3 <= len(row) <= 4 for row in rows)


def test_a_design_shows_the_numbers_of_the_text():
    design = bm.prepare("herd", bm.datasets.load("cbpp"))
    written = "".join(parse(design).itertext()).replace("−", "-")
    numbers = set(re.findall(r"-?\d+\.\d+", write_equations(design)))
    assert numbers
    assert numbers <= set(re.findall(r"-?\d+\.\d+", written))


@pytest.mark.parametrize(
    ("link", "expected"),
    [("logit", "logit(μij)"), ("probit", "probit(μij)"), ("cloglog", "cloglog(μij)")],
)
def test_links_are_written_around_their_parameter(link, expected):
    spec = bm.from_formula("y | trials(n) ~ 1 + (1 | g)", family="binomial", links={"mu": link})
    assert expected in "".join(parse(spec).itertext())


@pytest.mark.parametrize(
    ("family", "expected"),
    [("negbin", "Var(yi)=μi+μi2/θ"), ("negbin1", "Var(yi)=μi(1+φ)"), ("inverse_gaussian", "Var(yi)=μi3/shape")],
)
def test_the_variance_of_a_dispersed_response_is_written(family, expected):
    root = parse(bm.from_formula("y ~ x", family=family))
    assert expected in "".join(root.itertext())
    assert len(root.findall(".//msup")) == ("2" in expected or "3" in expected)


def test_names_of_columns_are_escaped():
    data = pd.DataFrame({"y": [1.0, 2, 4, 3, 5], "a<b>": [1.0, 2, 3, 4, 6]})
    assert "a<b>" in "".join(parse(bm.prepare("y ~ `a<b>`", data)).itertext())


def test_a_smooth_is_written_as_a_sum_over_its_basis():
    assert "∑k" in "".join(parse(bm.from_formula("y ~ s(x) + (1 | g)")).itertext())
