"""Arguments of functions of R that fit models."""

import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.translation.r_formulas import write
from bayesmixed.translation.r_models import R_MODELS, arguments_of, explain_ignored, find_model, only_call, split_bf
from bayesmixed.translation.r_text import parse_r


def read(text):
    call = only_call(parse_r(text))
    return {name: write(value) for name, value in arguments_of(call, find_model(call).order).items()}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("lmer(y ~ x, d, FALSE)", {"formula": "y ~ x", "data": "d", "REML": "FALSE"}),
        ("glm(y ~ x, poisson, d)", {"formula": "y ~ x", "family": "poisson", "data": "d"}),
        ("glmer(data = d, y ~ x, poisson)", {"data": "d", "formula": "y ~ x", "family": "poisson"}),
        (
            "glmmTMB(y ~ x, d, zi = ~ z, disp = ~ u)",
            {"formula": "y ~ x", "data": "d", "ziformula": "~ z", "dispformula": "~ u"},
        ),
        ("lmer(y ~ x, weights = NULL)", {"formula": "y ~ x"}),
        ("m <- brms::brm(y ~ x)", {"formula": "y ~ x"}),
    ],
)
def test_arguments_have_their_names(text, meant):
    assert read(text) == meant


@pytest.mark.parametrize(
    "text", ["lmer(formula = y ~ x, formula = y ~ u)", "glmer.nb(a, b, c)", "lmer(y ~ x, data = )", "x", "nlme(y ~ x)"]
)
def test_arguments_given_twice_or_too_many_and_other_functions_are_refused(text):
    with pytest.raises(SpecError):
        read(text)


def test_every_function_is_explained_where_it_is_called():
    further = {"lme": ", random = ~ 1 | g", "mmrm": " + us(v | g)"}
    for name in R_MODELS:
        more = further.get(name, "")
        assert bm.from_r(f"{name}(y ~ x + z{more})").predictors["mu"][0].formula == "1 + x + z"
        with pytest.raises(SpecError, match=r"Argument 'nonsense' of .* is not translated"):
            bm.from_r(f"{name}(y ~ x{more}, nonsense = 1)")


def test_what_is_left_out_is_said():
    call = only_call(parse_r("lmer(y ~ x, REML = FALSE, control = f(1), iter = 20)"))
    said = explain_ignored("lmer", arguments_of(call, R_MODELS["lmer"].order))
    assert said == (
        "Left out: REML = FALSE, control = f(1) belongs to lmer(), not to the model; iter = 20 belongs to sampling, "
        "bm.fit(spec, data, chains=4, draws=1000)."
    )


def test_formulas_and_options_of_bf_are_taken_apart():
    formula, formulas, options = split_bf(parse_r("bf(y ~ x, sigma ~ z, nu = ~ u, zi = 0.2, family = student())"))
    assert write(formula) == "y ~ x"
    assert {name: write(one) for name, one in formulas.items()} == {"sigma": "~ z", "nu": "~ u"}
    assert {name: write(one) for name, one in options.items()} == {"zi": "0.2", "family": "student()"}
    for text in ("bf(y ~ x, ~ z)", "bf(y ~ x, 3)", "bf(y ~ x, sigma ~ z, sigma ~ u)"):
        with pytest.raises(SpecError, match=r"in bf\(\)"):
            split_bf(parse_r(text))
