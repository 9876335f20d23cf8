"""Correlated residuals in a PyMC model: their parameters, and the joint distribution of the rows of all groups."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.families.links import Array
from bayesmixed.model.correlation_variables import declare_correlations
from bayesmixed.model.prior_variables import declare_number
from bayesmixed.terms.residual_blocks import CORRELATIONS, DIMS, ResidualBlock
from bayesmixed.terms.residual_rows import draw_rows, given_earlier


def observe_correlated(design: Design, block: ResidualBlock, values: Mapping[str, Any]) -> Any:
    """Return the responses of all rows as one variable, given the parameters of the family; its density is one number."""
    import pymc as pm
    import pytensor.tensor as pt

    family, count, width = design.family, design.rows, block.structure.width
    own = _declare_parameters(design, block)
    rows = {name: values[name] + pt.zeros(count) for name in values}
    numbers = {name: value.flatten() if name == CORRELATIONS else value for name, value in own.items()}

    def read(arguments: tuple[Any, ...], single: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        given = dict(zip((*rows, *numbers), arguments, strict=True))
        parameters = {name: given[name] if single else np.asarray(given[name])[..., None] for name in own}
        if CORRELATIONS in own:
            flat = given[CORRELATIONS]
            parameters[CORRELATIONS] = flat.reshape((*(() if single else np.shape(flat)[:-1]), width, width))
        return {name: given[name] for name in rows}, parameters

    def density(y: Any, *arguments: Any) -> Any:
        parameters, correlation = read(arguments, single=True)
        given = given_earlier(block, correlation, family, parameters, y, pt)
        rowwise = getattr(pm, family.distribution).dist(**family.arguments(given, 1.0))
        return pm.logp(rowwise, y).sum()

    def random(*arguments: Any, rng: np.random.Generator, size: Any) -> Array:
        parameters, correlation = read(arguments, single=False)
        return draw_rows(block, correlation, family, parameters, (*(size or ()), count), rng)

    inputs = [*("(n)" for _ in rows), *("(c)" if name == CORRELATIONS else "()" for name in numbers)]
    return pm.CustomDist(
        design.response_name,
        *rows.values(),
        *numbers.values(),
        logp=density,
        random=random,
        signature=f"{','.join(inputs)}->(n)",
        observed=np.asarray(design.response),
        dims="row",
    )


def _declare_parameters(design: Design, block: ResidualBlock) -> dict[str, Any]:
    """Return the parameters of the correlation; of visits whose correlations form a matrix this one."""
    import pymc as pm
    import pytensor.tensor as pt

    width = block.structure.width
    if block.free:
        root = declare_correlations(block.matrix, design.priors[CORRELATIONS].prior)
        return {CORRELATIONS: pm.Deterministic(CORRELATIONS, root @ root.T, dims=DIMS)}
    own: dict[str, Any] = {
        key: declare_number(key, design.priors[key].prior, *one.support(width)) for key, one in block.parameters.items()
    }
    if not block.dense:
        return own
    values = {one.name: own[key].dimshuffle("x", "x") for key, one in block.parameters.items()}
    root = block.structure.root(values, pt)
    return {CORRELATIONS: pm.Deterministic(CORRELATIONS, root @ root.T, dims=DIMS)}
