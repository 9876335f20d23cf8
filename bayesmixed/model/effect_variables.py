"""The variables of a term in a PyMC model: its effects, their SDs and correlations."""

from functools import partial
from typing import Any

import numpy as np

from bayesmixed.design.centring import CENTRED, HIERARCHICAL, NONCENTRED, Placement
from bayesmixed.design.design import Design
from bayesmixed.model.correlation_variables import declare_correlations
from bayesmixed.model.prior_variables import declare_number, declare_vector
from bayesmixed.model.split_variables import declare_part
from bayesmixed.model.tied_effects import TiedEffects
from bayesmixed.terms.block_parts import RELATED, fixed_correlations
from bayesmixed.terms.blocks import MOST_COLUMNS
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor

INDEPENDENT = "independent_"
"""What the free variable of effects begins with where levels are related."""
COMMON = "common_"
"""What the free variable of SDs begins with where columns share them."""


def declare_effects(
    design: Design, predictor: Predictor, placement: Placement, mean: Any, tied: TiedEffects | None = None
) -> Any:
    """Return the coefficients at the centre, (J, K), effects plus mean, and register effects, SDs and correlations.

    Effects that a letter ties to those of earlier predictors have their distribution given these.
    """
    import pymc as pm
    import pytensor.tensor as pt

    group, parameterisation = placement.group, placement.parameterisation
    as_written = not group.centred
    mark = "" if as_written else "centred_"
    name, written = f"{mark}{predictor.b(group)}", predictor.b(group)
    written_dims = predictor.b_dims(group)
    dims = (written_dims[0], predictor.coordinate_dim(group))[: len(written_dims)]
    sd, factor = _scales(design, predictor, group, mark, tied)
    normal: Any = pm.Normal
    if group.spectrum is not None:
        keyed = {
            one.name: declare_number(key, design.priors[key].prior, *one.support(spectrum.width))
            for key, spectrum, one in predictor.structure_parameters(group)
        }
        sd = sd * group.spectrum.sds(keyed, pt)
        if group.heavy:
            normal = partial(_student, keyed["nu"])
    shift, given = 0.0 if mean is None else mean, 0.0 if tied is None else tied.given(predictor.parameter, sd)
    related = group.takes == RELATED
    size: dict[str, Any] = {"dims": dims}
    if related:
        size = {"shape": (len(group.on_root().levels), len(group.labels))}
    if parameterisation == NONCENTRED:
        z = normal(f"z_{group.dim}{predictor.suffix}", 0.0, 1.0, **size)
        effects = given + (z * sd if factor is None else _times(z, factor, len(group.labels)))
        total = effects + shift
    else:
        inside = shift if parameterisation == HIERARCHICAL else 0.0
        free = f"coefficient_{group.dim}{predictor.suffix}" if parameterisation == HIERARCHICAL else name
        free = f"{INDEPENDENT}{name}" if related else free
        if factor is None:
            drawn = normal(free, inside, sd, **size)
        else:
            drawn = pm.MvNormal(free, mu=inside + given + pt.zeros(len(group.labels)), chol=factor, **size)
        effects = drawn - inside if parameterisation == HIERARCHICAL else drawn
        total = drawn if parameterisation == HIERARCHICAL else drawn + shift
    if related:
        effects = total = pt.stack([group.from_independent(effects[:, k]) for k in range(len(group.labels))], axis=1)
    if (parameterisation != CENTRED or related) and as_written:
        pm.Deterministic(name, effects, dims=dims)
    elif not as_written:
        pm.Deterministic(written, _times(effects, group.transform, len(group.labels)), dims=written_dims)
    if tied is not None:
        tied.keep(predictor, group, effects, sd)
    return total


def _student(degrees: Any, name: str, mean: Any, sd: Any, **size: Any) -> Any:
    """Return effects with a t distribution, given its SD."""
    import pymc as pm
    import pytensor.tensor as pt

    return pm.StudentT(name, nu=degrees, mu=mean, sigma=sd * pt.sqrt((degrees - 2.0) / degrees), **size)


def declare_row_effects(design: Design, predictor: Predictor, placement: Placement, eta: Any) -> Any:
    """Return the (n, 1) observation-level effects; "hierarchical" centres each on the rest of its predictor."""
    import pymc as pm

    group = placement.group
    if placement.parameterisation != HIERARCHICAL:
        return declare_effects(design, predictor, placement, None)
    sd, _ = _scales(design, predictor, group, "", None)
    dims = predictor.b_dims(group)
    rest = (eta + np.zeros(design.rows))[:, None]
    total = pm.Normal(f"coefficient_{group.dim}{predictor.suffix}", rest, sd, dims=dims)
    return pm.Deterministic(predictor.b(group), total - rest, dims=dims)


def _scales(
    design: Design, predictor: Predictor, group: NormalBlock, mark: str, tied: TiedEffects | None
) -> tuple[Any, Any]:
    """Return the SDs at the centre and, where correlations are estimated, the Cholesky factor of the covariance."""
    import pymc as pm
    import pytensor.tensor as pt

    keys = predictor.sd_keys(group)
    name, dims = f"{mark}{predictor.sd(group)}", (predictor.coordinate_dim(group),) if group.labels else ()
    split, matrix = (
        next((j for j in design.joint_priors.values() if j.holds(keys[0])), None),
        predictor.correlations(group),
    )
    if split is not None:
        root = declare_correlations(matrix, design.priors[matrix.name].prior) if group.widest else None
        sd = declare_part(split, keys[0], name, group, root, *dims)
        factor = None if root is None else sd[:, None] * root
        _register_covariance(predictor, group, sd, factor)
        return sd, factor
    sd = _standard_deviations(design, predictor, group, name, dims)
    factor = None
    if tied is not None:
        factor = tied.factor(predictor.parameter, sd)
    elif group.widest and not group.structured:
        prior = design.priors[matrix.name].prior
        if prior.name == "Fixed":
            fixed = fixed_correlations(group.parts, prior.arguments[0])
            pm.Deterministic(matrix.name, pt.as_tensor_variable(fixed), dims=matrix.dims)
            return sd, sd[:, None] * np.linalg.cholesky(fixed)
        factor = sd[:, None] * declare_correlations(matrix, prior)
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
        matrix = predictor.correlations(group)
        found = declare_correlations(matrix, design.priors[matrix.name].prior)
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
    if not group.tied:
        corr = covariance / written[:, None] / written[None, :]
        pm.Deterministic(predictor.corr(group), corr, dims=(dim, f"{dim}_2"))
