"""Several responses of brms."""

import pytest

import bayesmixed as bm

LETTERS = "x + (1 + x |p| g)"


@pytest.mark.parametrize(
    ("call", "formulas", "families", "rescor"),
    [
        (
            f"brm(mvbind(y1, y2) ~ {LETTERS}, data = d, family = gaussian())",
            [f"y1 ~ 1 + {LETTERS}", f"y2 ~ 1 + {LETTERS}"],
            ["gaussian", "gaussian"],
            True,
        ),
        (
            f"brm(bf(mvbind(y1, y2) ~ {LETTERS}) + set_rescor(FALSE), data = d)",
            [f"y1 ~ 1 + {LETTERS}", f"y2 ~ 1 + {LETTERS}"],
            ["gaussian", "gaussian"],
            False,
        ),
        (
            "fit <- brm(bf(y1 ~ x + (1 | q | g)) + bf(y2 | trials(n) ~ (1 | q | g), family = binomial()) + "
            "bf(y3 ~ 1, sigma ~ x) + set_rescor(rescor = FALSE), d)",
            ["y1 ~ 1 + x + (1 |q| g)", "y2 | trials(n) ~ 1 + (1 |q| g)", "y3 ~ 1"],
            ["gaussian", "binomial", "gaussian"],
            False,
        ),
        (
            "brm(mvbf(bf(y1 ~ x), bf(y2 ~ x, family = poisson), rescor = FALSE), data = d)",
            ["y1 ~ 1 + x", "y2 ~ 1 + x"],
            ["gaussian", "poisson"],
            False,
        ),
        (
            "brm(bf(y1 ~ x) + lf(sigma ~ x) + bf(y2 ~ 1), data = d, family = list(gaussian(), poisson()))",
            ["y1 ~ 1 + x", "y2 ~ 1"],
            ["gaussian", "poisson"],
            False,
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:brms takes residuals")
def test_each_response_has_its_formula_and_family(call, formulas, families, rescor):
    spec = bm.from_r(call)
    assert isinstance(spec, bm.JointSpec)
    assert [model.formula for model in spec.models] == formulas
    assert [model.family for model in spec.models] == families
    assert spec.rescor is rescor
    assert ["sigma" in model.predictors for model in spec.models] == ["sigma ~ x" in one for one in _parts(call, spec)]


def _parts(call, spec):
    """Return the text of the call from each response to the next."""
    starts = [call.index(f"{name} ~") if f"{name} ~" in call else call.index(name) for name in spec.responses]
    return [call[start:stop] for start, stop in zip(starts, [*starts[1:], len(call)], strict=True)]


def test_the_usual_correlation_of_residuals_is_said():
    with pytest.warns(bm.StatisticsWarning, match="unless set_rescor"):
        assert bm.from_r("brm(bf(y1 ~ x) + bf(y2 ~ x), data = d)").rescor


def test_one_response_with_set_rescor_is_an_ordinary_model():
    assert bm.from_r("brm(bf(y ~ x) + set_rescor(FALSE), data = d)").formula == "y ~ 1 + x"
    assert "sigma" in bm.from_r("brm(bf(y ~ x) + lf(sigma ~ x), data = d)").predictors


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            "brm(mvbind(y1, y2) ~ x, data = d, prior = set_prior('normal(0, 1)', class = 'sigma'))",
            "does not say of which response it is: add resp = 'y1'",
        ),
        (
            "brm(mvbind(y1, y2) ~ x + (1 |p| g) + (1 | h), data = d, prior = prior(lkj(2), class = cor))",
            "does not say of which group it is: add group = 'g'",
        ),
        (
            "brm(mvbind(y1, y2) ~ x, data = d, prior = set_prior('normal(0, 1)', resp = 'y3'))",
            "there is no response 'y3'; there are y1, y2",
        ),
        (
            "brm(mvbind(y1, y2) ~ x, data = d, prior = set_prior('normal(0, 1)', class = 'q', resp = 'y1'))",
            "names no param",
        ),
        ("brm(bf(y1 ~ x) + bf(y2 ~ x) + set_rescor(maybe), data = d)", "neither TRUE nor FALSE"),
        ("brm(mvbind(y1, y2) | trials(n) ~ x, data = d)", "write a bf\\(\\) for each response"),
        ("brm(bf(y1 ~ x) + bf(y2 ~ x), family = list(gaussian()), data = d)", "1 families for 2 responses"),
        ("brm(bf(y1 ~ x) + bf(y1 ~ z), data = d)", "'y1' has two formulas"),
        ("lmer(mvbind(a, b) ~ x)", "a formula for each response"),
    ],
)
@pytest.mark.filterwarnings("ignore:brms takes residuals")
def test_what_has_no_counterpart_is_refused(call, said):
    with pytest.raises(bm.SpecError, match=said):
        bm.from_r(call)


@pytest.mark.filterwarnings("ignore:brms takes residuals")
def test_priors_are_those_of_the_response_that_they_name():
    call = """brm(bf(y_1 ~ x + (1 + x |p| g) + (1 + x | h)) + bf(y2 ~ x + (1 |p| g)), data = d, prior = c(
        prior(normal(0, 2), class = "b"), prior(normal(1, 3), class = "Intercept", resp = "y1"),
        set_prior("normal(0, 1)", "sd", group = "g", resp = "y2"), prior(exponential(2), class = sigma, resp = y1),
        prior(lkj(3), class = cor, group = g), prior(lkj(4), class = cor, group = h, resp = y1),
        prior(lkj(5), class = rescor)))"""
    spec = bm.from_r(call)
    assert {key: str(prior) for key, prior in spec.priors.items()} == {"corr_g": "LKJ(3)", "rescor": "LKJ(5)"}
    first, second = ({key: str(prior) for key, prior in one.priors.items()} for one in spec.models)
    assert first == {
        "beta": "Normal(0, 2)",
        "beta[Intercept_centred]": "Normal(1, 3)",
        "sigma": "Exponential(2)",
        "corr_h": "LKJ(4)",
    }
    assert second == {"beta": "Normal(0, 2)", "sd_g": "HalfNormal(1)"}


@pytest.mark.filterwarnings("ignore:brms takes residuals")
def test_a_prior_of_all_correlations_is_that_of_those_between_responses():
    spec = bm.from_r("brm(mvbind(y1, y2) ~ x + (1 |p| g), data = d, prior = prior(lkj(2), class = cor))")
    assert {key: str(prior) for key, prior in spec.priors.items()} == {"corr_g": "LKJ(2)"}
