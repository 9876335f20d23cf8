"""Choices of a spec that do not go together are refused without data."""

import pytest

import bayesmixed as bm


@pytest.mark.parametrize(
    ("formula", "options", "words"),
    [
        ("y ~ x", {"family": "binomial"}, r"needs the number of trials: y \| trials\(n\)"),
        ("y | trials(n) ~ x", {"family": "poisson"}, "has no trials. Did you mean family 'binomial'"),
        ("y ~ x", {"family": "poisson", "link": "logit"}, "Link 'logit' is not possible for 'mu' of family 'poisson'"),
        ("y ~ x + obs()", {"family": "gaussian"}, r"obs\(\) is not identified under family 'gaussian'"),
        ("y | weights(w, 'precision') ~ x", {"family": "poisson"}, "Precision weights divide a residual variance"),
        ("y | weights(w, 'frequency') ~ obs()", {"family": "poisson"}, "an effect for each row, and frequency weights"),
        ("y ~ x", {"family": "cumulative", "threshold_1": "~ x"}, "threshold"),
        ("scale(y) ~ x", {}, r"Response 'scale\(y\)': scale\(\) learns from the data"),
    ],
)
def test_what_contradicts_the_family_is_refused_with_what_to_write(formula, options, words):
    with pytest.raises(bm.SpecError, match=words):
        bm.from_formula(formula, **options)


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("y | trials(n) ~ x", {"family": "binomial", "link": "cauchit"}),
        ("y ~ x + obs()", {"family": "poisson"}),
        ("y | weights(w, 'precision') ~ x", {"family": "student"}),
        ("y | weights(w, 'likelihood') ~ x", {"family": "poisson"}),
    ],
)
def test_choices_that_go_together_are_taken(formula, options):
    spec = bm.from_formula(formula, **options)
    assert bm.from_formula(spec.formula, **options) == spec
