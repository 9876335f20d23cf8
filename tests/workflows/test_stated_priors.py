"""Priors that a user states: which parameter they reach, in which coordinates, and which are refused."""

import pytest
from realised_priors import DATA, numbers, realised

from bayesmixed.errors import BayesMixedError, SpecError
from bayesmixed.prior_texts import as_prior


def test_a_prior_on_a_variable_holds_for_all_levels_but_the_intercept():
    design = realised("y ~ x + z", DATA, priors={"beta": "Normal(0, 1)"})
    assert str(design.priors["beta[x]"].prior) == str(design.priors["beta[z]"].prior) == "Normal(0, 1)"
    assert design.priors["beta[x]"].source == "user"
    assert design.priors["beta[Intercept_centred]"].source == "default"
    assert design.mu.centred


def test_the_more_specific_prior_wins_in_any_order():
    for priors in (
        {"beta": "Normal(0, 1)", "beta[x]": "Normal(0, 9)"},
        {"beta[x]": "Normal(0, 9)", "beta": "Normal(0, 1)"},
    ):
        design = realised("y ~ x + z", DATA, priors=priors)
        assert str(design.priors["beta[x]"].prior) == "Normal(0, 9)"
        assert str(design.priors["beta[z]"].prior) == "Normal(0, 1)"


def test_a_prior_on_the_intercept_is_as_written_and_switches_centring_off():
    design = realised("y ~ x + (x | g)", DATA, priors={"beta[Intercept]": "Normal(50, 10)"})
    assert not design.mu.centred
    assert "beta[Intercept_centred]" not in design.priors
    assert str(design.priors["beta[Intercept]"].prior) == "Normal(50, 10)"
    assert design.mu.groups[0].centred


def test_a_prior_on_the_centred_intercept_keeps_the_centring():
    design = realised("y ~ x", DATA, priors={"beta[Intercept_centred]": "Normal(50, 10)"})
    assert design.mu.centred
    assert str(design.priors["beta[Intercept_centred]"].prior) == "Normal(50, 10)"


def test_a_centring_prior_of_one_predictor_leaves_the_other_alone():
    design = realised("y ~ x", DATA, sigma="~ x", priors={"beta_sigma[Intercept]": "Normal(1, 1)"})
    assert design.mu.centred
    assert not design.predictors["sigma"].centred


@pytest.mark.parametrize("key", ["sd_g", "sd_g[x]", "sd_g[Intercept]", "corr_g"])
def test_a_prior_on_a_group_term_puts_it_in_coordinates_as_written(key):
    prior = "LKJ(3)" if key == "corr_g" else "HalfNormal(2)"
    default = realised("y ~ x + (x | g)", DATA)
    design = realised("y ~ x + (x | g)", DATA, priors={key: prior})
    assert default.mu.groups[0].centred
    assert not design.mu.groups[0].centred
    assert design.mu.centred
    untouched = [name for name, entry in design.priors.items() if entry.source == "default"]
    assert untouched
    assert all(design.priors[name].prior == default.priors[name].prior for name in untouched)


def test_a_group_prior_leaves_other_factors_at_their_centre():
    design = realised("y ~ x + (x | g) + (x | few)", DATA, priors={"sd_g": 1.5}, crossed=["few"])
    assert [group.centred for group in design.mu.groups] == [False, True]


def test_a_number_fixes_a_parameter():
    design = realised("y ~ x + (1 | g)", DATA, priors={"sigma": 4, "sd_g": 1.5, "beta[x]": 0})
    assert numbers(design)["sigma"] == ("Fixed", 4.0)
    assert numbers(design)["sd_g[Intercept]"] == ("Fixed", 1.5)
    assert numbers(design)["beta[x]"] == ("Fixed", 0.0)


def test_labels_with_brackets_and_colons_are_keys():
    priors = {"beta[f[T.b]]": "Normal(0, 1)", "beta[f[T.c]:x]": "Normal(0, 2)", "sd_g:few[Intercept]": "HalfNormal(3)"}
    design = realised("y ~ f * x + (1 | g:few)", DATA, priors=priors)
    assert str(design.priors["beta[f[T.b]]"].prior) == "Normal(0, 1)"
    assert str(design.priors["beta[f[T.c]:x]"].prior) == "Normal(0, 2)"
    assert str(design.priors["sd_g:few[Intercept]"].prior) == "HalfNormal(3)"


