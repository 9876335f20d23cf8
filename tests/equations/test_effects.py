"""Effects of groups in equations: deviations around zero, or coefficients around population means."""

import numpy as np
import pytest
import typed_groups
from design.test_centring import MODELS, log_density
from equations.test_listing import shipped

import bayesmixed as bm
from bayesmixed.design.centring import HIERARCHICAL, place_groups
from bayesmixed.equations import write_equations
from bayesmixed.equations.effects import list_coefficients
from bayesmixed.terms.covariances import COVARIANCES


def test_the_two_parameterisations_are_the_same_model():
    design = shipped("herd")
    deviations, coefficients = bm.build(design), bm.build(design, parameterisation={"b_herd": "hierarchical"})
    generator = np.random.default_rng(1)
    for _ in range(5):
        beta, sd = generator.normal(-2, 1, 1), generator.uniform(0.2, 2, 1)
        effects = generator.normal(0, sd, (15, 1))
        point = {"beta": beta, "sd_herd": sd}
        conditional = log_density(deviations, point | {"b_herd": effects})
        population = log_density(coefficients, point | {"coefficient_herd": beta + effects})
        assert population == pytest.approx(conditional, rel=1e-12)


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize(("formula", "data", "family"), MODELS)
def test_the_population_style_centres_terms_as_the_hierarchical_model_does(formula, data, family):
    design = bm.prepare(bm.from_formula(formula, family=family), data)
    predictor = design.outline().predictors[0]
    placed = place_groups(design.mu, {f"b_{group.name}": HIERARCHICAL for group in design.mu.groups})
    labels = design.mu.population.labels
    roots = [p for p in placed if set(p.group.labels) <= {labels[k] for k in p.columns}]
    means = {t.group.name for t in list_coefficients(predictor) if {m.name for m in t.means} == {"b"}}
    taken = {label for t in list_coefficients(predictor) for label in t.takes}
    assert means == {p.group.name for p in roots}
    assert taken == {label for p in roots for label in p.group.labels}
    hidden = {t.group.name for t in list_coefficients(predictor) if not t.shown}
    # A second chain stays around zero in equations, although the model centres its terms on each other.
    chosen = {p.group.name for p in placed if p in roots or (p.parent and roots and p.parent in hidden)}
    assert hidden == {p.group.name for p in placed if p.absorbed} & chosen


@pytest.mark.parametrize("name", [name for name, one in COVARIANCES.items() if one.structured])
def test_correlations_of_every_structure_are_written_in_every_notation(name):
    term = bm.Group(by="g", formula="0 + t", covariance=name)
    spec = bm.ModelSpec(response="y", predictors={"mu": [bm.Fixed(formula="1"), term]})
    latex, html = spec.to_latex(), spec._repr_html_()
    assert "operatorname{}" not in latex
    assert "_kl" not in latex
    assert "{" not in html


@pytest.mark.parametrize("formula", ["y ~ x + (1 + x | g) + (0 + z + w | g)", "y ~ f + x + (1 + x | gr(g, by=f))"])
@pytest.mark.filterwarnings("ignore:The effect of")
def test_every_covariance_of_a_factor_has_matrices_of_its_own(formula):
    data = typed_groups.table().assign(z=lambda own: own["x"] ** 2, w=lambda own: own["x"] ** 3)
    design = bm.prepare(formula, data)
    text, latex = write_equations(design), design.to_latex()
    for letter, word in (("Σ", r"\Sigma"), ("D", "D")):
        for number in "12":
            assert sum(line.strip().startswith(f"{letter}{number}_g = ") for line in text.splitlines()) == 1
            assert rf"{word}_{{\text{{g}},{number}}} &= " in latex
        assert rf"{word}_{{\text{{g}}}}" not in latex
    assert any(" ".join(line.split()).startswith("R1_g, R2_g ~ LKJ(2)") for line in text.splitlines())
    assert r"R_{\text{g},1}, R_{\text{g},2} &\sim \mathrm{LKJ}" in latex
