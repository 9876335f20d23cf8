"""Families with extra zeros or ones: a point mass mixed with another family."""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

import numpy as np

from bayesmixed.families.counts import NEGBIN, NEGBIN1, POISSON
from bayesmixed.families.links import Array
from bayesmixed.families.parts import no_latent_variance, pytensor_logp_of, share
from bayesmixed.families.proportions import BETA, BETA_BINOMIAL, BINOMIAL
from bayesmixed.families.records import MORE_ZEROS, Family, Values
from bayesmixed.families.tails import Tails, from_zero, mix_tails


def zero_inflated(base: Family, distribution: str = "") -> Family:
    """Return the family that is 0 with probability zi, else a draw of the base family (which may be 0 as well).

    Lambert (1992, Technometrics 34:1). `distribution` is PyMC's class, whose psi is 1 - zi, where there is one.
    """

    def base_share(y: Any, values: Values, trials: Any) -> Array:
        """Return the probability that a response came from the base family."""
        zero = np.exp(base.logp(0.0 * np.asarray(y), values, trials))
        own = (1.0 - values["zi"]) * zero
        return np.where(np.equal(y, 0), own / (values["zi"] + own), 1.0)

    def logp(y: Any, values: Values, trials: Any) -> Array:
        own = np.log1p(-values["zi"]) + base.logp(y, values, trials)
        return np.where(np.equal(y, 0), np.logaddexp(np.log(values["zi"]), own), own)

    def variance(values: Values, trials: Any) -> Array:
        spread = base.variance(values, trials) + values["zi"] * np.square(base.mean(values, trials))
        return np.asarray((1.0 - values["zi"]) * spread)

    def information(values: Values, trials: Any) -> Array:
        zeros = 0.0 * np.asarray(values["mu"])
        zero = np.exp(base.logp(zeros, values, trials))
        at_zero = np.square(base.score(zeros, values, trials))
        kept = (1.0 - values["zi"]) * zero
        return np.asarray(
            (1.0 - values["zi"]) * (base.information(values, trials) - zero * at_zero)
            + at_zero * np.square(kept) / (values["zi"] + kept)
        )

    def pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
        import pytensor.tensor as pt

        own = pt.log1p(-values["zi"]) + pytensor_logp_of(base, y, values, trials)
        return pt.switch(pt.eq(y, 0), pt.logaddexp(pt.log(values["zi"]), own), own)

    def log_tails(m: Any, y: Any, values: Values, trials: Any) -> Tails:
        assert base.log_tails is not None
        return mix_tails(m, values["zi"], None, base.log_tails(m, y, values, trials))

    return replace(
        base,
        name=f"zero_inflated_{base.name}",
        parameters=(
            *base.parameters,
            share("zi", "probability of an extra zero", (f"Without extra zeros take family {base.name}.", "")),
        ),
        distribution=distribution,
        arguments=lambda values, trials: base.arguments(values, trials) | {"psi": 1.0 - values["zi"]},
        pytensor_logp=None if distribution else pytensor_logp,
        logp=logp,
        cdf=lambda y, values, trials: (
            np.greater_equal(y, 0) * values["zi"] + (1.0 - values["zi"]) * base.cdf(y, values, trials)
        ),
        log_tails=None if base.log_tails is None else log_tails,
        random=lambda rng, values, trials, shape: np.where(
            rng.random(shape) < values["zi"], 0.0, base.random(rng, values, trials, shape)
        ),
        mean=lambda values, trials: (1.0 - values["zi"]) * base.mean(values, trials),
        variance=variance,
        score=lambda y, values, trials: base.score(y, values, trials) * base_share(y, values, trials),
        information=information,
        latent_variance=no_latent_variance,
        offers=MORE_ZEROS,
        summable="",
        concave_links=(),
        title=f"ZeroInflated{base.title or base.distribution}",
        variance_text="",
    )


def interior(y: Any) -> Array:
    """Return y with 0 and 1 replaced by a number between, where the beta density is finite."""
    return np.where((np.asarray(y) > 0) & (np.asarray(y) < 1), y, 0.5)


def _zoib_logp(y: Any, values: Values, trials: Any) -> Array:
    zoi, coi = values["zoi"], values["coi"]
    inside = np.log1p(-zoi) + BETA.logp(interior(y), values, trials)
    edge = np.log(zoi) + np.where(np.equal(y, 1), np.log(coi), np.log1p(-coi))
    return np.where((np.asarray(y) > 0) & (np.asarray(y) < 1), inside, edge)


