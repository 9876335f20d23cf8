"""The variables of a joint prior of variances in a PyMC model: the total SD and the shares in its square."""

from typing import Any

import numpy as np

from bayesmixed.design.variance_parts import Part
from bayesmixed.design.variance_splits import JointOnData, SplitOnData
from bayesmixed.model.prior_variables import declare_vector
from bayesmixed.terms.normal_block import NormalBlock

TOTAL, SHARES, PART = "variance_total", "variance_shares", "variance_part"


def within_name(group: NormalBlock) -> str:
    """Return the name of the shares of a term's columns in its variance."""
    return f"variance_within_{group.dim}"


def declare_split(split: SplitOnData) -> None:
    """Register the total SD and the shares of all parts."""
    import pymc as pm

    declare_vector(TOTAL, [split.total])
    pm.Dirichlet(SHARES, np.array(split.shares), dims=PART)


def declare_part(split: JointOnData, key: str, name: str, group: NormalBlock | None, factor: Any, *dims: str) -> Any:
    """Return and register the SDs of a part: a vector, or one number without dims.

    Parameters
    ----------
    key : str
        Of one of its SDs.
    group : NormalBlock or None
        The term, None for the residual.
    factor : symbol or None
        Cholesky factor of the correlations, None without.
    """
    import pymc as pm
    import pytensor.tensor as pt

    model = pm.modelcontext(None)
    place, _ = split.place(key)
    part, share = split.parts[place], model[SHARES][place]
    root = model[TOTAL] * pt.sqrt(share)
    diagonal = np.sqrt(np.diag(part.matrix))
    if group is None or len(part.keys) == 1:
        sds = root / diagonal
        return pm.Deterministic(name, sds if dims else sds[0], dims=dims)
    within = pm.Dirichlet(within_name(group), np.ones(len(part.keys)), shape=len(part.keys))
    plain = pt.sqrt(within) / diagonal
    return pm.Deterministic(name, plain * root / pt.sqrt(_variance(part, plain, factor)), dims=dims)


def _variance(part: Part, sds: Any, factor: Any) -> Any:
    import pytensor.tensor as pt

    if factor is None:
        return pt.sum(np.diag(part.matrix) * sds**2)
    scaled = sds[:, None] * factor
    return pt.sum(part.matrix * (scaled @ scaled.T))
