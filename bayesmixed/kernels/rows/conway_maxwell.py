"""Rows of Conway-Maxwell Poisson counts by their mean, with all derivatives at once.

With a rate and nu = 1 / phi, log P(y) = y log(rate) - nu log(y!) - log Z. Sums over all counts have a node for each small
count, and further out, where probabilities change slowly, one for 2, 4, 8, ... counts.
"""

import math

import numpy as np
from numba import njit
from scipy import special

from bayesmixed.families.links import Array

CONWAY_MAXWELL_POISSON = 26
_DROP, _FEWEST, _MOST = 42.0, 3, 200
"""The logarithm of the share of the largest probability below which the others are left out, and how many there are each way."""
_WIDE, _STEP, _AWAY = 7.75, 0.7, 81.0
"""SD from which not every count is a node; how many SDs then lie between two; the squared distance, in SDs, between 0 and the
mode from which 0 plays no part."""
_ROUNDS, _SETTLED = 60, 1e-9


def _table() -> tuple[Array, Array, Array]:
    """Return nodes, weights and log y! at the nodes, of sums over all counts from 0.

    Around 20 times a power of two the distance between nodes comes to be that power, from half of it, as a normal
    distribution function rises: so slowly that sums of what changes slowly there keep all digits.
    """
    nodes, weights = [], []
    for level in range(40):
        step = 2.0**level
        places = step * np.arange(64.0)
        begun = special.ndtr((places / step - 20.0) / 1.37) if level else 1.0
        shares = step * (begun - special.ndtr((places / (2.0 * step) - 20.0) / 1.37))
        kept = shares > 1e-17 * step
        nodes.append(places[kept])
        weights.append(shares[kept])
    found, numbers = np.unique(np.concatenate(nodes), return_inverse=True)
    return found, np.bincount(numbers, np.concatenate(weights)), special.gammaln(found + 1.0)


_NODES, _WEIGHTS, _FALLS = _table()


@njit(cache=False, error_model="numpy")
def conway_maxwell(y, mu, log_phi):  # type: ignore[no-untyped-def]
    """Return seven numbers, see `natural`, in the mean; the last three are derivatives in the logarithm of phi."""
    nu = math.exp(-log_phi)
    log_rate = _solve(mu, nu)
    log_total, _, fall, m2, m3, m4, of_fall, with_2, with_3 = _moments(log_rate, nu, mu)
    own, away, factor = math.lgamma(y + 1.0), y - mu, 1.0 / m2
    fourth = m4 - 3.0 * m2 * m2
    skewed = m3 * factor * factor * factor
    bent = (fourth - 3.0 * m3 * m3 * factor) * factor**4
    # Along nu, at the same mean, the logarithm of the rate moves by this.
    move = of_fall * factor
    of_2 = m3 * move - with_2
    of_3 = fourth * move - (with_3 - 3.0 * m2 * of_fall)
    return (
        y * log_rate - nu * own - log_total,
        away * factor,
        -factor - away * skewed,
        2.0 * skewed - away * bent,
        -nu * (away * move - own + fall),
        nu * away * of_2 * factor * factor,
        -nu * (of_2 * factor * factor - away * (of_3 - 3.0 * m3 * factor * of_2) * factor**3),
    )


@njit(cache=False, error_model="numpy")
def _solve(mu, nu):  # type: ignore[no-untyped-def]
    """Return the logarithm of the rate at which the mean is mu.

    E Y^nu = rate and E (Y + 1)^-nu <= 1 / rate bound it on both sides (Jensen's inequality).
    """
    log_mu, log_more = math.log(mu), math.log1p(mu)
    if nu < 1.0:
        low, high = log_mu - log_more, min(log_mu, nu * log_mu)
    else:
        low, high = max(log_mu, nu * log_mu), nu * log_more
    # The mean is about rate^(1/nu) - (nu - 1) / (2 nu) (Shmueli et al. 2005, J R Stat Soc C 54:127).
    moved = mu + (nu - 1.0) / (2.0 * nu)
    place = nu * math.log(moved) if moved > 1.0 else log_mu - (1.0 - nu) * log_more
    place = min(max(place, low), max(low, high))
    for _ in range(_ROUNDS):
        _, mean, _, square, _, _, _, _, _ = _moments(place, nu, mu)
        variance = square - (mean - mu) ** 2
        if mean < mu:
            low = place
        else:
            high = place
        step = (log_mu - math.log(max(mean, 1e-300))) * mean / max(variance, 1e-300)
        after = place + step
        if abs(step) < _SETTLED:
            return after
        place = after if low <= after <= high else 0.5 * (low + high)
    return place


@njit(cache=False, error_model="numpy")
def _moments(log_rate, nu, mu):  # type: ignore[no-untyped-def]
    """Return log Z, the mean and that of log Y!, then moments around mu: the second to the fourth, and that of Y, of its square
    and of its cube with log Y! around its mean."""
    mode = math.exp(min(log_rate / nu, 700.0))
    top = mode * log_rate - nu * math.lgamma(mode + 1.0)
    about = math.lgamma(mu + 1.0)
    sums = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    step = 1.0
    if mode * nu < _AWAY:
        for k in range(len(_NODES)):
            logs = _NODES[k] * log_rate - nu * _FALLS[k] - top
            sums = _add(sums, _WEIGHTS[k] * math.exp(logs), _NODES[k] - mu, _FALLS[k] - about)
            if logs < -_DROP and _NODES[k] > mode:
                break
    else:
        spread = math.sqrt(mode / nu)
        step = spread * _STEP if spread > _WIDE else 1.0
        middle = math.floor(mode + 0.5)
        for sign in (1.0, -1.0):
            for count in range(0 if sign > 0.0 else 1, _MOST):
                node = middle + sign * step * count
                if node < 0.0:
                    break
                fall = math.lgamma(node + 1.0)
                logs = node * log_rate - nu * fall - top
                sums = _add(sums, math.exp(logs), node - mu, fall - about)
                if not logs > -_DROP and count >= _FEWEST:
                    break
    whole, first, square, cube, fourth, fall, cross, cross_2, cross_3 = sums
    first, square, cube, fourth, fall = first / whole, square / whole, cube / whole, fourth / whole, fall / whole
    return (
        top + math.log(whole * step),
        mu + first,
        about + fall,
        square,
        cube,
        fourth,
        cross / whole - fall * first,
        cross_2 / whole - fall * square,
        cross_3 / whole - fall * cube,
    )


@njit(cache=False, error_model="numpy")
def _add(sums, weight, away, fall):  # type: ignore[no-untyped-def]
    """Return sums with those of a node added."""
    one = weight * away
    two = one * away
    three = two * away
    return (
        sums[0] + weight,
        sums[1] + one,
        sums[2] + two,
        sums[3] + three,
        sums[4] + three * away,
        sums[5] + weight * fall,
        sums[6] + one * fall,
        sums[7] + two * fall,
        sums[8] + three * fall,
    )
