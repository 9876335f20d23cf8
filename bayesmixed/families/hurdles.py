"""Families with a hurdle: zero or not first, then a positive response."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.counts import NEGBIN, POISSON
from bayesmixed.families.links import Array
from bayesmixed.families.parts import no_latent_variance, share
from bayesmixed.families.positive import GAMMA
from bayesmixed.families.proportions import BETA
from bayesmixed.families.records import MORE_ZEROS, Family, Values

Draw = Callable[[np.random.Generator, Values, Any, tuple[int, ...]], Array]


def hurdle(
    base: Family,
    positive: Draw,
    support: str,
    *,
    zeros: str = "hu",
    usual: float = 1.0,
    hint: str = "",
) -> Family:
    """Return the family that is 0 with probability hu, else a draw of the base family given that it is positive.

    Mullahy (1986, J Econom 33:341). `mu` is the mean of the base family before its zeros are cut off. `zeros` is
    another name of hu; `usual` a positive response to use where there is none.
    """
    counted = base.discrete

    def log_zero(values: Values, trials: Any) -> Array:
        nothing = 0.0 * np.asarray(values["mu"])
        return base.logp(nothing, values, trials) if counted else np.full(nothing.shape, -np.inf)

    def above(values: Values, trials: Any) -> Array:
        """Return the probability that the base family is positive."""
        return -np.expm1(log_zero(values, trials))

    def logp(y: Any, values: Values, trials: Any) -> Array:
        inside = np.where(np.equal(y, 0), usual, y)
        density = base.logp(inside, values, trials) - np.log(above(values, trials)) + np.log1p(-values[zeros])
        return np.where(np.equal(y, 0), np.log(values[zeros]), density)

    def cdf(y: Any, values: Values, trials: Any) -> Array:
        zero = np.exp(log_zero(values, trials))
        inside = np.where(np.greater(y, 0), y, usual)
        part = (base.cdf(inside, values, trials) - zero) / above(values, trials)
        beyond = np.greater(y, 0) * (1.0 - values[zeros]) * part
        return np.asarray(np.greater_equal(y, 0) * values[zeros] + beyond)

    def mean(values: Values, trials: Any) -> Array:
        return np.asarray((1.0 - values[zeros]) * base.mean(values, trials) / above(values, trials))

    def variance(values: Values, trials: Any) -> Array:
        square = base.variance(values, trials) + np.square(base.mean(values, trials))
        whole = (1.0 - values[zeros]) * square / above(values, trials)
        return np.asarray(whole - np.square(mean(values, trials)))

    def drift(values: Values, trials: Any) -> Array:
        """Return the derivative of -log P(base > 0) in mu, over the share of zeros."""
        nothing = 0.0 * np.asarray(values["mu"])
        return base.score(nothing, values, trials) / above(values, trials) if counted else nothing

    def score(y: Any, values: Values, trials: Any) -> Array:
        inside = np.where(np.equal(y, 0), usual, y)
        own = base.score(inside, values, trials) + np.exp(log_zero(values, trials)) * drift(values, trials)
        return np.where(np.equal(y, 0), 0.0, own)

    def information(values: Values, trials: Any) -> Array:
        zero, passed = np.exp(log_zero(values, trials)), above(values, trials)
        at_zero = drift(values, trials) * passed
        squares = (base.information(values, trials) - zero * np.square(at_zero)) / passed
        return np.asarray((1.0 - values[zeros]) * (squares - np.square(zero * drift(values, trials))))

    def pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        distribution = getattr(pm, base.distribution).dist(**base.arguments(values, trials))
        density = pm.logp(distribution, pt.switch(pt.eq(y, 0), 1 if counted else usual, y)) + pt.log1p(-values[zeros])
        if counted:
            density = density - pt.log1mexp(pm.logp(distribution, pt.zeros_like(y)))
        return pt.switch(pt.eq(y, 0), pt.log(values[zeros]), density)

    def random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
        return np.where(rng.random(shape) < values[zeros], 0.0, positive(rng, values, trials, shape))

    return replace(
        base,
        name=f"{'hurdle' if zeros == 'hu' else 'zero_inflated'}_{base.name}",
        parameters=(
            *base.parameters,
            share(zeros, "probability of zero", ("" if counted else f"Without zeros take family {base.name}.", "")),
        ),
        distribution="",
        pytensor_logp=pytensor_logp,
        support=support,
        accepts=lambda y, trials: (y == 0) | base.accepts(y, trials),
        logp=logp,
        cdf=cdf,
        constant=lambda y, trials: np.where(y == 0, 0.0, base.constant(np.where(y == 0, usual, y), trials)),
        random=random,
        mean=mean,
        variance=variance,
        score=score,
        information=information,
        latent_variance=no_latent_variance,
        smoothed_mean=_positive_mean(usual),
        offers=MORE_ZEROS,
        summable="",
        concave_links=(),
        title=f"{'Hurdle' if zeros == 'hu' else 'ZeroInflated'}{base.distribution}",
        variance_text="",
        hint=hint or base.hint,
    )


def _positive_mean(usual: float) -> Callable[[Array, Any, Any], float]:
    """Return the function that gives the mean of the positive responses by exposure; `usual` where there is none."""

    def mean(y: Array, trials: Any, exposure: Any) -> float:
        positive = y > 0
        if not np.any(positive):
            return usual
        return float(np.sum(y[positive]) / np.sum(np.broadcast_to(exposure, y.shape)[positive]))

    return mean


def _positive_poisson(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    """Draw the time of the first event, given that there is one, and the number of events after it."""
    first = -np.log1p(rng.random(shape) * np.expm1(-values["mu"]))
    return 1.0 + rng.poisson(np.maximum(values["mu"] - first, 0.0))


def _positive_negbin(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    """Draw by inversion of the distribution function above its zeros."""
    theta, chance = values["theta"], values["theta"] / (values["theta"] + values["mu"])
    zero = np.exp(-theta * np.log1p(values["mu"] / values["theta"]))
    level = zero + (1.0 - zero) * rng.random(shape)
    guess = np.ceil(special.nbdtrik(level, theta, chance))
    # nbdtrik is accurate to some digits only: step to the smallest count whose distribution function reaches the level.
    for _ in range(2):
        guess = np.where(special.betainc(theta, np.maximum(guess, 1.0), chance) >= level, guess - 1.0, guess)
        guess = np.where(special.betainc(theta, np.maximum(guess, 0.0) + 1.0, chance) < level, guess + 1.0, guess)
    return np.maximum(np.nan_to_num(guess, nan=1.0), 1.0)


HURDLE_POISSON = hurdle(POISSON, _positive_poisson, "whole numbers from 0")
HURDLE_NEGBIN = hurdle(NEGBIN, _positive_negbin, "whole numbers from 0")
HURDLE_GAMMA = hurdle(GAMMA, GAMMA.random, "numbers from 0", hint="For numbers below zero take gaussian or student.")
ZERO_INFLATED_BETA = hurdle(
    BETA,
    BETA.random,
    "numbers from 0 to below 1",
    zeros="zi",
    usual=0.5,
    hint="With ones and no zeros take it for 1 - y, with both zero_one_inflated_beta. Divide percentages by 100.",
)
"""A beta variable is never 0, so that all zeros are extra ones: inflation and hurdle are the same here."""
