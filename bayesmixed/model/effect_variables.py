"""The variables of a term in a PyMC model: its effects, their SDs and correlations."""

from typing import Any

import numpy as np

from bayesmixed.design.centring import CENTRED, HIERARCHICAL, NONCENTRED, Placement
from bayesmixed.design.design import Design
from bayesmixed.model.prior_variables import declare_number, declare_vector
from bayesmixed.model.split_variables import declare_part
from bayesmixed.terms.block_parts import RELATED, fixed_correlations
from bayesmixed.terms.blocks import MOST_COLUMNS
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor

INDEPENDENT = "independent_"
"""What the free variable of effects begins with where levels are related."""
COMMON = "common_"
"""What the free variable of SDs begins with where columns share them."""


def declare_effects(design: Design, predictor: Predictor, placement: Placement, mean: Any) -> Any:
    """Return the coefficients at the centre, (J, K), effects plus mean, and register effects, SDs and correlations."""
    import pymc as pm
    import pytensor.tensor as pt

    group, parameterisation = placement.group, placement.parameterisation
    as_written = not group.centred
    mark = "" if as_written else "centred_"
    name, written = f"{mark}{predictor.b(group)}", predictor.b(group)
    written_dims = predictor.b_dims(group)
    dims = (written_dims[0], predictor.coordinate_dim(group))[: len(written_dims)]
    sd, factor = _scales(design, predictor, group, mark)
    if group.spectrum is not None:
        keyed = {
            one.name: declare_number(key, design.priors[key].prior, *one.support(spectrum.width))
            for key, spectrum, one in predictor.structure_parameters(group)
        }
        sd = sd * group.spectrum.sds(keyed, pt)
    shift = 0.0 if mean is None else mean
    related = group.takes == RELATED
    size: dict[str, Any] = {"dims": dims}
    if related:
        size = {"shape": (len(group.on_root().levels), len(group.labels))}
    if parameterisation == NONCENTRED:
        z = pm.Normal(f"z_{group.dim}{predictor.suffix}", 0.0, 1.0, **size)
        effects = z * sd if factor is None else _times(z, factor, len(group.labels))
        total = effects + shift
    else:
        inside = shift if parameterisation == HIERARCHICAL else 0.0
        free = f"coefficient_{group.dim}{predictor.suffix}" if parameterisation == HIERARCHICAL else name
        free = f"{INDEPENDENT}{name}" if related else free
        if factor is None:
            drawn = pm.Normal(free, inside, sd, **size)
        else:
            drawn = pm.MvNormal(free, mu=inside + pt.zeros(len(group.labels)), chol=factor, **size)
        effects = drawn - inside if parameterisation == HIERARCHICAL else drawn
        total = drawn if parameterisation == HIERARCHICAL else drawn + shift
    if related:
        effects = total = pt.stack([group.from_independent(effects[:, k]) for k in range(len(group.labels))], axis=1)
    if (parameterisation != CENTRED or related) and as_written:
        pm.Deterministic(name, effects, dims=dims)
    elif not as_written:
        pm.Deterministic(written, _times(effects, group.transform, len(group.labels)), dims=written_dims)
    return total


def declare_row_effects(design: Design, predictor: Predictor, placement: Placement, eta: Any) -> Any:
    """Return the (n, 1) observation-level effects; "hierarchical" centres each on the rest of its predictor."""
    import pymc as pm

    group = placement.group
    if placement.parameterisation != HIERARCHICAL:
        return declare_effects(design, predictor, placement, None)
    sd, _ = _scales(design, predictor, group, "")
    dims = predictor.b_dims(group)
    rest = (eta + np.zeros(design.rows))[:, None]
    total = pm.Normal(f"coefficient_{group.dim}{predictor.suffix}", rest, sd, dims=dims)
    return pm.Deterministic(predictor.b(group), total - rest, dims=dims)


def _scales(design: Design, predictor: Predictor, group: NormalBlock, mark: str) -> tuple[Any, Any]:
    """Return the SDs at the centre and, where correlations are estimated, the Cholesky factor of the covariance."""
    import pymc as pm
    import pytensor.tensor as pt

    keys = predictor.sd_keys(group)
    name, dims = f"{mark}{predictor.sd(group)}", (predictor.coordinate_dim(group),) if group.labels else ()
    split, corr = next((j for j in design.joint_priors.values() if j.holds(keys[0])), None), predictor.corr(group)
    if split is not None:
        root = _correlation_factor(corr, group, design.priors[corr].prior.arguments[0]) if group.widest else None
        sd = declare_part(split, keys[0], name, group, root, *dims)
        factor = None if root is None else sd[:, None] * root
        _register_covariance(predictor, group, sd, factor)
        return sd, factor
    sd = _standard_deviations(design, predictor, group, name, dims)
    factor = None
    if group.widest and not group.structured:
        prior = design.priors[corr].prior
        if prior.name == "Fixed":
            fixed = fixed_correlations(group.parts, prior.arguments[0])
            dim = predictor.effect_dim(group)
            pm.Deterministic(corr, pt.as_tensor_variable(fixed), dims=(dim, f"{dim}_2"))
            return sd, sd[:, None] * np.linalg.cholesky(fixed)
        factor = sd[:, None] * _correlation_factor(corr, group, prior.arguments[0])
    elif group.correlated:
        factor = sd[:, None] * _structured_factor(design, predictor, group)
    _register_covariance(predictor, group, sd, factor)
    return sd, factor


