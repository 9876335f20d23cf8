"""Rows of categories that have more columns of predictors than an interval has ends: all thresholds, or one for each category."""

import math

from numba import njit

from bayesmixed.kernels.rows.links import LOGIT, log_probability

SRATIO, CRATIO, ACAT, CATEGORICAL = 20, 21, 22, 23
STEPWISE = (SRATIO, CRATIO, ACAT)
"""Families of which the columns after the first are the thresholds, each an event of its own."""


@njit(cache=False, error_model="numpy")
def stepwise_row(family, link, y, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the row of an ordered category that is compared step by step, and write its derivatives."""
    category, count = int(y + 0.5), eta.shape[1] - 1
    if family == ACAT:
        return _adjacent_row(link, category, eta, score, i)
    sign = -1.0 if family == SRATIO else 1.0
    value, slope = 0.0, 0.0
    for k in range(1, count + 1):
        score[i, k] = 0.0
    for k in range(1, min(category, count) + 1):
        logs = log_probability(link, sign * (eta[i, 0] - eta[i, k]), (k == category) != (family == SRATIO))
        value += logs[0]
        slope += sign * logs[1]
        score[i, k] = -sign * logs[1]
    score[i, 0] = slope
    return value


@njit(cache=False, error_model="numpy")
def _adjacent_row(link, category, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the row of adjacent categories: the logarithm of its weight, a sum over thresholds below it, less that of all."""
    count = eta.shape[1] - 1
    logs, chosen, highest = 0.0, 0.0, 0.0
    for k in range(1, count + 1):
        logs += _log_odds(link, eta[i, 0] - eta[i, k])[0]
        score[i, k] = logs
        highest = max(highest, logs)
        chosen = logs if k == category - 1 else chosen
    total = math.exp(-highest)
    for k in range(1, count + 1):
        score[i, k] = math.exp(score[i, k] - highest)
        total += score[i, k]
    beyond, slope = 0.0, 0.0
    for k in range(count, 0, -1):
        beyond += score[i, k] / total
        rise = _log_odds(link, eta[i, 0] - eta[i, k])[1] * ((1.0 if category > k else 0.0) - beyond)
        score[i, k] = -rise
        slope += rise
    score[i, 0] = slope
    return chosen - highest - math.log(total)


@njit(cache=False, error_model="numpy")
def _log_odds(link, x):  # type: ignore[no-untyped-def]
    """Return log(F(x) / (1 - F(x))) and its first three derivatives."""
    if link == LOGIT:
        return x, 1.0, 0.0, 0.0
    a, b = log_probability(link, x, False), log_probability(link, x, True)
    return a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]


@njit(cache=False, error_model="numpy")
def stepwise(family, link, y, eta, i, k):  # type: ignore[no-untyped-def]
    """Return the seven numbers of a row that is compared step by step, see `natural`."""
    category, count = int(y + 0.5), eta.shape[1] - 1
    if family == ACAT:
        return _adjacent(link, category, eta, i, k)
    sign = -1.0 if family == SRATIO else 1.0
    v = a = b = c = p = q = r = 0.0
    for m in range(1, min(category, count) + 1):
        logs = log_probability(link, sign * (eta[i, 0] - eta[i, m]), (m == category) != (family == SRATIO))
        v, a, b, c = v + logs[0], a + sign * logs[1], b + logs[2], c + sign * logs[3]
        if m == k:
            p, q, r = -sign * logs[1], -logs[2], -sign * logs[3]
    return v, a, b, c, p, q, r


