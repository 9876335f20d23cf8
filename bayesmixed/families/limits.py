"""Families of responses of which only limits are known, or that are seen only within bounds."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.families.links import Array
from bayesmixed.families.parts import pytensor_logp_of
from bayesmixed.families.records import Family, Values
from bayesmixed.families.tails import log_complement, numpy_functions, pytensor_functions

LOW, HIGH = "lower limit", "upper limit"
"""Keys of known numbers of rows, beside the parameters: the response lies in (low, high]; NaN where it is known itself."""
BOTTOM, TOP = "lower bound", "upper bound"
"""Only responses in (bottom, top] are seen."""
KNOWN = (LOW, HIGH, BOTTOM, TOP)

_ROUNDS, _HALVINGS = 30, 100
_STEP = 2e-3


def support_of(family: Family, trials: Any) -> tuple[Any, Any]:
    """Return numbers up to which no response lies, and from which on all lie below: -inf and inf where there are none."""
    low: Any = -np.inf
    high: Any = np.inf
    if not _accepts(family, -1.0, 1.0):
        low = np.nextafter(0.0, -1.0) if _accepts(family, 0.0, 1.0) else np.nextafter(1.0, 0.0) * family.discrete
    if family.has_trials:
        high = np.asarray(trials, dtype=float)
    elif not _accepts(family, 2.0, 1.0):
        high = 1.0
    return low, high


def _accepts(family: Family, y: float, trials: float) -> bool:
    return bool(family.accepts(np.array([y]), trials)[0])


def settle_limits(family: Family, limits: Array, trials: Any) -> Array:
    """Return limits (2, n), infinite where the support of the family ends there."""
    low, high = support_of(family, trials)
    return np.stack([np.where(limits[0] <= low, -np.inf, limits[0]), np.where(limits[1] >= high, np.inf, limits[1])])


def within_limits(family: Family, *, censored: bool, truncated: bool) -> Family:
    """Return the family of responses that are censored or truncated in some rows.

    Its functions find the limits of the rows among the parameters, under `KNOWN`. Mean, variance and information are those
    of the response itself, before it is censored or truncated; a truncated response is drawn within its bounds.
    """
    numpy = numpy_functions()

    def logp(y: Any, values: Values, trials: Any) -> Array:
        values, known = _split(values)
        found = family.logp(y, values, trials)
        if censored:
            missing = ~np.isnan(known[LOW])
            limits = (np.where(missing, known[LOW], -np.inf), np.where(missing, known[HIGH], np.inf))
            found = np.where(missing, log_between(numpy, family, *limits, values, trials), found)
        if truncated:
            found = found - log_between(numpy, family, known[BOTTOM], known[TOP], values, trials)
        return np.asarray(found)

    def pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
        import pytensor.tensor as pt

        functions = pytensor_functions()
        values, known = _split(values)
        found = pytensor_logp_of(family, y, values, trials)
        if censored:
            rows = np.flatnonzero(~np.isnan(known[LOW]))
            limits, there = (known[LOW][rows], known[HIGH][rows]), _take(values, len(known[LOW]), rows)
            own = log_between(functions, family, *limits, there, _rows(trials, rows))
            found = pt.set_subtensor(found[rows], own)
        if truncated:
            found = found - log_between(functions, family, known[BOTTOM], known[TOP], values, trials)
        return found

    def cdf(y: Any, values: Values, trials: Any) -> Array:
        own, known = _split(values)
        if not truncated:
            return _whole_cdf(family, y, own, trials)
        top = np.clip(y, known[BOTTOM], known[TOP])
        inside = log_between(numpy, family, np.broadcast_to(known[BOTTOM], np.shape(top)), top, own, trials)
        share = np.exp(inside - log_between(numpy, family, known[BOTTOM], known[TOP], own, trials))
        return np.where(np.less_equal(y, known[BOTTOM]), 0.0, share)

    def random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
        own, known = _split(values)
        if not truncated:
            return family.random(rng, own, trials, shape)
        return _draw_within(family, rng, (known[BOTTOM], known[TOP]), own, trials, shape)

    def score(y: Any, values: Values, trials: Any) -> Array:
        return _slope(family, lambda moved: logp(y, moved, trials), values, trials)

    kinds = [word for word, given in (("censored", censored), ("truncated", truncated)) if given]
    return replace(
        family,
        name=f"{family.name}, {' and '.join(kinds)}",
        distribution="",
        title=family.title or family.distribution,
        logp=logp,
        pytensor_logp=pytensor_logp,
        log_tails=None,
        cdf=cdf,
        random=random,
        score=score,
        constant=lambda y, trials: np.zeros(len(y)),
        limited=True,
        conjugate=False,
        summable="",
        offers="",
        concave_links=(),
        under=None,
    )


def log_between(m: Any, family: Family, low: Array, high: Array, values: Values, trials: Any) -> Any:
    """Return log P(low < Y <= high) of each row, whose limits may be infinite, without loss in either tail."""
    if family.log_tails is None:
        raise AssertionError(f"Family '{family.name}' has no tails.")
    shape = np.broadcast_shapes(np.shape(low), np.shape(high))
    numpy = m.log is np.log
    if numpy:
        shape = np.broadcast_shapes(shape, *(np.shape(value) for value in values.values()), np.shape(trials))
    low, high = np.broadcast_to(low, shape), np.broadcast_to(high, shape)
    from_below, to_above = np.isneginf(low), np.isposinf(high)
    found: Any = np.zeros(shape)
    cases: list[tuple[NDArray[np.bool_], Callable[..., Any]]] = [
        (from_below & ~to_above, lambda tails, low, high: tails(high)[0]),
        (~from_below & to_above, lambda tails, low, high: tails(low)[1]),
        (~from_below & ~to_above, lambda tails, low, high: _between(m, tails(low), tails(high))),
    ]
    for rows, compute in cases:
        if not rows.any():
            continue
        if numpy:
            there = {name: np.broadcast_to(value, shape)[rows] for name, value in values.items()}
            tried = trials if np.ndim(trials) == 0 else np.broadcast_to(trials, shape)[rows]
        else:
            there, tried = _take(values, len(low), np.flatnonzero(rows)), _rows(trials, np.flatnonzero(rows))
        tails = _tails_of(m, family, there, tried)
        own = compute(tails, low[rows], high[rows])
        if numpy:
            found[rows] = own
        else:
            import pytensor.tensor as pt

            found = pt.set_subtensor(pt.as_tensor_variable(found)[np.flatnonzero(rows)], own)
    return found


def _tails_of(m: Any, family: Family, values: Values, trials: Any) -> Callable[[Array], tuple[Any, Any]]:
    tails = family.log_tails
    assert tails is not None
    return lambda y: tails(m, y, values, trials)


def _between(m: Any, at_low: tuple[Any, Any], at_high: tuple[Any, Any]) -> Any:
    """Return log P(low < Y <= high) from the tails at both ends: the difference of the smaller ones."""
    upper = at_low[0] > at_low[1]
    larger = m.where(upper, at_low[1], at_high[0])
    smaller = m.where(upper, at_high[1], at_low[0])
    return larger + log_complement(m, smaller - larger)


def _split(values: Values) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters of the family, and what is known of the rows."""
    known = {name: np.asarray(values[name]) for name in KNOWN if name in values}
    return {name: value for name, value in values.items() if name not in KNOWN}, known


