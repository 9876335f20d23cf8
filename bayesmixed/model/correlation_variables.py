"""The correlations of effects in a PyMC model."""

from typing import Any

import numpy as np

from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.block_parts import fixed_correlations
from bayesmixed.terms.correlation_matrices import CorrelationMatrix


def declare_correlations(matrix: CorrelationMatrix, prior: Prior) -> Any:
    """Return the (W, W) Cholesky factor of a matrix of correlations under its prior, or of one that is fixed.

    The partial correlations of a canonical vine are independent symmetric Beta variables under the LKJ distribution
    (Lewandowski, Kurowicka & Joe 2009, J Multivar Anal 100:1989). Unlike `pm.LKJCholeskyCov` this has correct forward
    draws, and leaves the SDs free to have priors of different families.
    """
    import pymc as pm
    import pytensor.tensor as pt

    size, concentration = matrix.width, prior.arguments[0]
    if prior.name == "Fixed":
        return pt.as_tensor_variable(np.linalg.cholesky(fixed_correlations(matrix.parts, concentration)))
    rows: list[list[Any]] = [[float(i == j) for j in range(size)] for i in range(size)]
    for number, part in enumerate(part for part in matrix.parts if part.correlated):
        width = len(part.columns)
        levels = [column for row in range(1, width) for column in range(row)]
        shape = concentration + (width - 2 - np.array(levels)) / 2.0
        name = f"partial_{matrix.name}" + (f"_{number + 1}" if number else "")
        partial = 2.0 * pm.Beta(name, shape, shape, shape=len(levels)) - 1.0
        at = 0
        for i in range(1, width):
            left: Any = 1.0
            for j in range(i):
                rows[part.columns[i]][part.columns[j]] = partial[at] * pt.sqrt(left)
                left = left * (1.0 - partial[at] ** 2)
                at += 1
            rows[part.columns[i]][part.columns[i]] = pt.sqrt(left)
    return pt.stack([pt.stack([pt.as_tensor_variable(value) for value in row]) for row in rows])
