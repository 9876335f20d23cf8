"""Specs of several responses: what ties them, what belongs to one of them, and files."""

import pytest

import bayesmixed as bm
from bayesmixed.spec.files import joint_from_toml, joint_to_toml
from bayesmixed.spec.joint_specs import as_joint_spec

BOTH = ["y1 ~ x + (1 |p| g)", "y2 ~ x + (1 |p| g)"]


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        (BOTH[:1], {}, "two formulas or more"),
        ([BOTH[0], BOTH[0]], {}, "Response 'y1' has two formulas"),
        (["y1 ~ (1 |p| g)", "y2 ~ (1 |p| h)"], {}, "Letter 'p' stands with 'g' and with 'h'"),
        (BOTH, {"family": ["gaussian"]}, "1 families for 2 formulas"),
        (BOTH, {"rescor": True, "family": ["gaussian", "poisson"]}, "'y2' is poisson. Leave rescor out"),
        (["y1 | se(s) ~ x", "y2 ~ x"], {"rescor": True}, "rescor is not possible with '.*' of 'y1'"),
        (BOTH, {"sigma": "~ x"}, "sigma=... With several formulas it belongs to one of them"),
        (BOTH, {"link": "log"}, "link=... With several formulas"),
        (
            BOTH,
            {"priors": {"sigma": "HalfNormal(1)"}},
            "several responses have it. Name that of one: 'sigma_y1', 'sigma_y2'",
        ),
        (BOTH, {"priors": {"beta[x]": "Normal(0, 1)"}}, r"'beta_y1\[x\]', 'beta_y2\[x\]'"),
        ([BOTH[0], "herd"], {}, "'herd' is not a formula, nor a ModelSpec"),
    ],
)
def test_what_does_not_say_a_model_of_several_responses_is_refused(given, options, said):
    with pytest.raises(bm.SpecError, match=said):
        as_joint_spec(given, **options)


def test_families_and_options_of_columns_go_to_the_formulas_that_they_concern():
    spec = as_joint_spec(
        ["y1 ~ f + (1 |p| g)", "y2 ~ (1 |p| g)"], family=["gaussian", "poisson"], factors="f", crossed="g"
    )
    assert [model.family for model in spec.models] == ["gaussian", "poisson"]
    assert [model.factors for model in spec.models] == [("f",), ()]
    assert [model.crossed for model in spec.models] == [("g",), ("g",)]


def test_priors_are_named_as_in_the_draws():
    priors = {"beta_y1[x]": "Normal(0, 1)", "sd_g_y2": "HalfNormal(1)", "corr_g": "LKJ(3)", "sigma_y2": 1}
    spec = as_joint_spec(BOTH, priors=priors)
    first, second = spec.models
    assert str(first.priors["beta[x]"]) == "Normal(0, 1)"
    assert set(second.priors) == {"sd_g", "sigma"}
    assert str(spec.priors["corr_g"]) == "LKJ(3)"


def test_a_response_whose_name_ends_as_another_keeps_its_priors():
    spec = as_joint_spec(["x ~ 1 + (1 |p| g)", "log_x ~ 1 + (1 |p| g)"], priors={"sd_g_log_x": 1, "sd_g_x": 2})
    assert [model.priors["sd_g"].arguments[0] for model in spec.models] == [2, 1]


@pytest.mark.parametrize("rescor", [False, True])
def test_a_file_holds_the_whole_spec(rescor):
    models = [bm.from_formula(BOTH[0], sigma="~ x", priors={"sd_g": "HalfNormal(1)"}), BOTH[1]]
    spec = bm.JointSpec(title="Two", models=models, rescor=rescor, priors={"corr_g": "LKJ(3)"})
    assert joint_from_toml(joint_to_toml(spec)) == spec
    assert "[[models]]" in joint_to_toml(spec)


def test_a_file_of_several_responses_is_no_spec_of_one(tmp_path):
    path = tmp_path / "both.toml"
    bm.save_spec(bm.JointSpec(models=BOTH), path)
    with pytest.raises(bm.SpecError, match="holds models of several responses"):
        bm.load_spec(path)
    with pytest.raises(bm.SpecError, match="is the spec of one response"):
        joint_from_toml('formula = "y ~ x"')
    with pytest.raises(bm.SpecError, match="unknown field"):
        joint_from_toml('rescr = true\n[[models]]\nformula = "a ~ x"\n[[models]]\nformula = "b ~ x"')
    with pytest.raises(bm.SpecError, match="models"):
        joint_from_toml("models = 3")


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (["y1 ~ . - g", "y2 ~ x"], [("k",), ()]),
        ([bm.from_formula("y1 ~ k + x", factors=["g"], title="don't"), "y2 ~ x"], [("g", "k"), ()]),
        (bm.JointSpec(models=["y1 ~ x", "y2 ~ k"]), [(), ("k",)]),
        (["y1 ~ x", "y2 ~ x"], [("k",), ("k",)]),
    ],
)
def test_factors_reach_every_formula_that_may_have_them_also_specs_and_dots(models, expected):
    assert [model.factors for model in as_joint_spec(models, factors="k").models] == expected