class HalfNormal:
    """Stands for a PreliZ object."""

    params_dict = {"sigma": 2.5}  # noqa: RUF012


def test_a_preliz_object_is_a_prior():
    design = realised("y ~ x + (1 | g)", DATA, priors={"sd_g": HalfNormal()})
    assert design.priors["sd_g[Intercept]"].prior == as_prior("HalfNormal(2.5)")


WRONG = [
    ("y ~ x + (1 | g)", {"sd_h": "HalfNormal(1)"}, "the model has no such parameter. Did you mean 'sd_g'?"),
    ("y ~ x + (1 | g)", {"beta[X]": "Normal(0, 1)"}, "Did you mean 'beta[x]'?"),
    ("y ~ x + (1 | g)", {"beta[f[T.b]]": "Normal(0, 1)"}, "the model has no such parameter"),
    ("y ~ x + (1 | g)", {"corr_g": "LKJ(2)"}, "the model has no such parameter"),
    ("y ~ x + (1 | g)", {"Sigma": "HalfNormal(1)"}, "Did you mean 'sigma'?"),
    ("y ~ x + (1 | g)", {"nu": "Gamma(2, 0.1)"}, "the model has no such parameter"),
    ("y ~ x + (f | g)", {"sd_g[f #1]": "HalfNormal(1)"}, "state priors of 'sd_g[Intercept]', 'sd_g[f[T."),
    (
        "y ~ 1 + (1 | g)",
        {"beta": "Normal(0, 1)"},
        "the model has no such parameter. Accepted: beta[Intercept], beta[Intercept_c",
    ),
    ("y ~ 0 + x", {"beta[Intercept]": "Normal(0, 1)"}, "the model has no such parameter"),
    ("y ~ x", {"beta[Intercept]": 1, "beta[Intercept_centred]": 1}, "not both"),
    ("y ~ x", {"sigma": "Normal(0, 1)"}, "the parameter lies in (0, inf)"),
    ("y ~ x", {"sigma": "Uniform(-1, 1)"}, "the parameter lies in (0, inf)"),
    ("y ~ x", {"sigma": -1}, "'sigma' is fixed at -1, outside its range (0, inf)"),
    ("y ~ x", {"sigma": 0}, "outside its range"),
    ("y ~ x + (1 | g)", {"sd_g": 0}, "'sd_g[Intercept]' is fixed at 0"),
    ("y ~ x + (1 | g)", {"sd_g": "Normal(1, 1)"}, 'Take e.g. "HalfNormal(1)"'),
    ("y ~ x + (1 | g)", {"sd_g": "LKJ(2)"}, "LKJ is for correlations"),
    ("y ~ x", {"beta": "LKJ(2)"}, "LKJ is for correlations"),
    ("y ~ x + (x | g)", {"corr_g": "Uniform(-1, 1)"}, 'a correlation matrix has prior "LKJ(eta)"'),
    ("y ~ x + (x | g)", {"corr_g": 1.5}, "'corr_g' is fixed at 1.5, outside its range (-1, 1)"),
]


@pytest.mark.parametrize(("formula", "priors", "fragment"), WRONG, ids=[row[2] for row in WRONG])
def test_a_prior_that_does_not_fit_is_an_error(formula, priors, fragment):
    with pytest.raises(SpecError) as error:
        realised(formula, DATA, priors=priors)
    assert fragment in str(error.value)


@pytest.mark.parametrize("prior", [1, "Uniform(0, 1)"])
def test_a_tail_below_its_range_is_an_error(prior):
    with pytest.raises(SpecError, match=r"\(1, inf\)"):
        realised("y ~ x", DATA, family="student", priors={"nu": prior})


def test_a_link_that_cannot_hold_the_mean_is_an_error():
    with pytest.raises(BayesMixedError, match="Link 'log' of 'mu' cannot hold the mean of the response, -50"):
        realised("y ~ x", DATA.assign(y=DATA["y"] - DATA["y"].mean() - 50), link="log")
