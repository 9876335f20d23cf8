"""Families: the conditional distribution of the response given its parameters."""

import copyreg
import re
from typing import Any

from bayesmixed.errors import SpecError, did_you_mean, shorten
from bayesmixed.families.conway_maxwell import CONWAY_MAXWELL_POISSON
from bayesmixed.families.counts import NEGBIN, NEGBIN1, POISSON
from bayesmixed.families.generalised_poisson import GENERALISED_POISSON
from bayesmixed.families.hurdles import (
    HURDLE_GAMMA,
    HURDLE_LOGNORMAL,
    HURDLE_NEGBIN,
    HURDLE_POISSON,
    TRUNCATED_NEGBIN,
    TRUNCATED_POISSON,
    ZERO_INFLATED_BETA,
)
from bayesmixed.families.inflated import (
    ZERO_INFLATED_BETA_BINOMIAL,
    ZERO_INFLATED_BINOMIAL,
    ZERO_INFLATED_NEGBIN,
    ZERO_INFLATED_NEGBIN1,
    ZERO_INFLATED_POISSON,
    ZERO_ONE_INFLATED_BETA,
)
from bayesmixed.families.multinomial import MULTINOMIAL
from bayesmixed.families.nominal import CATEGORICAL
from bayesmixed.families.ordered_beta import ORDERED_BETA
from bayesmixed.families.ordinal import CUMULATIVE
from bayesmixed.families.positive import EXPONENTIAL, GAMMA, INVERSE_GAUSSIAN, LOGNORMAL, WEIBULL
from bayesmixed.families.proportions import BERNOULLI, BETA, BETA_BINOMIAL, BINOMIAL
from bayesmixed.families.quantiles import ASYMMETRIC_LAPLACE
from bayesmixed.families.r_families import NO_COUNTERPART, R_FAMILIES
from bayesmixed.families.real import GAUSSIAN, STUDENT
from bayesmixed.families.records import Family, Parameter, ResponseScale, Values
from bayesmixed.families.shifted import SHIFTED_LOGNORMAL
from bayesmixed.families.skewed import EXGAUSSIAN, SKEW_NORMAL
from bayesmixed.families.stepwise import ACAT, CRATIO, SRATIO
from bayesmixed.families.tweedie import TWEEDIE

__all__ = ["DEFAULT_FAMILY", "FAMILIES", "Family", "Parameter", "ResponseScale", "Values", "find_family"]

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        GAUSSIAN,
        STUDENT,
        LOGNORMAL,
        GAMMA,
        INVERSE_GAUSSIAN,
        BETA,
        BERNOULLI,
        BINOMIAL,
        BETA_BINOMIAL,
        POISSON,
        NEGBIN,
        NEGBIN1,
        GENERALISED_POISSON,
        ZERO_INFLATED_POISSON,
        ZERO_INFLATED_NEGBIN,
        ZERO_INFLATED_BINOMIAL,
        HURDLE_POISSON,
        HURDLE_NEGBIN,
        HURDLE_GAMMA,
        ZERO_INFLATED_BETA,
        ZERO_ONE_INFLATED_BETA,
        CUMULATIVE,
        EXPONENTIAL,
        WEIBULL,
        EXGAUSSIAN,
        SKEW_NORMAL,
        ASYMMETRIC_LAPLACE,
        ORDERED_BETA,
        HURDLE_LOGNORMAL,
        TRUNCATED_POISSON,
        TRUNCATED_NEGBIN,
        ZERO_INFLATED_NEGBIN1,
        ZERO_INFLATED_BETA_BINOMIAL,
        SRATIO,
        CRATIO,
        ACAT,
        CATEGORICAL,
        MULTINOMIAL,
        TWEEDIE,
        CONWAY_MAXWELL_POISSON,
        SHIFTED_LOGNORMAL,
    )
}

DEFAULT_FAMILY = GAUSSIAN.name
"""That of a model whose family is not given."""


def parameter_names() -> list[str]:
    """Return the names that parameters of families have."""
    names = {parameter.name for family in FAMILIES.values() for parameter in family.parameters}
    return sorted(names.union(*(family.optional for family in FAMILIES.values())))


def find_family(name: "str | Family") -> Family:
    """Return the family of that name; a `Family` object passes through.

    Raises
    ------
    SpecError
        No family has that name; names of brms, Bambi and R are translated in the hint.
    """
    if isinstance(name, Family):
        return name
    if not isinstance(name, str):
        raise SpecError(
            f'family={shorten(repr(name))} is not a family. Give its name, such as "poisson", or a bm.Family.'
        )
    if name in FAMILIES:
        return FAMILIES[name]
    if name in NO_COUNTERPART:
        raise SpecError(f"Family '{name}' has no counterpart here. {NO_COUNTERPART[name]}")
    translated = _OTHER_NAMES.get(_plain(name))
    hint = f"Did you mean '{translated}'?" if translated else did_you_mean(name, FAMILIES)
    raise SpecError(f"Family '{name}' is not known. {hint}")


def _plain(name: str) -> str:
    """Return a name without what packages write differently: capitals and signs between words."""
    return re.sub(r"[_. ]", "", name.casefold())


def _by_name(family: Family) -> Any:
    """Reduce a family of the catalogue to its name, for pickle and copy, since its functions have none."""
    return (find_family, (family.name,)) if FAMILIES.get(family.name) is family else object.__reduce_ex__(family, 4)


copyreg.pickle(Family, _by_name)

_OTHER_NAMES = {_plain(name): here for name, (here, _) in R_FAMILIES.items()} | {
    "normal": "gaussian",
    "gauss": "gaussian",
    "t": "student",
    "studentt": "student",
    "binary": "bernoulli",
    "logistic": "bernoulli",
    "count": "poisson",
    "wald": "inverse_gaussian",
    "nbinom": "negbin",
    "nb": "negbin",
    "nb1": "negbin1",
    "nb2": "negbin",
    "negbin2": "negbin",
    "generalizedpoisson": "generalised_poisson",
    "generalisedpoisson": "generalised_poisson",
    "genpoisson": "generalised_poisson",
    "exp": "exponential",
    "exgauss": "exgaussian",
    "exmodifiedgaussian": "exgaussian",
    "asymmetriclaplace": "asymmetric_laplace",
    "ald": "asymmetric_laplace",
    "quantile": "asymmetric_laplace",
    "orderedbeta": "ordered_beta",
    "ztpoisson": "truncated_poisson",
    "zerotruncatedpoisson": "truncated_poisson",
    "truncatednegativebinomial": "truncated_negbin",
    "zerotruncatednegativebinomial": "truncated_negbin",
    "zip": "zero_inflated_poisson",
    "zinb": "zero_inflated_negbin",
    "zeroinflatednegativebinomial": "zero_inflated_negbin",
    "zinb1": "zero_inflated_negbin1",
    "zeroinflatednegativebinomial1": "zero_inflated_negbin1",
    "hurdlenegativebinomial": "hurdle_negbin",
    "zeroinflatedgamma": "hurdle_gamma",
    "zib": "zero_inflated_beta",
    "zoib": "zero_one_inflated_beta",
    "cmp": "conway_maxwell_poisson",
    "compoisson": "conway_maxwell_poisson",
    "conwaymaxwell": "conway_maxwell_poisson",
    "compoundpoisson": "tweedie",
    "compoundpoissongamma": "tweedie",
    "ordinal": "cumulative",
    "ordered": "cumulative",
    "clm": "cumulative",
    "stoppingratio": "sratio",
    "continuationratio": "cratio",
    "adjacentcategory": "acat",
}
