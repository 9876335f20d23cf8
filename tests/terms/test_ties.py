"""Letters, (1 |p| g): which terms they tie, how they are written, and which of them are refused."""

import numpy as np
import pandas as pd
import pytest
from tied_models import FORMULA, SIGMA, spec, table

import bayesmixed as bm
from bayesmixed.design.uncompiled import why_uncompiled
from bayesmixed.errors import SpecError
from bayesmixed.fits.refitting import change_design
from bayesmixed.preparation.new_rows import replay_rows
from bayesmixed.summaries.priors.rules import list_rules

CLASSES = table().assign(k=lambda d: np.array(list("abc"))[np.arange(len(d)) % 3], n=lambda d: np.arange(len(d)) % 4)


def matrices(formula, family="gaussian", data=CLASSES, **fields):
    design = bm.prepare(bm.from_formula(formula, family=family, **fields), data)
    return design, [matrix for matrix, _ in design.correlations()]


def test_a_letter_is_read_and_written():
    model = spec()
    assert model.formula == "y ~ 1 + x + (1 + x |p| g)"
    assert model.predictors["mu"][1] == bm.Group(by="g", formula="1 + x", letter="p")
    assert bm.from_formula(**model.as_formula()) == model
    assert "(1 |7| g)" in bm.from_formula("y ~ (1 | 7 |g)").formula
    changed = spec(priors={"corr_g": "LKJ(3)"}).update("~ . + z - (1 + x |p| g) + (1 |p| g)")
    assert changed.formula == "y ~ 1 + x + z + (1 |p| g)"
    assert {*changed.priors} == {"corr_g"}


def test_a_letter_survives_a_file(tmp_path):
    bm.save_spec(spec(), tmp_path / "spec.toml")
    assert bm.load_spec(tmp_path / "spec.toml") == spec()


def test_effects_with_one_letter_have_one_matrix():
    design, (matrix,) = matrices(FORMULA, sigma=SIGMA)
    assert (matrix.name, matrix.dim) == ("corr_g", "g_tied")
    assert matrix.labels == ("mu[Intercept]", "mu[x]", "sigma[Intercept]")
    assert str(design.priors["corr_g"].prior) == "LKJ(1.5)"
    assert "corr_g_sigma" not in design.priors
    assert all(group.tie == matrix for _, group in design.group_blocks())


def test_a_letter_in_one_formula_says_nothing():
    design, (matrix,) = matrices(FORMULA, sigma="~ (1 | g)")
    assert not matrix.tied
    plain, _ = matrices("y ~ x + (1 + x | g)", sigma="~ (1 | g)")
    assert design.priors == plain.priors
    assert why_uncompiled(design) is None


def test_terms_with_another_letter_or_none_are_independent():
    _, (matrix,) = matrices("y ~ x + (1 |p| g) + (0 + x | g)", sigma="~ (1 |p| g)")
    assert matrix.labels == ("mu[Intercept]", "mu[x]", "sigma[Intercept]")
    assert matrix.pairs == ((0, 2),)
    _, (matrix,) = matrices("y ~ x + (1 |p| g) + (0 + x |q| g)", sigma="~ x + (1 |q| g) + (0 + x |p| g)")
    assert sorted(matrix.pairs) == [(0, 3), (1, 2)]


def test_predictors_after_the_first_are_tied_under_their_own_name():
    design, (own, tied) = matrices("n ~ x + (1 + x | g)", "zero_inflated_negbin", theta="~ (1 |p| g)", zi="~ (1 |p| g)")
    assert (own.name, tied.name) == ("corr_g", "corr_g_theta")
    assert tied.labels == ("theta[Intercept]", "zi[Intercept]")
    assert {"corr_g", "corr_g_theta"} <= {*design.priors}


def test_a_letter_ties_the_categories_of_a_response():
    _, (matrix,) = matrices("k ~ x + (1 |p| g)", "categorical")
    assert matrix.labels == ("mu_b[Intercept]", "mu_c[Intercept]")
    _, found = matrices("k ~ x + (1 | g)", "categorical")
    assert found == []


def test_a_prior_of_the_correlations_is_one_of_all_columns_as_written():
    design, _ = matrices(FORMULA, sigma="~ x + (1 + x |p| g)", priors={"corr_g": "LKJ(3)"})
    assert str(design.priors["corr_g"].prior) == "LKJ(3)"
    assert not any(group.centred for _, group in design.group_blocks())
    with pytest.raises(SpecError, match="no such parameter"):
        matrices(FORMULA, sigma=SIGMA, priors={"corr_g_sigma": "LKJ(3)"})
    with pytest.raises(SpecError, match=r"outside its range \(-0.5, 1\): all correlations of 3 columns"):
        matrices(FORMULA, sigma=SIGMA, priors={"corr_g": -0.6})


