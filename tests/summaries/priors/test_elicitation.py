"""Elicited priors: what they imply by simulation has the intervals that were asked for."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.design.prior_draws import draw_priors
from bayesmixed.errors import SpecError
from bayesmixed.prior_texts import as_prior

SLEEP, HERDS = bm.datasets.load("sleepstudy"), bm.datasets.load("cbpp")
CROSSED = SLEEP.assign(week=np.arange(len(SLEEP)) % 7)


@pytest.mark.parametrize(
    ("formula", "data", "family", "asked", "tolerance"),
    [
        ("Reaction ~ Days + (Days | Subject)", SLEEP, "gaussian", {"icc": (0.1, 0.6)}, 0.015),
        ("Reaction ~ Days + (1 | Subject)", SLEEP, "gaussian", {"icc": (0.3, 0.4), "coverage": 0.5}, 0.015),
        ("Reaction ~ Days + (1 | Subject)", SLEEP, "gaussian", {"r2": (0.2, 0.8)}, 0.005),
        ("incidence | trials(size) ~ (1 | herd)", HERDS, "binomial", {"icc": (0.05, 0.5)}, 0.005),
        ("incidence | trials(size) ~ (1 | herd)", HERDS, "binomial", {"ratio": (1.2, 4.0)}, 0.03),
    ],
)
def test_the_implied_interval_is_that_asked_for(formula, data, family, asked, tolerance):
    found = bm.elicit(formula, data, family=family, **asked)
    row = found.table.iloc[0]
    assert [row["lower"], row["upper"]] == pytest.approx([row["asked_lower"], row["asked_upper"]], abs=tolerance)
    assert found.notes == ()
    assert found.text == f"priors={dict(found.priors)!r}"
    assert found.text in str(found)
    assert bm.prepare(formula, data, family=family, priors=found.priors).spec.priors


def test_shares_of_several_factors_are_named_and_what_cannot_be_met_is_said():
    formula = "Reaction ~ Days + (1 | Subject) + (1 | week)"
    found = bm.elicit(formula, CROSSED, icc={"Subject": (0.1, 0.6), "week": (0.01, 0.2)}, total="PC(U=100, alpha=0.05)")
    prior = as_prior(found.priors["variance"])
    assert (prior.names, str(prior.total)) == (("Subject", "week", "sigma"), "PC(U=100, alpha=0.05)")
    assert len(found.notes) == 2
    one = bm.elicit(formula, CROSSED, icc={"week": (0.01, 0.2)})
    assert one.notes == ()
    shares = as_prior(one.priors["variance"]).shares
    assert shares[0] == shares[2]


def test_intervals_are_met_where_the_residual_variance_is_not_the_scale_squared():
    formula, four = "Reaction ~ Days + (1 | Subject)", {"family": "student", "priors": {"nu": 4}}
    found = bm.elicit(formula, SLEEP, icc=(0.1, 0.6), **four)
    assert found.notes == ()
    design = bm.prepare(formula, SLEEP, family="student", priors={"nu": 4, **found.priors})
    draws = draw_priors(design, 20_000, seed=3).values
    ratio = draws["sigma"] ** 2 * 2.0 / draws["sd_Subject[Intercept]"] ** 2  # variance of t with 4 degrees of freedom
    np.testing.assert_allclose(np.quantile(1.0 / (1.0 + ratio), [0.025, 0.975]), [0.1, 0.6], atol=0.015)
    assert bm.elicit(formula, SLEEP, family="student", icc=(0.1, 0.6)).notes == ()
    (note,) = bm.elicit(formula, SLEEP, family="student", icc=(0.3, 0.5)).notes
    assert "none of this form that has the interval was found" in note


@pytest.mark.parametrize(
    ("formula", "asked", "fragment"),
    [
        ("Reaction ~ Days + (1 | Subject)", {}, "takes one of icc, ratio and r2"),
        ("Reaction ~ Days + (1 | Subject)", {"icc": (0.6, 0.1)}, "must be in order and inside of (0, 1)"),
        ("Reaction ~ Days + (1 | Subject)", {"icc": 3}, "is not an interval"),
        ("Reaction ~ Days + (1 | Subject)", {"icc": {"subject": (0.1, 0.2)}}, "Did you mean 'Subject'?"),
        ("Reaction ~ Days + (1 | Subject) + (1 | week)", {"icc": (0.1, 0.2)}, "write icc={"),
        ("Reaction ~ Days + (1 | Subject)", {"ratio": (1.2, 3)}, "not by a ratio; state icc"),
        ("Reaction ~ Days", {"icc": (0.1, 0.2)}, "no grouping factor"),
        ("Reaction ~ Days + (1 | Subject)", {"icc": (0.1, 0.2), "coverage": 2}, "a probability between 0 and 1"),
        ("Reaction ~ Days + (1 | Subject)", {"r2": (0.1, 0.2), "total": "HalfNormal(1)"}, "which this does not give"),
        ("Reaction ~ s(Days, k=5) + (1 | Subject)", {"icc": (0.1, 0.2)}, "state the VarianceSplit by hand"),
    ],
)
def test_what_cannot_be_elicited_is_said(formula, asked, fragment):
    with pytest.raises(SpecError) as error:
        bm.elicit(formula, CROSSED, **asked)
    assert fragment in str(error.value)


@pytest.mark.parametrize("key", ["sd_herd", "sd_herd[Intercept]"])
@pytest.mark.parametrize("asked", [{"ratio": (1.2, 4.0)}, {"icc": (0.05, 0.5)}])
def test_a_prior_that_is_stated_already_is_not_replaced(key, asked):
    with pytest.raises(SpecError, match="is stated already, and elicit finds it: leave it out"):
        bm.elicit("herd", HERDS, priors={key: "HalfNormal(1)"}, **asked)


def test_a_term_with_several_sds_is_refused_without_a_split():
    with pytest.raises(SpecError, match="has 2 effects for each level"):
        bm.elicit(
            "count ~ Days + (Days | Subject)", SLEEP.assign(count=SLEEP.index % 5), family="poisson", ratio=(1.2, 3)
        )
