"""Effects of new levels of a factor in several responses, drawn together, or given those that are known."""

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design, group_covariance
from bayesmixed.design.joint_designs import JointDesign, Member
from bayesmixed.draws.kept import values_of
from bayesmixed.families.links import Array
from bayesmixed.terms.block_parts import block_diagonal
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.scaled_matrices import draw_normal, scaled_inverse

Drawn = dict[tuple[str, str], Array]
"""Effects at the centre of all levels, (chain, draw, J, K), by parameter and factor."""


def draw_together(
    design: JointDesign,
    rows: Mapping[str, Design],
    posteriors: Mapping[str, xr.Dataset],
    shared: xr.Dataset,
    modes: Mapping[str, str],
    generator: np.random.Generator,
) -> dict[str, Drawn]:
    """Return one draw of new effects that are tied between responses, by response.

    Parameters
    ----------
    rows : mapping
        Rows to predict, laid out for each response.
    posteriors, shared : mapping of Dataset, Dataset
        The draws of each response, and of the correlations between them.
    modes : mapping
        By factor: "new", every level is a fresh one; "any", levels that a response knows keep their effects in it, and those in
        the others are drawn given these; for other modes nothing is drawn.
    """
    found: dict[str, Drawn] = {name: {} for name in design.parts}
    for name, members in design.members().items():
        matrix = design.matrices[name]
        mode = modes.get(matrix.term, "existing")
        if mode not in ("new", "any"):
            continue
        groups = [_group(rows, one) for one in members]
        labels = list(dict.fromkeys(level for group in groups for level in np.array(group.levels)[group.occurs]))
        covariance = joint_covariance(members, posteriors, values_of(shared, name))
        effects = draw_normal(covariance, len(labels), generator)
        if mode == "any":
            effects = _given_known(effects, members, groups, labels, covariance, posteriors, generator)
        start = 0
        for one, group in zip(members, groups, strict=True):
            own = np.zeros((*effects.shape[:2], len(group.levels), group.width))
            places = [place for place, level in enumerate(group.levels) if level in labels]
            taken = [labels.index(group.levels[place]) for place in places]
            own[..., places, :] = effects[..., taken, start : start + group.width]
            start += group.width
            found[one.response][one.parameter, group.name] = own
    return found


def _group(rows: Mapping[str, Design], one: Member) -> GroupBlock:
    return next(group for group in rows[one.response].predictors[one.parameter].groups if group.name == one.group.name)


def joint_covariance(members: Sequence[Member], posteriors: Mapping[str, xr.Dataset], corr: Array) -> Array:
    """Return the covariance matrices at the centre of the effects of a level in all responses, (chain, draw, W, W)."""
    sd = np.concatenate(
        [values_of(posteriors[one.response], _name(one, one.predictor.sd(one.group))) for one in members], -1
    )
    back = reduce(block_diagonal, [scaled_inverse(one.group.transform) for one in members])
    return group_covariance(back, sd, corr)


def _name(one: Member, name: str) -> str:
    """Return the name of a variable of a member in the draws of its response."""
    return name.removesuffix(f"_{one.response}")


def _given_known(
    effects: Array,
    members: Sequence[Member],
    groups: Sequence[GroupBlock],
    labels: Sequence[str],
    covariance: Array,
    posteriors: Mapping[str, xr.Dataset],
    generator: np.random.Generator,
) -> Array:
    """Return effects of which those that a response knows are known, and the others drawn given these."""
    known = np.zeros((len(labels), effects.shape[-1]), dtype=bool)
    values, start = effects.copy(), 0
    for one, group in zip(members, groups, strict=True):
        own = values_of(posteriors[one.response], _name(one, one.predictor.b(one.group)))
        centred = own @ scaled_inverse(one.group.transform).T
        stop, levels = start + group.width, group.levels[: group.known]
        for place, label in enumerate(labels):
            if label in levels:
                values[..., place, start:stop] = centred[..., levels.index(label), :]
                known[place, start:stop] = True
        start = stop
    for pattern in np.unique(known, axis=0):
        levels_of = np.flatnonzero((known == pattern).all(axis=1))
        given, open_ = np.flatnonzero(pattern), np.flatnonzero(~pattern)
        if len(given) and len(open_):
            inner, cross = covariance[..., given[:, None], given], covariance[..., given[:, None], open_]
            weights = np.linalg.solve(inner, cross)
            left = covariance[..., open_[:, None], open_] - np.swapaxes(weights, -1, -2) @ cross
            drawn = draw_normal(left, len(levels_of), generator)
            mean = values[..., levels_of[:, None], given] @ weights
            values[..., levels_of[:, None], open_] = mean + drawn
    return values
