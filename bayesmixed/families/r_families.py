"""Families of R's packages: what they are called here, their default links there, and what inflates and disperses them."""

from collections.abc import Mapping
from types import MappingProxyType

R_FAMILIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "gaussian": ("gaussian", "identity"),
        "student": ("student", "identity"),
        "t_family": ("student", "identity"),
        "binomial": ("binomial", "logit"),
        "bernoulli": ("bernoulli", "logit"),
        "poisson": ("poisson", "log"),
        "Gamma": ("gamma", "inverse"),
        "gamma": ("gamma", "log"),
        "inverse.gaussian": ("inverse_gaussian", "inverse_squared"),
        **dict.fromkeys(("negative.binomial", "negbinomial", "nbinom2", "neg_binomial_2"), ("negbin", "log")),
        "nbinom1": ("negbin1", "log"),
        "genpois": ("generalised_poisson", "log"),
        **dict.fromkeys(("beta_family", "Beta", "beta"), ("beta", "logit")),
        **dict.fromkeys(("betabinomial", "beta_binomial"), ("beta_binomial", "logit")),
        "lognormal": ("lognormal", "identity"),
        "zero_inflated_poisson": ("zero_inflated_poisson", "log"),
        "zero_inflated_negbinomial": ("zero_inflated_negbin", "log"),
        "zero_inflated_binomial": ("zero_inflated_binomial", "logit"),
        "zero_inflated_beta": ("zero_inflated_beta", "logit"),
        "zero_one_inflated_beta": ("zero_one_inflated_beta", "logit"),
        "hurdle_poisson": ("hurdle_poisson", "log"),
        "hurdle_negbinomial": ("hurdle_negbin", "log"),
        "hurdle_gamma": ("hurdle_gamma", "log"),
        "cumulative": ("cumulative", "logit"),
        "sratio": ("sratio", "logit"),
        "cratio": ("cratio", "logit"),
        "acat": ("acat", "logit"),
        "categorical": ("categorical", "logit"),
        "multinomial": ("multinomial", "logit"),
        "hurdle_lognormal": ("hurdle_lognormal", "identity"),
        "truncated_poisson": ("truncated_poisson", "log"),
        "truncated_nbinom2": ("truncated_negbin", "log"),
        "weibull": ("weibull", "log"),
        "exponential": ("exponential", "log"),
        "exgaussian": ("exgaussian", "identity"),
        "skew_normal": ("skew_normal", "identity"),
        "asym_laplace": ("asymmetric_laplace", "identity"),
        "zero_inflated_beta_binomial": ("zero_inflated_beta_binomial", "logit"),
        "ordbeta": ("ordered_beta", "logit"),
        "tweedie": ("tweedie", "log"),
        "shifted_lognormal": ("shifted_lognormal", "identity"),
        "compois": ("conway_maxwell_poisson", "log"),
        "ziGamma": ("hurdle_gamma", "inverse"),
    }
)
"""By the name in stats, MASS, lme4, glmmTMB, brms or rstanarm: the family here, and the default link there."""

NEED_ZEROS = ("ziGamma",)
"""Families of glmmTMB that are the hurdle families here once the zeros have a formula."""

INFLATED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "poisson": ("zero_inflated_poisson", "zi"),
        "negbin": ("zero_inflated_negbin", "zi"),
        "negbin1": ("zero_inflated_negbin1", "zi"),
        "binomial": ("zero_inflated_binomial", "zi"),
        "beta_binomial": ("zero_inflated_beta_binomial", "zi"),
        "truncated_poisson": ("hurdle_poisson", "hu"),
        "truncated_negbin": ("hurdle_negbin", "hu"),
        "beta": ("zero_inflated_beta", "zi"),
        "hurdle_gamma": ("hurdle_gamma", "hu"),
    }
)
"""By the family here: the family with zeros of their own, and the parameter of a formula for them."""

DISPERSIONS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("gaussian", "student"), "sigma"),
        **dict.fromkeys(("gamma", "hurdle_gamma"), "shape"),
        **dict.fromkeys(("negbin", "zero_inflated_negbin", "hurdle_negbin", "truncated_negbin"), "theta"),
        **dict.fromkeys(("negbin1", "beta", "beta_binomial", "zero_inflated_beta", "ordered_beta", "tweedie"), "phi"),
        "conway_maxwell_poisson": "phi",
        **dict.fromkeys(("zero_inflated_negbin1", "zero_inflated_beta_binomial"), "phi"),
    }
)
"""By the family here: the parameter whose logarithm a dispersion formula models, up to sign and a constant factor."""

NO_COUNTERPART: Mapping[str, str] = MappingProxyType(
    {
        "quasipoisson": "It is no distribution; negbin1 has the same variance, mu (1 + phi).",
        "quasibinomial": "It is no distribution; beta_binomial allows extra variation, and so does obs().",
        "quasi": "It is no distribution: choose one.",
        "com_poisson": "Its mu there is no mean: conway_maxwell_poisson is that of glmmTMB's compois.",
        "geometric": "It is negbin with theta 1: family negbin with priors={'theta': 1}.",
    }
)
"""Families that have no counterpart here, and what to take instead."""

OTHERWISE_THERE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (
            "glmmTMB",
            "lognormal",
        ): "There its mean is that of y, not of log(y): write log(y) ~ ..., or family lognormal here."
    }
)
"""By function and name: families that are another distribution there, and what to take instead."""

LINKS_THERE: Mapping[str, str] = MappingProxyType({"1/mu^2": "inverse_squared"})
"""Links that R calls otherwise."""

NAMES_THERE: Mapping[str, str] = MappingProxyType({"theta": "shape", "tau": "beta"})
"""Parameters that brms calls otherwise."""

MULTIPLYING = ("poisson", "negbin", "negbin1")
"""Families whose prior weights in stats and lme4 multiply the log-likelihood of a row."""
EVENTS, TRIALS = "bernoulli", "binomial"
"""What binomial(...) of R is here for single events, and for numbers of successes."""
ORDERED, COUNTS = "cumulative", "negbin"
"""What clm and clmm, and what glm.nb and glmer.nb fit."""
NOMINAL, SEVERAL_COUNTS = "categorical", "multinomial"
"""What multinom fits: to a factor, and to the counts of its levels."""