def _zoib_cdf(y: Any, values: Values, trials: Any) -> Array:
    zoi, coi = values["zoi"], values["coi"]
    inside = zoi * (1.0 - coi) + (1.0 - zoi) * BETA.cdf(y, values, trials)
    return np.where(np.less(y, 0), 0.0, np.where(np.greater_equal(y, 1), 1.0, inside))


def _zoib_tails(m: Any, y: Any, values: Values, trials: Any) -> Tails:
    assert BETA.log_tails is not None
    inside = from_zero(m, BETA.log_tails, 0.5, y, values, trials)
    return mix_tails(m, values["zoi"], values["coi"], inside)


def _zoib_random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    edge = (rng.random(shape) < values["coi"]).astype(float)
    return np.where(rng.random(shape) < values["zoi"], edge, BETA.random(rng, values, trials, shape))


def _zoib_mean(values: Values, trials: Any) -> Array:
    return np.asarray(values["zoi"] * values["coi"] + (1.0 - values["zoi"]) * values["mu"])


def _zoib_variance(values: Values, trials: Any) -> Array:
    square = BETA.variance(values, trials) + np.square(values["mu"])
    whole = values["zoi"] * values["coi"] + (1.0 - values["zoi"]) * square
    return np.asarray(whole - np.square(_zoib_mean(values, trials)))


def _say_missing_edge(y: Array, stated: AbstractSet[str]) -> str:
    there, missing = (0, 1) if not np.any(y == 1) else (1, 0)
    if "coi" in stated or np.any(y == missing):
        return ""
    if not np.any(y == there):
        return "neither 0 nor 1, so 'coi' depends on its prior alone. Take family beta."
    family = "zero_inflated_beta" + (" with 1 - y as the response" if there else "")
    return (
        f"{there} and no {missing}: 'coi' for rows with {missing} depends on its prior, which affects the mean. "
        f"Take family {family}, or state a prior for 'coi', or fix it."
    )


def _zoib_pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
    import pymc as pm
    import pytensor.tensor as pt

    inside = pt.and_(pt.gt(y, 0.0), pt.lt(y, 1.0))
    beta = pm.Beta.dist(**BETA.arguments(values, trials))
    density = pt.log1p(-values["zoi"]) + pm.logp(beta, pt.switch(inside, y, 0.5))
    edge = pt.log(values["zoi"]) + pt.switch(pt.eq(y, 1.0), pt.log(values["coi"]), pt.log1p(-values["coi"]))
    return pt.switch(inside, density, edge)


ZERO_INFLATED_POISSON = zero_inflated(POISSON, "ZeroInflatedPoisson")
ZERO_INFLATED_NEGBIN = zero_inflated(NEGBIN, "ZeroInflatedNegativeBinomial")
ZERO_INFLATED_NEGBIN1 = zero_inflated(NEGBIN1, "ZeroInflatedNegativeBinomial")
ZERO_INFLATED_BINOMIAL = zero_inflated(BINOMIAL, "ZeroInflatedBinomial")
ZERO_INFLATED_BETA_BINOMIAL = zero_inflated(BETA_BINOMIAL)

ZERO_ONE_INFLATED_BETA = replace(
    BETA,
    name="zero_one_inflated_beta",
    offers=MORE_ZEROS,
    parameters=(
        *BETA.parameters,
        share("zoi", "probability of 0 or 1", ("Without 0 and 1 take family beta.", "")),
        share(
            "coi",
            "probability of 1, given 0 or 1",
            (
                "With 0 and no 1 take family zero_inflated_beta.",
                "With 1 and no 0 take family zero_inflated_beta with 1 - y as the response.",
            ),
        ),
    ),
    distribution="",
    pytensor_logp=_zoib_pytensor_logp,
    support="numbers from 0 to 1",
    accepts=lambda y, trials: (y >= 0) & (y <= 1),
    logp=_zoib_logp,
    cdf=_zoib_cdf,
    log_tails=_zoib_tails,
    constant=lambda y, trials: np.where((y > 0) & (y < 1), BETA.constant(interior(y), trials), 0.0),
    random=_zoib_random,
    mean=_zoib_mean,
    variance=_zoib_variance,
    score=lambda y, values, trials: np.where(
        (np.asarray(y) > 0) & (np.asarray(y) < 1), BETA.score(interior(y), values, trials), 0.0
    ),
    information=lambda values, trials: (1.0 - values["zoi"]) * BETA.information(values, trials),
    latent_variance=no_latent_variance,
    variance_text="",
    smoothed_mean=lambda y, trials, exposure: (
        float(np.mean(y[(y > 0) & (y < 1)])) if np.any((y > 0) & (y < 1)) else 0.5
    ),
    unseen=_say_missing_edge,
    hint="Divide percentages by 100.",
)
