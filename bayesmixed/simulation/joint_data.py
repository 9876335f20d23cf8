"""Simulated data of several responses: effects that letters tie, and correlated residuals, are drawn together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.design.design import Design, group_covariance
from bayesmixed.design.joint_designs import JointDesign, own_places
from bayesmixed.errors import BayesMixedError, SpecError
from bayesmixed.families.links import Array
from bayesmixed.fits.joint_fits import named_draws
from bayesmixed.formulas.names import expression_columns
from bayesmixed.formulas.notation import as_in_draws
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.preparation.data_files import label_columns
from bayesmixed.preparation.joint_columns import without_dots
from bayesmixed.simulation.simulated_data import Begun, Simulated, begin, rows_of, without_some
from bayesmixed.simulation.true_values import draw_truth, refuse_absent, refuse_unknown, true_correlations
from bayesmixed.spec.joint_specs import RESCOR, JointSpec, dependencies, split_key
from bayesmixed.tables.frames import as_frame, read_table
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.scaled_matrices import draw_normal


def simulate_responses(
    joint: JointSpec, truth: Mapping[str, float], data: Any, na: Any, generator: np.random.Generator
) -> Simulated:
    """Return data of several responses, see `simulate`.

    Raises
    ------
    SpecError, DataError
        As `simulate`; a response depends on another one.
    """
    plan = joint.simulation
    common, own = _by_response({**(plan.truth if plan is not None else {}), **truth}, joint.responses)
    frame = rows_of(joint.models[0], plan, None if data is None else _read(joint, data), (), generator)
    joint = without_dots(joint, frame.assign(**{one: None for one in joint.responses if one not in frame}), na)
    models = dict(zip(joint.responses, joint.models, strict=True))
    names = [*map(str, frame.columns), *joint.responses]
    responses = {column for model in joint.models for column in expression_columns(model.response, names)}
    frame = frame.drop(columns=[name for name in frame.columns if name in responses])  # they are made anew
    for name, read in dependencies(models, names).items():
        if read:
            raise SpecError(
                f"'{read[0]}' stands in the formula of '{name}', and responses are simulated together. Simulate '{read[0]}' "
                f"first, then '{name}' with data= that has it."
            )
    parts: dict[str, Begun] = {}
    for name, model in models.items():
        try:
            parts[name] = begin(model, frame, own[name], na)
        except BayesMixedError as error:
            raise error.after(f"Response '{name}':") from error
    design = JointDesign(joint, {name: part.design for name, part in parts.items()}, {})
    factors = {group.name for part in design.parts.values() for _, group in part.group_blocks()}
    corr = _true_matrices(design, {as_in_draws(key, factors): value for key, value in common.items()})
    truths = {}
    for name, part in parts.items():
        try:
            values = {**part.values, **_blocks(design, corr, name)}
            truths[name] = draw_truth(part.design, values, generator, f"_{name}")
        except BayesMixedError as error:
            raise error.after(f"Response '{name}':") from error
    _draw_effects(design, corr, truths, generator)
    residuals = None
    if joint.rescor:
        residuals = generator.multivariate_normal(np.zeros(len(parts)), corr[RESCOR], size=len(frame))
    for place, (name, part) in enumerate(parts.items()):
        made = part.draw(truths[name], generator, None if residuals is None else residuals[:, place])
        frame = frame.assign(**part.columns(made))
    matrices = design.matrices
    shared = xr.Dataset(
        {name: (matrices[name].dims, values) for name, values in corr.items()},
        coords={dim: list(one.labels) for one in matrices.values() for dim in one.dims},
    )
    return Simulated(
        without_some(frame, plan if data is None else None, generator), named_draws(truths, design, shared)
    )


def _read(joint: JointSpec, data: Any) -> pd.DataFrame:
    """Return the rows that a user gives (DataError if they cannot be read)."""
    if not isinstance(data, str | Path):
        return as_frame(data)
    return read_table(data, text=[name for model in joint.models for name in label_columns(model)])


def _by_response(
    values: Mapping[str, float], responses: tuple[str, ...]
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return true values of the correlations between responses, and those of each response by its own names."""
    common: dict[str, float] = {}
    own: dict[str, dict[str, float]] = {name: {} for name in responses}
    for key, value in values.items():
        name, alone = split_key(key, responses)
        (own[name] if name else common)[alone] = value
    return common, own


def _true_matrices(design: JointDesign, values: Mapping[str, float]) -> dict[str, Array]:
    """Return the true correlations between responses by name (SpecError)."""
    used: set[str] = set()
    absent: list[str] = []

    def take(*keys: str, absent_as: float = 0.0) -> float:
        for key in map(str, keys):
            if key in values:
                used.add(key)
                return float(values[key])
        absent.append(str(keys[0]))
        return absent_as

    matrices = design.matrices
    found = {name: true_correlations(matrix, np.eye(matrix.width), take) for name, matrix in matrices.items()}
    unknown = [key for key in values if key not in used]
    if unknown:
        accepted = [*matrices, *(key for matrix in matrices.values() for key in _pair_keys(matrix).values())]
        several = [f"{variable}_{name}" for variable in ("beta", "sigma") for name in design]
        refuse_unknown(unknown[0], [*accepted, *several])
    if absent:
        refuse_absent(absent)
    return found


def _pair_keys(matrix: CorrelationMatrix) -> dict[tuple[int, int], ParameterKey]:
    return {
        (first, second): ParameterKey(matrix.name, f"{matrix.labels[first]}, {matrix.labels[second]}")
        for first, second in matrix.pairs
    }


def _blocks(design: JointDesign, corr: Mapping[str, Array], response: str) -> dict[str, float]:
    """Return the true correlations within a response that belong to matrices of several, by its own names."""
    found: dict[str, float] = {}
    for name, members in design.members().items():
        matrix = design.matrices[name]
        places = own_places(matrix, members, response)
        for own, _ in design.parts[response].correlations() if places else ():
            if own.term == matrix.term:
                block = corr[name][np.ix_(places, places)]
                found |= {str(key): float(block[pair]) for pair, key in _pair_keys(own).items()}
    return found


def _draw_effects(
    design: JointDesign, corr: Mapping[str, Array], truths: dict[str, xr.Dataset], generator: np.random.Generator
) -> None:
    """Draw the effects that are tied between responses anew, together."""
    for name, members in design.members().items():
        sds, start = [], 0
        for one in members:
            predictor = _predictor(design.parts[one.response], one.parameter)
            sds.append(truths[one.response][predictor.sd(one.group)].values)
        sd = np.concatenate(sds)
        levels = members[0].group.levels
        effects = draw_normal(group_covariance(np.eye(len(sd)), sd, corr[name]), len(levels), generator)
        for one in members:
            predictor, stop = _predictor(design.parts[one.response], one.parameter), start + one.group.width
            own = truths[one.response]
            dims = own[predictor.b(one.group)].dims
            truths[one.response] = own.assign({predictor.b(one.group): (dims, effects[:, start:stop])})
            start = stop


def _predictor(design: Design, parameter: str) -> Any:
    return design.predictors[parameter]
