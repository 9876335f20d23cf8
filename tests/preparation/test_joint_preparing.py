"""Designs of several responses: their rows, and what is refused before any sampling."""

import numpy as np
import pytest
from joint_models import prepared, table

import bayesmixed as bm

BOTH = ["y1 ~ x + (1 |p| g)", "y2 ~ z + (1 |p| g)"]


def with_gaps():
    """Return data in which each response is missing in some rows."""
    data = table()
    data.loc[[0, 1, 2], "y1"] = np.nan
    data.loc[[7], "y2"] = np.nan
    return data


def test_rows_that_lack_one_response_are_used_for_the_other():
    design = prepared(with_gaps(), missing="drop")
    assert {name: (part.rows, part.dropped) for name, part in design.parts.items()} == {"y1": (37, 3), "y2": (39, 1)}


def test_missing_values_are_an_error_that_names_the_response():
    with pytest.raises(bm.DataError, match="Response 'y1':"):
        prepared(with_gaps())


def test_correlated_residuals_need_both_responses_in_the_same_rows():
    with pytest.raises(bm.DataError, match=r"4 rows have one of them only \(first: row 0\). Leave out rows"):
        prepared(with_gaps(), missing="drop", rescor=True)


@pytest.mark.parametrize(
    ("models", "options", "said"),
    [
        (BOTH, {"missing": "impute"}, "missing='impute' is not possible with several responses"),
        (BOTH, {"priors": {"corr_h": "LKJ(2)"}}, "no such correlations of several responses. Did you mean 'corr_g'"),
        (BOTH, {"priors": {"corr_g": "Normal(0, 1)"}}, "a correlation matrix has prior"),
        (BOTH, {"priors": {"corr_g": 1.5}}, "outside its range"),
        (BOTH, {"priors": {"rescor": "LKJ(2)"}}, "no such correlations of several responses"),
        (BOTH, {"priors": {"variance": "R2D2M2(0.5, 5, 1)"}}, "several responses have it"),
        ([bm.from_formula(BOTH[0], residual="ar1(t | h)"), BOTH[1]], {}, "'y1' has residual"),
        (["y1 ~ x + (1 |p| g) + (0 + x |q| g)", "y2 ~ z + (1 |p| g) + (0 + z |q| g)"], {}, "Two terms of 'g'"),
        (
            [bm.from_formula("y1 ~ x + (1 + x |p| g)", priors={"corr_g": "LKJ(3)"}), BOTH[1]],
            {},
            "states a prior of 'corr_g', which is a part of 'corr_g' of several responses",
        ),
        (["y1 ~ x + (1 |p| g)", "q ~ z + (1 |p| g)"], {}, "Response 'q':"),
        ([bm.from_formula("y1 ~ x", sigma="~ x"), "sigma_y1 ~ z"], {}, "Two variables of the draws"),
    ],
)
def test_what_several_responses_cannot_have_is_refused(models, options, said):
    data = table().assign(
        t=lambda one: np.tile(np.arange(5), 8), h=lambda one: one["g"], sigma_y1=lambda one: one["y2"]
    )
    with pytest.raises(bm.BayesMixedError, match=said):
        bm.prepare_joint(models, data, **options)


def test_a_list_of_tables_and_the_text_of_one_formula_are_refused():
    with pytest.raises(bm.SpecError, match="Several responses take one table"):
        prepared([table(), table()])
    with pytest.raises(bm.SpecError, match="Give the formulas of several responses as a list"):
        bm.prepare_joint("y1 ~ x", table())


def test_a_file_of_a_model_and_of_data_will_do(tmp_path):
    path, rows = tmp_path / "both.toml", tmp_path / "rows.csv"
    bm.save_spec(bm.JointSpec(models=BOTH), path)
    table().to_csv(rows, index=False)
    design = bm.prepare_joint(path, rows)
    assert "\nprior corr_g ~ LKJ(2)" in str(design)


def test_rows_with_labels_and_responses_that_are_expressions():
    data = table().set_index(np.arange(100, 140))
    design = bm.prepare_joint(["exp(y1) ~ x", "`y 2` ~ x"], data.rename(columns={"y2": "y 2"}), rescor=True)
    assert list(design) == ["exp(y1)", "y 2"]


def test_a_letter_that_ties_responses_may_be_the_name_of_a_column():
    data = table().assign(p=1.5)
    assert list(bm.prepare_joint(BOTH, data).matrices) == ["corr_g"]
    with pytest.raises(bm.SpecError, match="take another letter"):
        bm.prepare_joint(["y1 ~ p + (1 |p| g)", BOTH[1]], data)


@pytest.mark.parametrize("several", [BOTH, bm.JointSpec(models=BOTH)])
def test_functions_of_one_response_say_where_several_belong(several):
    for function in (bm.prepare, bm.check_data, bm.prior_table, bm.approximate, bm.compare_pooling):
        with pytest.raises(bm.SpecError, match=r"several responses are for bm\.fit and bm\.prepare_joint"):
            function(several, data=table())


def test_predictors_of_categories_keep_their_names():
    data = table().assign(c=np.tile(list("abca"), 10))
    models = [BOTH[0], bm.from_formula("c ~ z + (1 |p| g)", family="categorical")]
    labels = bm.prepare_joint(models, data).matrices["corr_g"].labels
    assert labels == ("y1[Intercept]", "c.mu_b[Intercept]", "c.mu_c[Intercept]")
