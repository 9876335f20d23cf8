"""Cholesky factors of sparse precisions Z'WZ + D whose last columns are dense, and the entries of the inverse that rows need.

Effects stand in an order of elimination. The columns before `tail` are sparse: `places[pointers[c]:pointers[c + 1]]` are the
rows below the diagonal of column c, those of the tail among them. The tail is a dense (m, m) array, its lower triangle used.
"""

import math

import numpy as np
from numba import njit


@njit(cache=False)
def eliminate(starts, rows, size):  # type: ignore[no-untyped-def]
    """Return pointers and places of the factor, and where its columns are half full, from there on taken as dense.

    Parameters
    ----------
    starts, rows : integer arrays
        Entries below the diagonal of the precision, column by column.
    """
    places = np.empty(2 * len(rows) + size, dtype=np.int64)
    pointers = np.zeros(size + 1, dtype=np.int64)
    children, following = np.full(size, -1), np.full(size, -1)
    mark = np.full(size, -1)
    for c in range(size):
        start = total = pointers[c]
        if total + size > len(places):
            places = np.concatenate((places, np.empty(len(places) + size, dtype=np.int64)))
        mark[c] = c
        for e in range(starts[c], starts[c + 1]):
            if mark[rows[e]] != c:
                mark[rows[e]] = c
                places[total] = rows[e]
                total += 1
        child = children[c]
        while child >= 0:
            for e in range(pointers[child], pointers[child + 1]):
                if mark[places[e]] != c:
                    mark[places[e]] = c
                    places[total] = places[e]
                    total += 1
            child = following[child]
        if 16 * (total - start) >= size - c - 1:
            return pointers[: c + 1].copy(), places[:start].copy()
        pointers[c + 1] = total
        if total > start:
            places[start:total] = np.sort(places[start:total])
            parent = places[start]
            following[c], children[parent] = children[parent], c
    return pointers, places[: pointers[size]].copy()


@njit(cache=False)
def _find(pointers, places, column, row):  # type: ignore[no-untyped-def]
    """Return where the entry of a row stands in a sparse column."""
    low, high = pointers[column], pointers[column + 1] - 1
    while low < high:
        middle = (low + high) >> 1
        if places[middle] < row:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=False)
def _add(pointers, places, entries, diagonal, dense, a, b, value):  # type: ignore[no-untyped-def]
    """Add to the entry of two effects."""
    tail = len(diagonal)
    low, high = min(a, b), max(a, b)
    if low >= tail:
        dense[high - tail, low - tail] += value
    elif low == high:
        diagonal[low] += value
    else:
        entries[_find(pointers, places, low, high)] += value


@njit(cache=False)
def _entry(pointers, places, entries, diagonal, dense, a, b):  # type: ignore[no-untyped-def]
    """Return the entry of two effects."""
    tail = len(diagonal)
    low, high = min(a, b), max(a, b)
    if low >= tail:
        return dense[high - tail, low - tail]
    return diagonal[low] if low == high else entries[_find(pointers, places, low, high)]


@njit(cache=False)
def factorise(indices, values, weight, penalty, pointers, places, entries, diagonal, dense):  # type: ignore[no-untyped-def]
    """Write the sparse columns of the factor and what the dense tail is less what these explain; return whether it is one.

    Parameters
    ----------
    indices, values : (n, M) arrays
        Which effects a row takes, in the order of elimination, and what multiplies each.
    weight : (n,) array
    penalty : (q,) array
        The diagonal D.
    """
    tail = len(diagonal)
    entries[:] = 0.0
    dense[:] = 0.0
    for c in range(len(penalty)):
        if c < tail:
            diagonal[c] = penalty[c]
        else:
            dense[c - tail, c - tail] = penalty[c]
    for i in range(len(weight)):
        for a in range(indices.shape[1]):
            product = weight[i] * values[i, a]
            if product == 0.0:
                continue
            first = indices[i, a]
            _add(pointers, places, entries, diagonal, dense, first, first, product * values[i, a])
            for b in range(a):
                second = indices[i, b]
                times = 2.0 if first == second else 1.0
                _add(pointers, places, entries, diagonal, dense, first, second, times * product * values[i, b])
    for c in range(tail):
        if not diagonal[c] > 0.0:
            return False
        diagonal[c] = math.sqrt(diagonal[c])
        for e in range(pointers[c], pointers[c + 1]):
            entries[e] /= diagonal[c]
        for e in range(pointers[c], pointers[c + 1]):
            for f in range(pointers[c], e + 1):
                _add(pointers, places, entries, diagonal, dense, places[e], places[f], -entries[e] * entries[f])
    return True


@njit(cache=False)
def solve_forwards(pointers, places, entries, diagonal, right):  # type: ignore[no-untyped-def]
    """Solve with the sparse columns of the factor, in place."""
    for c in range(len(diagonal)):
        right[c] /= diagonal[c]
        for e in range(pointers[c], pointers[c + 1]):
            right[places[e]] -= entries[e] * right[c]


@njit(cache=False)
def solve_backwards(pointers, places, entries, diagonal, right):  # type: ignore[no-untyped-def]
    """Solve with the transposed sparse columns of the factor, in place, the tail being solved."""
    for c in range(len(diagonal) - 1, -1, -1):
        for e in range(pointers[c], pointers[c + 1]):
            right[c] -= entries[e] * right[places[e]]
        right[c] /= diagonal[c]


@njit(cache=False)
def invert(pointers, places, entries, diagonal, dense, inverse, inverse_diagonal):  # type: ignore[no-untyped-def]
    """Write the entries of the inverse where the factor has some (Takahashi, Fagan & Chen 1973); `dense` is inverted."""
    for c in range(len(diagonal) - 1, -1, -1):
        start, stop = pointers[c], pointers[c + 1]
        inverse[start:stop] = 0.0
        for e in range(start, stop):
            for f in range(start, e + 1):
                own = _entry(pointers, places, inverse, inverse_diagonal, dense, places[e], places[f])
                inverse[e] -= own * entries[f]
                if f != e:
                    inverse[f] -= own * entries[e]
        total = 1.0 / diagonal[c]
        for e in range(start, stop):
            inverse[e] /= diagonal[c]
            total -= entries[e] * inverse[e]
        inverse_diagonal[c] = total / diagonal[c]


@njit(cache=False)
def multiply_rows(indices, values, pointers, places, inverse, inverse_diagonal, dense, out):  # type: ignore[no-untyped-def]
    """Write for each row z the entries of (inverse) z at the effects that it takes."""
    for i in range(len(indices)):
        for a in range(indices.shape[1]):
            for b in range(a + 1):
                own = _entry(pointers, places, inverse, inverse_diagonal, dense, indices[i, a], indices[i, b])
                out[i, a] += own * values[i, b]
                if b != a:
                    out[i, b] += own * values[i, a]


@njit(cache=False)
def read_entries(first, second, pointers, places, inverse, inverse_diagonal, dense, out):  # type: ignore[no-untyped-def]
    """Write the entries of pairs of effects; 0 where the factor has none."""
    tail = len(inverse_diagonal)
    for i in range(len(first)):
        low, high = min(first[i], second[i]), max(first[i], second[i])
        if low < tail and low < high:
            place = _find(pointers, places, low, high)
            if place >= pointers[low + 1] or places[place] != high:
                out[i] = 0.0
                continue
        out[i] = _entry(pointers, places, inverse, inverse_diagonal, dense, low, high)