@njit(cache=False, error_model="numpy")
def _adjacent(link, category, eta, i, k):  # type: ignore[no-untyped-def]
    """Return the seven numbers of a row of adjacent categories: moments, over all of them, of the slopes of their weights."""
    count = eta.shape[1] - 1
    value = a = b = c = 0.0
    for m in range(1, category):
        one = _log_odds(link, eta[i, 0] - eta[i, m])
        value, a, b, c = value + one[0], a + one[1], b + one[2], c + one[3]
    # Weights are those over that of the response, so that no digits are lost where that is nearly certain.
    logs, highest, total = -value, max(-value, 0.0), math.exp(min(-value, 0.0))
    for m in range(1, count + 1):
        logs += _log_odds(link, eta[i, 0] - eta[i, m])[0]
        logs = 0.0 if m == category - 1 else logs
        if logs > highest:
            total *= math.exp(highest - logs)
            highest = logs
        total += math.exp(logs - highest)
    log_total = highest + math.log(total)
    share = math.exp(-value - log_total)
    means = -share * a, -share * b, -share * c
    logs, first, second, third = -value, -a, -b, -c
    for m in range(1, count + 1):
        one = _log_odds(link, eta[i, 0] - eta[i, m])
        logs, first, second, third = logs + one[0], first + one[1], second + one[2], third + one[3]
        if m == category - 1:
            logs = first = second = third = 0.0
        weight = math.exp(logs - log_total)
        means = means[0] + weight * first, means[1] + weight * second, means[2] + weight * third
    # Central moments, begun with the first category; those of the categories above threshold k apart.
    away, bent = -a - means[0], -b - means[1]
    square, cube, cross = share * away * away, share * away * away * away, share * away * bent
    above, of_first, of_second, of_square = 0.0, 0.0, 0.0, 0.0
    own = _log_odds(link, eta[i, 0] - eta[i, max(k, 1)])
    logs, first, second = -value, -a, -b
    for m in range(1, count + 1):
        one = _log_odds(link, eta[i, 0] - eta[i, m])
        logs, first, second = logs + one[0], first + one[1], second + one[2]
        if m == category - 1:
            logs = first = second = 0.0
        weight, away, bent = math.exp(logs - log_total), first - means[0], second - means[1]
        square += weight * away * away
        cube += weight * away * away * away
        cross += weight * away * bent
        if m >= k:
            above += weight
            of_first += weight * away
            of_second += weight * bent
            of_square += weight * away * away
    p = q = r = 0.0
    if k > 0:
        excess = (1.0 if category > k else 0.0) - above
        p = -own[1] * excess
        q = own[1] * of_first - own[2] * excess
        r = own[1] * (of_second + of_square - square * above) + 2.0 * own[2] * of_first - own[3] * excess
    return -log_total, -means[0], -means[1] - square, -means[2] - 3.0 * cross - cube, p, q, r


@njit(cache=False, error_model="numpy")
def categorical_row(y, eta, score, i):  # type: ignore[no-untyped-def]
    """Return the row of a category without order, whose predictors are log-odds against the first one."""
    count, highest = eta.shape[1], 0.0
    for k in range(count):
        highest = max(highest, eta[i, k])
    total = math.exp(-highest)
    for k in range(count):
        score[i, k] = math.exp(eta[i, k] - highest)
        total += score[i, k]
    for k in range(count):
        score[i, k] = -score[i, k] / total
    value, chosen = -highest - math.log(total), int(y + 0.5) - 2
    if chosen >= 0:
        value += eta[i, chosen]
        score[i, chosen] += 1.0
    return value


@njit(cache=False, error_model="numpy")
def categorical(y, eta, i, k):  # type: ignore[no-untyped-def]
    """Return the seven numbers of a row of a category without order, see `natural`."""
    count, highest, total, chosen = eta.shape[1], 0.0, 0.0, int(y + 0.5) - 2
    for m in range(count):
        highest = max(highest, eta[i, m])
    for m in range(count):
        total += math.exp(eta[i, m] - highest)
    total += math.exp(-highest)
    value = -highest - math.log(total) + (eta[i, chosen] if chosen >= 0 else 0.0)
    share = math.exp(eta[i, 0] - highest) / total
    bend, lean = share * (1.0 - share), 1.0 - 2.0 * share
    own, p, q, r = (1.0 if chosen == 0 else 0.0), 0.0, 0.0, 0.0
    if k > 0:
        other = math.exp(eta[i, k] - highest) / total
        p, q, r = (1.0 if chosen == k else 0.0) - other, share * other, share * other * lean
    return value, own - share, -bend, -bend * lean, p, q, r
