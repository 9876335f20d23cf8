"""Products of coefficients with the roots of the covariances of their terms, and derivatives of these products.

T is block diagonal: for each term, rows of `terms` (first coefficient, levels, columns K), one lower triangle (K, K) of `roots`
for every level.
"""

from numba import njit


@njit(cache=False, error_model="numpy")
def forward_root(factor, root, vector, out):  # type: ignore[no-untyped-def]
    """Write C^-1 T'x."""
    width = len(factor)
    for i in range(width):
        value = 0.0
        for m in range(i, width):
            value += root[m, i] * vector[m]
        for m in range(i):
            value -= factor[i, m] * out[m]
        out[i] = value / factor[i, i]


@njit(cache=False, error_model="numpy")
def forward_root_back(factor, vector, out, out_bar, factor_bar, root_bar):  # type: ignore[no-untyped-def]
    """Add the derivatives of C^-1 T'x in C and T; those in the result are lost."""
    width = len(factor)
    for i in range(width - 1, -1, -1):
        value = out_bar[i]
        for m in range(i + 1, width):
            value -= factor[m, i] * out_bar[m]
        out_bar[i] = value / factor[i, i]
    for i in range(width):
        for k in range(i + 1):
            factor_bar[i, k] -= out_bar[i] * out[k]
            root_bar[i, k] += vector[i] * out_bar[k]


@njit(cache=False, error_model="numpy")
def apply(vector, terms, roots):  # type: ignore[no-untyped-def]
    """Replace z by T z."""
    for t in range(len(terms)):
        width = terms[t, 2]
        for first in range(terms[t, 0], terms[t, 0] + terms[t, 1] * width, width):
            for i in range(width - 1, -1, -1):
                value = 0.0
                for m in range(i + 1):
                    value += roots[t, i, m] * vector[first + m]
                vector[first + i] = value


@njit(cache=False, error_model="numpy")
def apply_transposed(vector, terms, roots):  # type: ignore[no-untyped-def]
    """Replace x by T'x."""
    for t in range(len(terms)):
        width = terms[t, 2]
        for first in range(terms[t, 0], terms[t, 0] + terms[t, 1] * width, width):
            for i in range(width):
                value = 0.0
                for m in range(i, width):
                    value += roots[t, m, i] * vector[first + m]
                vector[first + i] = value


@njit(cache=False, error_model="numpy")
def apply_columns(matrix, terms, roots):  # type: ignore[no-untyped-def]
    """Replace S by S T."""
    for i in range(len(matrix)):
        apply_transposed(matrix[i], terms, roots)


@njit(cache=False, error_model="numpy")
def spread_back(matrix, terms, roots):  # type: ignore[no-untyped-def]
    """Replace a symmetric S by T S T'."""
    for i in range(len(matrix)):
        apply(matrix[i], terms, roots)
    transpose(matrix)
    for i in range(len(matrix)):
        apply(matrix[i], terms, roots)


@njit(cache=False, error_model="numpy")
def transpose(matrix):  # type: ignore[no-untyped-def]
    """Transpose a square matrix in its place."""
    for i in range(len(matrix)):
        for k in range(i):
            matrix[i, k], matrix[k, i] = matrix[k, i], matrix[i, k]


@njit(cache=False, error_model="numpy")
def add_slopes_of_roots(roots_bar, u_bar, z, terms):  # type: ignore[no-untyped-def]
    """Add the derivatives of T z in T."""
    for t in range(len(terms)):
        width = terms[t, 2]
        for first in range(terms[t, 0], terms[t, 0] + terms[t, 1] * width, width):
            for i in range(width):
                for k in range(i + 1):
                    roots_bar[t, i, k] += u_bar[first + i] * z[first + k]
