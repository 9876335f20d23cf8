"""Joint priors as values: what is read from text, written back, and refused."""

import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.prior_texts import as_prior
from bayesmixed.spec.files import spec_from_toml, spec_to_toml

TEXTS = {
    "VarianceSplit(total=HalfStudentT(4, 0, 1), shares=Dirichlet(1, 1, 1))": (
        "VarianceSplit(total=HalfStudentT(4, 1), shares=Dirichlet(1, 1, 1))"
    ),
    "VarianceSplit(shares=Dirichlet(herd=1, sigma=2), total=HalfNormal(1),)": (
        'VarianceSplit(total=HalfNormal(1), shares={"herd": 1, "sigma": 2})'
    ),
    "VarianceSplit(total=PC(U=1, alpha=0.05), shares={\"a:b\": 0.5, 's(x, k=4)': 2})": (
        'VarianceSplit(total=PC(U=1, alpha=0.05), shares={"a:b": 0.5, "s(x, k=4)": 2})'
    ),
    "R2D2M2()": "R2D2M2(R2=Beta(1, 1), shares=Dirichlet(0.5))",
    "R2D2M2(R2=Beta(2, 3), shares=Dirichlet(1, 2))": "R2D2M2(R2=Beta(2, 3), shares=Dirichlet(1, 2))",
    "Horseshoe(relevant=3, slab_df=7)": "Horseshoe(relevant=3, df=1, slab_scale=1, slab_df=7)",
}


@pytest.mark.parametrize(("text", "written"), TEXTS.items())
def test_a_joint_prior_is_read_and_written_back(text, written):
    prior = as_prior(text)
    assert str(prior) == prior.to_text() == written
    assert as_prior(prior.to_text()) == prior
    assert prior.widen(10.0) == prior


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("VarianceSplit()", "cannot be read. The form is VarianceSplit(total="),
        ("VarianceSplit(total=HalfNormal(1", "cannot be read"),
        ("VarianceSplit(total=Normal(0, 1), shares=Dirichlet(1, 1))", "total is Normal(0, 1); it is an SD"),
        ("VarianceSplit(total=1, shares=Dirichlet(1, 1))", "total is 1; it is an SD"),
        ("VarianceSplit(total=HalfNormal(1), shares=Dirichlet(1, -1))", "must be positive"),
        ("VarianceSplit(total=HalfNormal(1), shares=Dirichlet())", "the shares cannot be read"),
        ("VarianceSplit(total=HalfNormal(1), shares=(1, 2))", "the shares cannot be read"),
        ("VarianceSplit(total=HalfNormal(1), shares={\"a\": 1, \"a\": 2})", "named twice"),
        ("VarianceSplit(total=HalfNormal(1), total=2)", "cannot be read at 'total=2'"),
        ("VarianceSplit(total=HalfNormal(1), name=3)", "cannot be read at 'name=3'"),
        ("VarianceSplit(total=__import__('os'), shares=Dirichlet(1, 1))", "cannot be read at ''os''"),
        ("VarianceSplit(total=HalfNormal(1), shares=Dirichlet(x()))", "the share 'x()' cannot be read"),
        ("Horseshoe(3)", "cannot be read at '3'"),
        ("Horseshoe(relevant=Normal(0, 1))", "cannot be read"),
        ("Horseshoe(relevant=-1)", "must be positive"),
        ("R2D2M2(R2=HalfNormal(1))", "it has a Beta distribution"),
    ],
)  # fmt: skip
def test_what_is_no_joint_prior_is_an_error_with_the_form(text, fragment):
    with pytest.raises(SpecError) as error:
        as_prior(text, "variance")
    assert fragment in str(error.value)


@pytest.mark.parametrize(
    ("key", "text", "fragment"),
    [
        ("variance", "HalfNormal(1)", "it is a joint prior of several parameters"),
        ("variance", "Horseshoe(relevant=2)", 'parameters: "VarianceSplit('),
        ("sd_g", "R2D2M2()", "its key is 'variance'"),
        ("coefficients", "R2D2M2()", '"Horseshoe(relevant='),
    ],
)
def test_joint_priors_have_keys_of_their_own(key, text, fragment):
    with pytest.raises(SpecError) as error:
        bm.from_formula("y ~ x + (1 | g)", priors={key: text})
    assert fragment in str(error.value)


@pytest.mark.parametrize("text", TEXTS)
def test_a_spec_file_keeps_joint_priors(text):
    key = "coefficients" if text.startswith("Horseshoe") else "variance"
    spec = bm.from_formula("y ~ x + (1 | g)", priors={key: text})
    assert spec_from_toml(spec_to_toml(spec)) == spec
    assert f"prior {key} ~ {spec.priors[key]}" in " ".join(str(spec).split())
    shown = bm.prior_table(spec).parameters
    assert shown.set_index("parameter")["prior"][key] == str(spec.priors[key])


def test_a_split_goes_with_any_of_its_parts():
    spec = bm.from_formula(
        "y ~ x + (1 | g)", priors={"variance": "VarianceSplit(total=HalfNormal(1), shares=Dirichlet(1, 1))"}
    )
    assert "variance" in spec.update("~ . + z").priors
    for change in (lambda: spec.update("~ . + (1 | h)"), lambda: spec.as_fixed("g")):
        with pytest.warns(bm.StatisticsWarning, match="priors of 'variance' were dropped"):
            assert "variance" not in change().priors