def _take(values: Values, size: int, rows: NDArray[np.intp]) -> dict[str, Any]:
    """Return PyTensor parameters of some rows."""
    import pytensor.tensor as pt

    return {name: pt.broadcast_to(pt.as_tensor_variable(value), (size,))[rows] for name, value in values.items()}


def _rows(trials: Any, rows: NDArray[np.intp]) -> Any:
    return trials if np.ndim(trials) == 0 else np.asarray(trials)[rows]


def _whole_cdf(family: Family, y: Any, values: Values, trials: Any) -> Array:
    """Return the distribution function at any number, infinite ones too."""
    y = np.asarray(y, dtype=float)
    finite = np.isfinite(y)
    return np.where(finite, family.cdf(np.where(finite, y, 0.5), values, trials), np.where(y > 0, 1.0, 0.0))


def _slope(family: Family, logp: Callable[[Values], Array], values: Values, trials: Any) -> Array:
    """Return the derivative of log-densities in the first parameter, by differences of five points."""
    first = family.parameters[0]
    place = np.asarray(values[first.name], dtype=float)
    with np.errstate(all="ignore"):
        unit = 1.0 / np.sqrt(np.maximum(family.information(_split(values)[0], trials), 1e-200))
    step = _STEP * np.minimum(unit, np.minimum(place - first.lower, first.upper - place))
    ahead, behind, far, back = (logp({**values, first.name: place + k * step}) for k in (1, -1, 2, -2))
    return np.asarray((8.0 * (ahead - behind) - (far - back)) / (12.0 * step))


def _draw_within(
    family: Family,
    rng: np.random.Generator,
    bounds: tuple[Array, Array],
    values: Values,
    trials: Any,
    shape: tuple[int, ...],
) -> Array:
    """Draw responses within bounds: again until one falls there, rare ones by inversion of the distribution function."""
    bottom, top = (np.broadcast_to(bound, shape) for bound in bounds)
    drawn = np.array(family.random(rng, values, trials, shape), dtype=float)

    def rest(outside: NDArray[np.bool_]) -> tuple[dict[str, Array], Any]:
        there = {name: np.broadcast_to(value, shape)[outside] for name, value in values.items()}
        return there, trials if np.ndim(trials) == 0 else np.broadcast_to(trials, shape)[outside]

    for _ in range(_ROUNDS):
        outside = (drawn <= bottom) | (drawn > top)
        if not outside.any():
            return drawn
        there, tried = rest(outside)
        drawn[outside] = family.random(rng, there, tried, (int(outside.sum()),))
    outside = (drawn <= bottom) | (drawn > top)
    if outside.any():
        drawn[outside] = _invert(family, rng, bottom[outside], top[outside], *rest(outside))
    return drawn


def _invert(family: Family, rng: np.random.Generator, bottom: Array, top: Array, values: Values, trials: Any) -> Array:
    """Return quantiles within bounds of uniform probabilities, by bisection."""
    m = numpy_functions()
    wanted = np.log(rng.random(len(bottom))) + log_between(m, family, bottom, top, values, trials)

    def enough(y: Array) -> NDArray[np.bool_]:
        return np.asarray(log_between(m, family, bottom, np.minimum(y, top), values, trials) >= wanted)

    least = np.maximum(bottom, support_of(family, trials)[0])
    start = np.where(np.isfinite(least), least, np.where(np.isfinite(top), top, 0.0))
    width = np.ones(len(bottom))
    low, high = np.where(np.isfinite(least), least, start - width), np.where(np.isfinite(top), top, start + width)
    for _ in range(_HALVINGS):
        width *= 2.0
        low = np.where(np.isfinite(least) | ~enough(low), low, start - width)
        high = np.where(np.isfinite(top) | enough(high), high, start + width)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        reached = enough(middle)
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.minimum(np.floor(high + 1e-6) if family.discrete else high, top)
