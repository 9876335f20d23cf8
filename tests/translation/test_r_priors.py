"""Priors of brms that are the same distribution of the same parameter here, and those that are not."""

import pytest
from scipy import stats

import bayesmixed as bm
from bayesmixed.errors import SpecError

SAME = {
    'set_prior("normal(0, 2)", class = "b")': {"beta": "Normal(0, 2)"},
    "prior(normal(0, 2), class = b, coef = x)": {"beta[x]": "Normal(0, 2)"},
    "prior(student_t(3, -1, 2.5), class = Intercept)": {"beta[Intercept_centred]": "StudentT(3, -1, 2.5)"},
    "prior(exponential(1), class = sd)": {"sd_g": "Exponential(1)", "sd_h": "Exponential(1)"},
    "prior(student_t(3, 0, 2.5), class = sd, group = g)": {"sd_g": "HalfStudentT(3, 2.5)"},
    "prior(cauchy(0, 2), class = sd, group = g, coef = x)": {"sd_g[x]": "HalfCauchy(2)"},
    "prior(lkj(2), class = cor)": {"corr_g": "LKJ(2)"},
    "prior(normal(0, 3), class = sigma)": {"sigma": "HalfNormal(3)"},
    "prior(normal(0, 1), class = b, dpar = sigma)": {"beta_sigma": "Normal(0, 1)"},
    'c(prior(normal(0, 1), class = "b"), prior(lognormal(0, 1), class = sigma))': {
        "beta": "Normal(0, 1)",
        "sigma": "LogNormal(0, 1)",
    },
    "prior(normal(0, 1), class = b) + prior(gamma(2, 0.1), class = sigma)": {
        "beta": "Normal(0, 1)",
        "sigma": "Gamma(2, 0.1)",
    },
}
REFUSED = [
    *("prior(normal(1, 2), class = sd)", "prior(normal(0, 2), class = b, coef = fb)", "prior(horseshoe(1), class = b)"),
    *(
        "normal(0, 1)",
        "prior(normal(0, s), class = b)",
        "prior(normal(0), class = b)",
        "prior(normal(0, 1), class = b, lb = 0)",
    ),
    *("prior(normal(0, 1), class = b, nlpar = a)", "prior(normal(0, 1), class = zi)", 'set_prior("", class = "b")'),
    *("prior(normal(0, 1), class = cor)", "prior(x, class = b)", "priors", "prior(normal(0, 1), foo = b)"),
]


@pytest.mark.parametrize("written", SAME)
def test_the_same_priors_have_the_names_here(written):
    further = ", sigma ~ z" if "dpar" in written else ""
    spec = bm.from_r(f"brm(bf(y ~ x + (x | g) + (1 | h){further}), prior = {written})")
    assert {key: str(prior) for key, prior in spec.priors.items()} == SAME[written]


@pytest.mark.parametrize(
    ("family", "there", "here"),
    [
        ("exgaussian", "beta", "tau"),
        ("negbinomial", "shape", "theta"),
        ("weibull", "shape", "shape"),
        ("beta", "phi", "phi"),
    ],
)
def test_priors_of_positive_parameters_are_cut_at_0_as_in_brms(family, there, here):
    spec = bm.from_r(f"brm(y ~ x, family = {family}(), prior = prior(normal(0, 2), class = {there}))")
    assert {key: str(prior) for key, prior in spec.priors.items()} == {here: "HalfNormal(2)"}
    plain = bm.from_r("brm(y ~ x, family = skew_normal(), prior = prior(normal(0, 2), class = alpha))")
    assert str(plain.priors["alpha"]) == "Normal(0, 2)"


@pytest.mark.parametrize("written", REFUSED)
def test_other_priors_are_refused_with_how_to_state_them(written):
    with pytest.raises(SpecError, match=r"State it by the name|Prior .* is not known|no counterpart"):
        bm.from_r(f"brm(y ~ x + f + (1 | g), prior = {written})")


@pytest.mark.parametrize(
    ("written", "density"),
    [
        ("student_t(3, 0, 2.5)", stats.t(3, scale=2.5)),
        ("normal(0, 2)", stats.norm(scale=2)),
        ("cauchy(0, 2)", stats.cauchy(scale=2)),
    ],
)
def test_scales_have_the_density_that_stan_cuts_at_zero(written, density):
    (prior,) = bm.from_r(f"brm(y ~ 1 + (1 | g), prior = prior({written}, class = sd))").priors.values()
    for x in (0.1, 1.0, 4.0):
        assert prior.frozen().pdf(x) == pytest.approx(2 * density.pdf(x))


@pytest.mark.parametrize(
    "written", ["gamma(2, 0.1)", "inv_gamma(2, 0.5)", "exponential(3)", "lognormal(1, 2)", "uniform(0, 4)"]
)
def test_arguments_of_stan_are_those_of_the_prior(written):
    densities = {
        "gamma(2, 0.1)": stats.gamma(2, scale=10),
        "inv_gamma(2, 0.5)": stats.invgamma(2, scale=0.5),
        "exponential(3)": stats.expon(scale=1 / 3),
        "lognormal(1, 2)": stats.lognorm(2, scale=2.718281828459045),
        "uniform(0, 4)": stats.uniform(0, 4),
    }
    (prior,) = bm.from_r(f"brm(y ~ 1, prior = prior({written}, class = sigma))").priors.values()
    assert prior.frozen().pdf(0.7) == pytest.approx(densities[written].pdf(0.7))
