"""Equations of several responses: those of each, and the correlations between them."""

import pytest
from joint_models import fit_of_both, prepared, table

import bayesmixed as bm
from bayesmixed.equations import write_equations, write_joint_equations


def test_each_response_has_its_equations_and_all_have_the_correlations():
    design = prepared(rescor=True)
    text = write_joint_equations(design)
    for part in design.parts.values():
        assert write_equations(part) in text
    lines = text.splitlines()
    assert "  Cor(b0_y1,i, b1_y1,i, b_y2,i) = R_g           of one response: its block" in lines
    assert "  Cor(y1_ij, y2_ij)             = R_residuals   given all effects" in lines
    assert any(line.startswith("  R_residuals                   ~ LKJ(2)") for line in lines)


def test_parameters_and_fixed_correlations_are_marked():
    data = table()
    models = [bm.from_formula("y1 ~ x + (1 |p| g)", sigma="~ (1 |p| g)"), "y2 ~ z + (1 |p| g)"]
    design = prepared(data, models, priors={"corr_g": 0.3})
    text = write_joint_equations(design)
    assert "Cor(b_y1,i, b_y1.sigma,i, b_y2,i) = R_g" in text
    assert "= 0.3" in text
    assert r"\mathrm{Cor}\left(b_{i}^{(y1)}, b_{i}^{(y1.sigma)}, b_{i}^{(y2)}\right)" in design.to_latex()


def test_notebooks_show_them_of_designs_and_fits():
    joint = fit_of_both(rescor=True)
    assert joint.to_latex() == joint.design.to_latex()
    assert joint._repr_latex_().startswith("$$\n\\begin{array}{l}\n\\text{y1}{:}")
    html = joint._repr_html_()
    assert html.count("<math") == 5
    assert "<strong>Responses together</strong>" in html
    with pytest.raises(bm.SpecError, match="Style 'pretty'"):
        joint.to_latex("pretty")


@pytest.mark.filterwarnings("ignore::bayesmixed.StatisticsWarning")
def test_responses_that_nothing_ties_have_nothing_in_common():
    design = prepared(table(), ("y1 ~ x", "y2 ~ z"))
    assert "Responses together" not in write_joint_equations(design)
    assert "Cor" not in design.to_latex()