def _standard_deviations(
    design: Design, predictor: Predictor, group: NormalBlock, name: str, dims: tuple[str, ...]
) -> Any:
    """Return the SDs of all columns; where columns share one, the distinct ones are the free variable."""
    import pymc as pm

    keys, places = predictor.sd_keys(group), predictor.sd_places(group)
    priors = [design.priors[key].prior for key in places]
    if len(places) == len(keys):
        return declare_vector(name, priors, *dims)
    distinct = declare_vector(f"{COMMON}{name}", priors, predictor.distinct_dim(group))
    return pm.Deterministic(name, distinct[[list(places).index(key) for key in keys]], dims=dims)


def _structured_factor(design: Design, predictor: Predictor, group: NormalBlock) -> Any:
    """Return the (K, K) Cholesky factor of the correlations of columns of which some have a structure."""
    import pytensor.tensor as pt

    found: Any = pt.eye(group.width)
    if group.widest:
        key = predictor.corr(group)
        prior = design.priors[key].prior
        found = (
            pt.as_tensor_variable(np.linalg.cholesky(fixed_correlations(group.parts, prior.arguments[0])))
            if prior.name == "Fixed"
            else _correlation_factor(key, group, prior.arguments[0])
        )
    values = {
        key: declare_number(key, design.priors[key].prior, *parameter.support(structure.width))
        for key, structure, parameter in predictor.structure_parameters(group)
    }
    blocks = []
    for part in group.parts:
        first, last, structure = part.columns[0], part.columns[-1] + 1, part.structure
        if structure is not None and structure.correlated:
            own = {p.name: values[predictor.names.structure(p.name, group.dim)] for p in structure.parameters}
            root = structure.root({name: value.dimshuffle("x", "x") for name, value in own.items()}, pt)
        else:
            root = found[first:last, first:last]
        if len(group.parts) == 1:
            return root
        beside = (pt.zeros((last - first, first)), root, pt.zeros((last - first, group.width - last)))
        blocks.append(pt.concatenate(beside, axis=1))
    return pt.concatenate(blocks, axis=0)


def _times(effects: Any, matrix: Any, size: int) -> Any:
    """Return effects @ matrix.T, built by columns: nutpie stores the product itself in the wrong memory order."""
    import pytensor.tensor as pt

    if size > MOST_COLUMNS:
        return pt.sum(effects[:, None, :] * matrix[None, :, :], axis=2)
    columns = [pt.sum(effects * matrix[i], axis=1) for i in range(size)]
    return pt.stack(columns, axis=1)


def _register_covariance(predictor: Predictor, group: NormalBlock, sd: Any, factor: Any) -> None:
    """Register the correlation matrix, and the SDs if they are stated elsewhere than as written."""
    import pymc as pm
    import pytensor.tensor as pt

    if factor is None:
        return
    dim = predictor.effect_dim(group)
    scaled = group.transform @ factor
    covariance = scaled @ scaled.T
    written = sd
    if group.centred:
        written = pm.Deterministic(predictor.sd(group), pt.sqrt(pt.diag(covariance)), dims=dim)
    corr = covariance / written[:, None] / written[None, :]
    pm.Deterministic(predictor.corr(group), corr, dims=(dim, f"{dim}_2"))


def _correlation_factor(name: str, group: NormalBlock, concentration: float) -> Any:
    """Return the (K, K) Cholesky factor of the correlation matrix of a group's columns.

    The partial correlations of a canonical vine are independent symmetric Beta variables under the LKJ distribution
    (Lewandowski, Kurowicka & Joe 2009, J Multivar Anal 100:1989). Unlike `pm.LKJCholeskyCov` this has correct forward
    draws, and leaves the SDs free to have priors of different families.
    """
    import pymc as pm
    import pytensor.tensor as pt

    size = len(group.labels)
    rows: list[list[Any]] = [[float(i == j) for j in range(size)] for i in range(size)]
    for number, part in enumerate(part for part in group.parts if part.correlated):
        width = len(part.columns)
        levels = [column for row in range(1, width) for column in range(row)]
        shape = concentration + (width - 2 - np.array(levels)) / 2.0
        partial = (
            2.0 * pm.Beta(f"partial_{name}" + (f"_{number + 1}" if number else ""), shape, shape, shape=len(levels))
            - 1.0
        )
        at = 0
        for i in range(1, width):
            left: Any = 1.0
            for j in range(i):
                rows[part.columns[i]][part.columns[j]] = partial[at] * pt.sqrt(left)
                left = left * (1.0 - partial[at] ** 2)
                at += 1
            rows[part.columns[i]][part.columns[i]] = pt.sqrt(left)
    return pt.stack([pt.stack([pt.as_tensor_variable(value) for value in row]) for row in rows])
