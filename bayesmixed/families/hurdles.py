"""Families of counts from 1, and families with a hurdle: zero or not first, then a positive response."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.counts import NEGBIN, POISSON, draw_poisson
from bayesmixed.families.links import Array
from bayesmixed.families.parts import no_latent_variance, pytensor_logp_of, share
from bayesmixed.families.positive import GAMMA, LOGNORMAL
from bayesmixed.families.proportions import BETA
from bayesmixed.families.records import MORE_ZEROS, Family, Values
from bayesmixed.families.tails import Tails, from_zero, log_complement, mix_tails

Draw = Callable[[np.random.Generator, Values, Any, tuple[int, ...]], Array]


def truncated(base: Family, positive: Draw) -> Family:
    """Return the family of counts of a base family given that they are not zero.

    `mu` is the mean of the base family before its zeros are cut off; `positive` draws.
    """

    def log_zero(values: Values, trials: Any) -> Array:
        return base.logp(0.0 * np.asarray(values["mu"]), values, trials)

    def above(values: Values, trials: Any) -> Array:
        """Return the probability that the base family is positive."""
        return -np.expm1(log_zero(values, trials))

    def logp(y: Any, values: Values, trials: Any) -> Array:
        density = base.logp(np.maximum(y, 1.0), values, trials) - np.log(above(values, trials))
        return np.where(np.greater_equal(y, 1), density, -np.inf)

    def cdf(y: Any, values: Values, trials: Any) -> Array:
        zero = np.exp(log_zero(values, trials))
        inside = (base.cdf(np.maximum(y, 1.0), values, trials) - zero) / above(values, trials)
        return np.where(np.greater_equal(y, 1), inside, 0.0)

    def mean(values: Values, trials: Any) -> Array:
        return np.asarray(base.mean(values, trials) / above(values, trials))

    def variance(values: Values, trials: Any) -> Array:
        square = base.variance(values, trials) + np.square(base.mean(values, trials))
        return np.asarray(square / above(values, trials) - np.square(mean(values, trials)))

    def score_of_zero(values: Values, trials: Any) -> Array:
        return base.score(0.0 * np.asarray(values["mu"]), values, trials)

    def drift(values: Values, trials: Any) -> Array:
        """Return the derivative of -log P(base > 0) in mu."""
        return np.exp(log_zero(values, trials)) * score_of_zero(values, trials) / above(values, trials)

    def information(values: Values, trials: Any) -> Array:
        zeros = np.exp(log_zero(values, trials)) * np.square(score_of_zero(values, trials))
        squares = (base.information(values, trials) - zeros) / above(values, trials)
        return np.asarray(squares - np.square(drift(values, trials)))

    def pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
        import pytensor.tensor as pt

        zero = pytensor_logp_of(base, pt.zeros_like(y), values, trials)
        return pytensor_logp_of(base, pt.maximum(y, 1), values, trials) - pt.log1mexp(zero)

    def log_tails(m: Any, y: Any, values: Values, trials: Any) -> Tails:
        assert base.log_tails is not None
        above = base.log_tails(m, y, values, trials)[1] - base.log_tails(m, 0.0 * y, values, trials)[1]
        return log_complement(m, above), above

    return replace(
        base,
        name=f"truncated_{base.name}",
        distribution="",
        pytensor_logp=pytensor_logp,
        support="whole numbers from 1",
        accepts=lambda y, trials: (y >= 1) & base.accepts(y, trials),
        logp=logp,
        cdf=cdf,
        log_tails=None if base.log_tails is None else log_tails,
        random=positive,
        mean=mean,
        variance=variance,
        score=lambda y, values, trials: base.score(y, values, trials) + drift(values, trials),
        information=information,
        latent_variance=no_latent_variance,
        smoothed_mean=lambda y, trials, exposure: float(np.sum(y) / np.sum(np.broadcast_to(exposure, np.shape(y)))),
        offers="",
        summable="",
        concave_links=(),
        title=f"Truncated{base.title or base.distribution}",
        variance_text="",
        hint=f"With zeros take {base.name} or hurdle_{base.name}.",
    )


def hurdle(
    base: Family,
    beyond: Family,
    support: str,
    *,
    zeros: str = "hu",
    usual: float = 1.0,
    hint: str = "",
) -> Family:
    """Return the family that is 0 with probability hu, else a draw of the base family given that it is positive.

    Mullahy (1986, J Econom 33:341). `beyond` is the family of positive responses: of counts the truncated base family,
    else the base family itself. `zeros` is another name of hu; `usual` a positive response to use where there is none.
    """
    title = base.title or base.distribution

    def logp(y: Any, values: Values, trials: Any) -> Array:
        inside = np.where(np.equal(y, 0), usual, y)
        density = beyond.logp(inside, values, trials) + np.log1p(-values[zeros])
        return np.where(np.equal(y, 0), np.log(values[zeros]), density)

    def cdf(y: Any, values: Values, trials: Any) -> Array:
        part = beyond.cdf(np.where(np.greater(y, 0), y, usual), values, trials)
        return np.asarray(np.greater_equal(y, 0) * values[zeros] + np.greater(y, 0) * (1.0 - values[zeros]) * part)

    def mean(values: Values, trials: Any) -> Array:
        return np.asarray((1.0 - values[zeros]) * beyond.mean(values, trials))

    def variance(values: Values, trials: Any) -> Array:
        square = beyond.variance(values, trials) + values[zeros] * np.square(beyond.mean(values, trials))
        return np.asarray((1.0 - values[zeros]) * square)

    def score(y: Any, values: Values, trials: Any) -> Array:
        own = beyond.score(np.where(np.equal(y, 0), usual, y), values, trials)
        return np.where(np.equal(y, 0), 0.0, own)

    def pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
        import pytensor.tensor as pt

        inside = pt.switch(pt.eq(y, 0), 1 if beyond.discrete else usual, y)
        density = pytensor_logp_of(beyond, inside, values, trials) + pt.log1p(-values[zeros])
        return pt.switch(pt.eq(y, 0), pt.log(values[zeros]), density)

    def random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
        return np.where(rng.random(shape) < values[zeros], 0.0, beyond.random(rng, values, trials, shape))

    def smoothed_mean(y: Array, trials: Any, exposure: Any) -> float:
        positive = y > 0
        if not np.any(positive):
            return float(beyond.working(np.array([usual]))[0])
        return beyond.smoothed_mean(y[positive], trials, np.broadcast_to(exposure, y.shape)[positive])

    def working(y: Array) -> Array:
        """Return the positive responses on the scale of `mu`; zeros take their values in turn, so that the spread is theirs."""
        positive = np.greater(y, 0)
        if beyond.working is np.asarray or not np.any(positive):
            return np.asarray(y)
        return beyond.working(np.where(positive, y, np.resize(np.asarray(y)[positive], np.shape(y))))

    def log_tails(m: Any, y: Any, values: Values, trials: Any) -> Tails:
        assert beyond.log_tails is not None
        return mix_tails(m, values[zeros], None, from_zero(m, beyond.log_tails, usual, y, values, trials))

    return replace(
        beyond,
        name=f"{'hurdle' if zeros == 'hu' else 'zero_inflated'}_{base.name}",
        parameters=(
            *base.parameters,
            share(zeros, "probability of zero", (f"Without zeros take family {beyond.name}.", "")),
        ),
        distribution="",
        pytensor_logp=pytensor_logp,
        support=support,
        accepts=lambda y, trials: (y == 0) | beyond.accepts(y, trials),
        logp=logp,
        cdf=cdf,
        log_tails=None if beyond.log_tails is None else log_tails,
        constant=lambda y, trials: np.where(y == 0, 0.0, beyond.constant(np.where(y == 0, usual, y), trials)),
        random=random,
        mean=mean,
        variance=variance,
        score=score,
        information=lambda values, trials: (1.0 - values[zeros]) * beyond.information(values, trials),
        latent_variance=no_latent_variance,
        smoothed_mean=smoothed_mean,
        offers=MORE_ZEROS,
        working=working,
        from_working=None,
        imputable=False,
        conjugate=False,
        concave_links=(),
        title=f"{'Hurdle' if zeros == 'hu' else 'ZeroInflated'}{title}",
        variance_text="",
        hint=hint or base.hint,
    )


def _positive_poisson(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    """Draw the time of the first event, given that there is one, and the number of events after it."""
    first = -np.log1p(rng.random(shape) * np.expm1(-values["mu"]))
    return 1.0 + draw_poisson(rng, np.maximum(values["mu"] - first, 0.0), shape)


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


TRUNCATED_POISSON = truncated(POISSON, _positive_poisson)
TRUNCATED_NEGBIN = truncated(NEGBIN, _positive_negbin)
HURDLE_POISSON = hurdle(POISSON, TRUNCATED_POISSON, "whole numbers from 0")
HURDLE_NEGBIN = hurdle(NEGBIN, TRUNCATED_NEGBIN, "whole numbers from 0")
HURDLE_GAMMA = hurdle(GAMMA, GAMMA, "numbers from 0", hint="For numbers below zero take gaussian or student.")
HURDLE_LOGNORMAL = hurdle(
    LOGNORMAL, LOGNORMAL, "numbers from 0", hint="For numbers below zero take gaussian or student."
)
ZERO_INFLATED_BETA = hurdle(
    BETA,
    BETA,
    "numbers from 0 to below 1",
    zeros="zi",
    usual=0.5,
    hint="With ones and no zeros take it for 1 - y, with both zero_one_inflated_beta. Divide percentages by 100.",
)
"""A beta variable is never 0, so that all zeros are extra ones: inflation and hurdle are the same here."""
