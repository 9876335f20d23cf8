"""Joint priors of variances on data: which parts have a share, and what is refused."""

import numpy as np
import pytest
from scipy import stats

import bayesmixed as bm
from bayesmixed.design.frozen_priors import freeze, frozen_from_text, frozen_to_text, with_frozen_priors
from bayesmixed.design.prior_draws import draw_priors
from bayesmixed.design.response_units import in_unit
from bayesmixed.equations.text import write_equations
from bayesmixed.errors import SpecError
from bayesmixed.summaries.priors.implications import latent_variances

PLACES = np.arange(48)
ROWS = {
    "y": PLACES % 7 + 0.5,
    "x": np.sin(PLACES.astype(float)),
    "w": 1.0 + PLACES % 3,
    "g": np.array(list("abcdef"))[PLACES % 6],
    "h": np.array([f"h{i}" for i in range(12)])[PLACES % 12],
}
TWO = "VarianceSplit(total=HalfStudentT(4, 0, 1), shares=Dirichlet(1, 2))"


def prepared(formula, prior=TWO, family="gaussian", priors=None, **options):
    return bm.prepare(formula, ROWS, family=family, priors={"variance": prior, **(priors or {})}, **options)


def test_parts_stand_in_the_order_of_the_terms_and_the_residual_last():
    split = prepared("y ~ (1 | h) + s(x, k=5) + (1 | g)", TWO.replace("1, 2", "1, 2, 3, 4")).split
    assert [(part.name, share) for part, share in zip(split.parts, split.shares, strict=True)] == [
        ("h", 1.0), ("s(x)", 2.0), ("g", 3.0), ("sigma", 4.0)
    ]  # fmt: skip
    assert [part.matrix.item() for part in split.parts] == pytest.approx([1.0] * 4)


def test_named_shares_may_stand_in_any_order():
    assert prepared("y ~ x + (1 | g)", TWO.replace("Dirichlet(1, 2)", '{"sigma": 3, "g": 0.5}')).split.shares == (
        0.5,
        3.0,
    )


def test_the_share_of_a_term_is_that_of_the_mean_over_rows_of_its_variance():
    design = prepared("y ~ x + (x | g)")
    part, block = design.split.parts[0], design.mu.groups[0]
    covariance = np.array([[2.0, -0.3], [-0.3, 0.8]])
    assert part.variance(covariance) == pytest.approx(np.mean(block.variance(covariance)))
    weighted = prepared('y | weights(w, "precision") ~ x + (1 | g)').split.parts[1]
    assert weighted.matrix.item() == pytest.approx(np.mean(1.0 / ROWS["w"]))


def test_terms_of_one_factor_have_one_share():
    split = prepared("y ~ x + (1 | g) + (0 + x | g)").split
    assert [part.keys for part in split.parts] == [("sd_g[Intercept]", "sd_g[x]"), ("sigma",)]


@pytest.mark.parametrize(
    ("formula", "prior", "options", "fragment"),
    [
        ("y ~ x", TWO, {}, "here 'sigma' alone has a share. Give a prior for 'sigma'"),
        ("y ~ x + (1 | g)", TWO, {"family": "gamma"}, "family 'gamma' has no residual SD"),
        ("y ~ x + (1 | g)", TWO, {"sigma": "~ x"}, "'sigma' has a predictor"),
        ("y ~ x + (1 | g)", TWO, {"link": "log"}, "'sigma' is not on the scale of the link"),
        ("y ~ x + (1 | g) + (1 | h)", TWO.replace("1, 2", "1, 2, 3"), {"family": "gamma"}, "the model 2 parts, 'g', 'h'"),
        ("y ~ x + (1 | g)", TWO.replace("1, 2", "1, 2, 3"), {}, "3 shares, and the model 2 parts: 'g', 'sigma'"),
        ("y ~ x + (1 | g)", TWO.replace("Dirichlet(1, 2)", '{"k": 1, "sigma": 1}'), {}, "no part 'k'"),
        ("y ~ x + (1 | g)", TWO.replace("Dirichlet(1, 2)", '{"sigma": 1}'), {}, "names no share of 'g'"),
        ("y ~ x + (1 | g)", TWO, {"priors": {"sd_g": "HalfNormal(1)"}}, "Prior for 'sd_g': the joint prior 'variance'"),
        ("y ~ x + (1 | g)", TWO, {"priors": {"sigma": 2}}, "Prior for 'sigma': the joint prior 'variance'"),
        ("y ~ x + (x | g)", TWO, {"priors": {"corr_g": 0.3}}, "'corr_g' is fixed by a number"),
    ],
)  # fmt: skip
def test_what_has_no_shares_is_refused_with_the_reason(formula, prior, options, fragment):
    with pytest.raises(SpecError) as error:
        prepared(formula, prior, **options)
    assert fragment in str(error.value)


@pytest.mark.parametrize(("first", "second"), [(1.0, 1.0), (2.0, 5.0)])
def test_the_implied_intraclass_correlation_is_beta(first, second):
    design = prepared("y ~ x + (x | g)", TWO.replace("1, 2", f"{first}, {second}"))
    variances, residual = latent_variances(draw_priors(design, 3000, 3))
    icc = variances["g"] / (variances["g"] + residual)
    assert stats.kstest(icc, stats.beta(first, second).cdf).pvalue > 0.01


def test_files_and_refits_keep_the_split_and_new_ones_replace_it():
    design = prepared("y ~ x + (x | g)")
    frozen = freeze(design)
    assert frozen_from_text(frozen_to_text(frozen)).priors == frozen.priors
    other = bm.prepare(design.spec, {**ROWS, "x": 3.0 * ROWS["x"]})
    assert with_frozen_priors(other, frozen).split == design.split != other.split
    changed = bm.prepare(design.spec.replace(priors={"variance": TWO.replace("1, 2", "5, 5")}), ROWS)
    assert with_frozen_priors(changed, frozen, ["variance"]).split.shares == (5.0, 5.0)


def test_the_split_moves_to_the_unit_in_which_the_response_is_sampled():
    moved = in_unit(prepared("y ~ x + (1 | g)"), 4.0)
    assert moved.split.total.arguments == (4.0, 0.25)
    assert moved.priors["sigma"].prior.frozen().median() > 0


@pytest.mark.parametrize("prior", [TWO, "R2D2M2()"])
def test_equations_have_the_joint_prior_and_what_has_a_share_in_it(prior):
    design = prepared("y ~ x + (1 | g)", prior)
    name = prior.partition("(")[0]
    for one in (design, design.spec):
        text = write_equations(one)
        assert f"{name}(share of g)" in text
        assert (
            str(design.joint_priors[name].to_spec() if one is design else design.spec.priors["variance"])[:30] in text
        )
