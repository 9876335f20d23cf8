"""The multinomial family: counts of several categories without order in one row, with the probabilities of `categorical`."""

from dataclasses import replace
from functools import cache
from typing import Any, NoReturn

import numpy as np
from scipy import special

from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.families.nominal import categorical
from bayesmixed.families.records import Family, Values


def pack_counts(counts: Any) -> Array:
    """Return counts, (K, ...), as one record for each row, whose fields are the numbers of the categories from 1."""
    columns = np.asarray(counts, dtype=float)
    records = np.empty(columns.shape[1:], dtype=[(str(number), float) for number in range(1, len(columns) + 1)])
    for number, column in enumerate(columns, 1):
        records[str(number)] = column
    return records


def are_counts(y: Any) -> bool:
    """Return whether responses are records of counts."""
    return np.asarray(y).dtype.names is not None


def unpack_counts(y: Any) -> Array:
    """Return records of counts, (...), as an array (K, ...)."""
    return np.stack([y[name] for name in y.dtype.names or ()])


def as_numbers(y: Any) -> Array:
    """Return responses, (..., n), as numbers; of records of counts (..., n, K)."""
    return np.moveaxis(unpack_counts(y), 0, -1) if are_counts(y) else np.asarray(y)


def as_responses(y: Any) -> Array:
    """Return responses as numbers, or as records of counts."""
    return np.asarray(y) if are_counts(y) else np.asarray(y, dtype=float)


def count_of(y: Any, number: int) -> Array:
    """Return how often each row is in a category: its count, or whether it is that category."""
    return np.asarray(y[str(number)] if are_counts(y) else np.equal(y, number), dtype=float)


@cache
def multinomial(names: tuple[str, ...]) -> Family:
    """Return the family of counts whose probabilities are those of `categorical` for parameters of these names."""
    single = categorical(names)
    shares = single.shares
    assert shares is not None

    def logs(values: Values) -> Array:
        odds = np.stack(np.broadcast_arrays(0.0, *(values[name] for name in names)))
        return np.asarray(odds - special.logsumexp(odds, axis=0))

    def constant(y: Any, trials: Any) -> Array:
        counts = unpack_counts(y)
        return np.asarray(special.gammaln(counts.sum(axis=0) + 1.0) - special.gammaln(counts + 1.0).sum(axis=0))

    def logp(y: Any, values: Values, trials: Any) -> Array:
        found = sum(y[str(number)] * log for number, log in enumerate(logs(values), 1))
        return np.asarray(found + constant(y, trials))

    def random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
        left = np.broadcast_to(np.asarray(trials), shape).astype(np.int64)
        rest, counts = np.ones(shape), []
        own = [np.broadcast_to(one, shape) for one in shares(values)]
        for share in own[:-1]:
            with np.errstate(invalid="ignore", divide="ignore"):
                chance = np.where(rest > 0.0, np.clip(share / rest, 0.0, 1.0), 1.0)
            counts.append(rng.binomial(left, chance))
            left, rest = left - counts[-1], rest - share
        return pack_counts([*counts, left])

    def refuse(*given: Any) -> NoReturn:
        raise SpecError(
            "Counts of several categories have no single mean or distribution function. bm.residuals(fit) and "
            'bm.predict(fit, kind="probability") are by category, and so are the counts of bm.posterior_predictive(fit).'
        )

    def pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
        import pytensor.tensor as pt

        odds = pt.stack([0.0 * values[names[0]], *(values[name] for name in names)], axis=-1)
        found = (y * (odds - pt.logsumexp(odds, axis=-1, keepdims=True))).sum(axis=-1)
        return found + pt.gammaln(y.sum(axis=-1) + 1.0) - pt.gammaln(y + 1.0).sum(axis=-1)

    return replace(
        single,
        name="multinomial",
        named=multinomial,
        margin=margin,
        pytensor_logp=pytensor_logp,
        support="whole numbers from 0, a column for each category",
        accepts=lambda y, trials: (
            np.all(unpack_counts(y) >= 0, axis=0) if are_counts(y) else np.zeros(np.shape(y), dtype=bool)
        ),
        logp=logp,
        constant=constant,
        cdf=refuse,
        random=random,
        mean=refuse,
        variance=refuse,
        score=lambda y, values, trials: np.asarray(y["2"] - trials * shares(values)[1]),
        information=lambda values, trials: np.asarray(trials * single.information(values, trials)),
        observation_effect="",
        hint="Each column holds how often its category occurred in the row.",
    )


def margin(family: Family, number: int) -> Family:
    """Return the multinomial family whose distribution function, mean and variance are those of the count of one category, which
    is binomial; its density is still that of all counts."""
    shares = family.shares
    assert shares is not None

    def share(values: Values) -> Array:
        return shares(values)[number - 1]

    def cdf(y: Any, values: Values, trials: Any) -> Array:
        own, whole = share(values), np.floor(y)
        with np.errstate(invalid="ignore"):
            found = special.bdtr(np.clip(whole, 0.0, trials), np.asarray(trials, dtype=np.int64), own)
        return np.asarray(np.where(whole < 0.0, 0.0, np.where(whole >= trials, 1.0, found)))

    return replace(
        family,
        cdf=cdf,
        mean=lambda values, trials: np.asarray(trials * share(values)),
        variance=lambda values, trials: np.asarray(trials * share(values) * (1.0 - share(values))),
    )


MULTINOMIAL = multinomial(("mu",))