@pytest.mark.parametrize(
    ("formula", "sigma", "message"),
    [
        ("y ~ (1 |p| g) + (1 |p| k)", "~ 1", "Letter 'p' stands with 'g' and with 'k'"),
        ("y ~ (1 |p| g)", "~ (1 |p| k)", "Letter 'p' stands with 'g' and with 'k'"),
        ("y ~ (1 |p| g/k)", "~ 1", "another letter for each factor"),
        ("y ~ (1 |p| g) + (0 + x |p| g)", "~ 1", r"stands twice in the formula of 'mu'. Write .* \(1 \+ x \|p\| g\)"),
        ("y ~ (x ||p| g)", "~ 1", "or a letter between two"),
        ("y ~ ar1(0 + x |p| g)", "~ 1", "not by a covariance 'ar1'"),
        ("y ~ (1 |p| g) + ar1(0 + x | g)", "~ (1 |p| g)", "together they are not possible"),
        ("y ~ (1 |p| mm(g, k))", "~ 1", r"not of mm\(\)"),
        ("y ~ (1 |p q| g)", "~ 1", "or a letter between two"),
    ],
)
def test_letters_that_tie_nothing_possible_are_refused(formula, sigma, message):
    with pytest.raises(SpecError, match=message):
        bm.from_formula(formula, sigma=sigma)


def test_letters_do_not_tie_models_of_columns():
    with pytest.raises(SpecError, match="impute has a letter between bars"):
        bm.from_formula("y ~ mi(w) + (1 |p| g)", impute={"w": "~ x + (1 |p| g)"}, sigma="~ (1 |p| g)")


def test_a_prior_of_the_correlations_of_all_categories_is_one_of_their_matrix():
    priors = {"corr_g": "LKJ(4)", "sd_g": "HalfNormal(1)"}
    design, _ = matrices("k ~ x + (1 |p| g)", "categorical", priors=priors)
    assert str(design.priors["corr_g_mu_b"].prior) == "LKJ(4)"
    assert {key for key in design.priors if key.startswith("corr")} == {"corr_g_mu_b"}
    design, _ = matrices("k ~ x + (1 + x | g)", "categorical", priors={"corr_g": "LKJ(4)"})
    assert {key for key in design.priors if key.startswith("corr")} == {"corr_g_mu_b", "corr_g_mu_c"}


def test_refitting_under_another_prior_keeps_the_ties():
    design, _ = change_design(bm.prepare(spec(), table()), {"corr_g": "LKJ(4)"})
    assert str(design.priors["corr_g"].prior) == "LKJ(4)"
    assert all(group.tied and not group.centred for _, group in design.group_blocks())


def test_the_survey_counts_correlations_between_predictors():
    def counted(sigma):
        roles = bm.check_data(bm.from_formula(FORMULA, sigma=sigma), table()).roles["g"]
        return sum(role.correlations for role in roles)

    assert counted("~ (1 | g)") == 1
    assert counted(SIGMA) == 3


def test_a_column_is_no_letter_that_ties_nothing():
    with pytest.raises(
        SpecError, match=r"'\(1 \|k\| g\)': 'k' is a column of the data.*Write k/g or k \+ g after one bar"
    ):
        matrices("y ~ x + (1 | k | g)")
    _, (matrix,) = matrices("y ~ x + (1 |k| g)", sigma="~ (1 |k| g)")
    assert matrix.tied


def test_a_letter_goes_with_free_correlations_alone():
    with pytest.raises(SpecError, match="covariance 'independent' is another one"):
        bm.Group(by="g", formula="x", covariance="independent", letter="p")
    with pytest.raises(SpecError, match="is not a letter"):
        bm.Group(by="g", letter="p q")


def test_a_joint_prior_of_variances_is_refused():
    priors = {"variance": "VarianceSplit(total=HalfStudentT(4, 0, 1), shares=Dirichlet(1, 1))"}
    with pytest.raises(SpecError, match="correlated with those on other parameters"):
        matrices("n ~ x + (1 |p| g)", "zero_inflated_poisson", zi="~ (1 |p| g)", priors=priors)


def test_one_rule_is_stated_of_the_correlations_of_all():
    rules = list_rules(bm.from_formula("y ~ x + (1 |p| g)", sigma="~ (1 + f |p| g)", factors="f"))
    own = rules[rules["parameter"].str.startswith("corr")]
    assert own["parameter"].tolist() == ["corr_g"]
    rules = list_rules(spec())
    assert rules.set_index("parameter").loc["corr_g", "prior"] == "LKJ(1.5)"


def test_levels_of_new_rows_are_those_of_all_predictors():
    design = bm.prepare(spec(), table())
    rows = pd.DataFrame({"x": [1.0], "g": ["a new one"]})
    again = replay_rows(design, rows, {"g": "new"})
    assert [group.tie for _, group in again.group_blocks()] == [group.tie for _, group in design.group_blocks()]
