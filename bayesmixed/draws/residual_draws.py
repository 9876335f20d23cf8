"""Parameters of correlated residuals in every draw of a fit, and responses that are drawn with them."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.draws.kept import values_of
from bayesmixed.families.links import Array
from bayesmixed.terms.residual_blocks import CORRELATIONS, DIMS, ResidualBlock
from bayesmixed.terms.residual_rows import KnownRows, draw_rows

RESIDUALS = "Residual"
"""What residuals are called in tables, beside grouping factors."""


def residual_parameters(block: ResidualBlock, posterior: xr.Dataset) -> dict[str, Array]:
    """Return the parameters of the correlation by name, (chain, draw, 1) or of one set of values (1,); correlations that are
    estimated one by one (chain, draw, K, K)."""
    found: dict[str, Array] = {str(key): np.asarray(posterior[key].values)[..., None] for key in block.parameters}
    return {**found, CORRELATIONS: posterior[CORRELATIONS].transpose(..., *DIMS).values} if block.free else found


def residual_numbers(design: Design, posterior: xr.Dataset) -> Iterator[tuple[str, str, str, Array]]:
    """Yield what the draws say of correlated residuals and of SDs of visits: quantity, second visit, visit, (chain, draw)."""
    block, sds = design.residual, _visit_sds(design, posterior)
    for label, sd in sds.items():
        yield "sd", "", label, sd
        yield "variance", "", label, sd**2
    if block is None:
        return
    for key, one in block.parameters.items():
        yield one.name, "", str(block.residual), values_of(posterior, key)
    if block.free:
        corr = values_of(posterior, CORRELATIONS)
        for i, j in combinations(range(len(block.labels)), 2):
            first, second = block.labels[i], block.labels[j]
            yield "correlation", second, first, corr[..., i, j]
            if first in sds and second in sds:
                yield "covariance", second, first, corr[..., i, j] * sds[first] * sds[second]


def _visit_sds(design: Design, posterior: xr.Dataset) -> dict[str, Array]:
    """Return the residual SD of each visit, where its formula says that each has one and nothing else matters."""
    residual, predictor = design.spec.residual, design.predictors.get(design.family.scale)
    if residual is None or residual.scale_formula is None or predictor is None:
        return {}
    if [f"~ {formula}" for term in design.spec.terms_of(predictor.parameter) or () for formula in term.formulas] != [
        residual.scale_formula
    ]:
        return {}
    values = predictor.link.inverse(values_of(posterior, predictor.beta))
    levels = [label.partition("[")[2].removesuffix("]") for label in predictor.population.labels]
    return {level: values[..., place] for place, level in enumerate(levels)}


def draw_responses(
    design: Design,
    posterior: xr.Dataset,
    values: Mapping[str, Array],
    shape: tuple[int, ...],
    generator: np.random.Generator,
    known: Iterable[KnownRows] = (),
) -> Array:
    """Return responses of the rows of a design at parameters of its family, (..., n), with correlated residuals where it has
    them; of some groups given known residuals."""
    values = design.in_rows(values)
    if design.residual is None:
        return np.asarray(design.family.random(generator, values, design.trials, shape))
    own = residual_parameters(design.residual, posterior)
    return draw_rows(design.residual, own, design.family, values, shape, generator, known)
