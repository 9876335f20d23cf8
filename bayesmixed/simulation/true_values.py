"""The true values of a simulation: as the user states them, and what groups and residuals draw from them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import xarray as xr

from bayesmixed.design.design import CUTS, Design, group_covariance
from bayesmixed.draws.linear_predictors import Members
from bayesmixed.errors import SpecError, did_you_mean, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.families.records import Parameter
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.residual_blocks import CORRELATIONS, DIMS, ResidualBlock
from bayesmixed.terms.scaled_matrices import draw_normal
from bayesmixed.terms.tails import tail_factors


def draw_truth(
    design: Design, values: Mapping[str, float], generator: np.random.Generator, ending: str = ""
) -> xr.Dataset:
    """Return the parameters as a Dataset of the posterior's layout; effects are drawn. Messages name variables with an ending."""
    used: set[str] = set()
    absent: list[str] = []

    def take(*keys: str, absent_as: float = 1.0) -> float:
        for key in keys:
            if key in values:
                used.add(key)
                return float(values[key])
        absent.append(keys[0])
        return absent_as

    variables: dict[str, tuple[tuple[str, ...], Array]] = {}
    coords: dict[str, list[str]] = {}
    for predictor in design.predictors.values():
        dim = f"{predictor.beta}_effect"
        if predictor.population.labels:
            coords[dim] = list(predictor.population.labels)
            beta = np.array([take(key, predictor.beta) for key in predictor.names.population(coords[dim])])
            variables[predictor.beta] = ((dim,), beta)
        for group in predictor.normal_blocks:
            for name, value in _group_truth(predictor, group, take, coords, generator):
                variables[name] = value
    for matrix, members in design.correlations():
        if matrix.tied:
            variables |= _tied_truth(matrix, members, variables, take, generator)
    for name in design.numbers:
        known = design.known_errors and name == design.family.scale
        number = 1.0 if known else take(name, absent_as=_between(design.family.parameter(name)))
        _check_number(design, name, number)
        variables[name] = ((), np.asarray(number))
    if design.residual is not None:
        variables |= _residual_truth(design.residual, take)
        coords |= {key: list(design.residual.labels) for key in DIMS} if design.residual.dense else {}
    if design.family.cuts:
        coords["cut"] = design.cut_labels
        variables[CUTS] = (("cut",), np.array([take(name) for name in design.family.cuts]))
    unknown = sorted(set(values) - used)
    if absent:
        refuse_absent([_ended(name, ending) for name in absent])
    if unknown:
        effects = {predictor.b(group) for predictor, group in design.normal_blocks()}
        own = {name: dims for name, (dims, _) in variables.items() if name not in effects}
        accepted = [
            *own,
            *(ParameterKey(name, label) for name, dims in own.items() for label in coords.get((*dims, "")[0], [])),
        ]
        refuse_unknown(_ended(unknown[0], ending), [_ended(name, ending) for name in accepted])
    return xr.Dataset(variables, coords=coords)


def _ended(key: str, ending: str) -> str:
    variable, bracket, rest = str(key).partition("[")
    return f"{variable}{ending}{bracket}{rest}"


def refuse_absent(names: Sequence[str]) -> None:
    """Refuse a simulation without true values of some parameters (SpecError)."""
    every = enumerate_words(list(dict.fromkeys(names)), 12)
    raise SpecError(f"No true value for {every}. Give truth={{...}}, or a line under [simulation.truth].")


def refuse_unknown(name: str, accepted: Iterable[str]) -> None:
    """Refuse the true value of a parameter that a model does not have (SpecError)."""
    raise SpecError(f"The model has no parameter '{name}'. {did_you_mean(name, accepted)}")


def _residual_truth(block: ResidualBlock, take: Callable[..., float]) -> dict[str, tuple[tuple[str, ...], Array]]:
    """Return the true parameters of correlated residuals (SpecError where they are impossible)."""
    ranges = {str(key): one.support(block.structure.width) for key, one in block.parameters.items()}
    values = {key: np.asarray(take(key, absent_as=0.0 if low < 0.0 else 1.0)) for key, (low, _) in ranges.items()}
    for key, (low, high) in ranges.items():
        if not low < values[key] < high:
            raise SpecError(f"The true value of '{key}' is {values[key]:g}, outside its range ({low:.3g}, {high:g}).")
    found: dict[str, tuple[tuple[str, ...], Array]] = {key: ((), value) for key, value in values.items()}
    if not block.dense:
        return found
    if block.free:
        corr = np.eye(block.structure.width)
        for j, second in enumerate(block.labels):
            for i, first in enumerate(block.labels[:j]):
                key = ParameterKey(CORRELATIONS, f"{first}, {second}")
                corr[i, j] = corr[j, i] = take(key, CORRELATIONS, absent_as=0.0)
        if np.linalg.eigvalsh(corr)[0] <= 0.0:
            raise SpecError(
                f"The true values of '{CORRELATIONS}' are no correlations: their matrix is not positive definite."
            )
        values[CORRELATIONS] = corr
    return {**found, CORRELATIONS: (DIMS, block.correlations(values))}


def _group_truth(
    predictor: Predictor,
    group: NormalBlock,
    take: Callable[..., float],
    coords: dict[str, list[str]],
    generator: np.random.Generator,
) -> Iterator[tuple[str, tuple[tuple[str, ...], Array]]]:
    dims, width = predictor.b_dims(group), group.width
    coords |= predictor.coords()
    shared = {column: key for key, column in predictor.distinct_sds(group).items()}
    leading = {column: part.columns[0] for part in group.parts for column in part.columns}
    sd = np.array([take(shared.get(k) or shared[leading[k]], predictor.sd(group)) for k in range(width)])
    # What is not stated is refused later, all of it at once: until then it has a value in its range.
    ranges = {str(key): one.support(s.width) for key, s, one in predictor.structure_parameters(group)}
    inside = {key: 0.0 if low < 0.0 else min(low + 1.0, (low + high) / 2.0) for key, (low, high) in ranges.items()}
    numbers = {key: np.asarray(take(key, absent_as=value), dtype=float) for key, value in inside.items()}
    _check_inside(predictor, group, numbers)
    yield predictor.sd(group), (dims[1:], sd.reshape(group.shape[1:]))
    if group.tied:
        return
    corr = true_correlations(predictor.correlations(group), predictor.structured_correlations(group, numbers), take)
    effects = group.draw_new(group_covariance(np.eye(width), sd, corr), generator)
    effects = effects * predictor.relative_sds(group, numbers)
    if group.heavy:
        effects *= tail_factors(numbers[predictor.names.structure("nu", group.dim)], len(group.levels), generator)
    if group.correlated:
        yield predictor.corr(group), ((dims[1], f"{dims[1]}_2"), corr)
    yield from ((key, ((), value)) for key, value in numbers.items())
    yield predictor.b(group), (dims, effects.reshape(group.shape))


def true_correlations(matrix: CorrelationMatrix, known: Array, take: Callable[..., float]) -> Array:
    """Return known correlations with those that are stated one by one.

    Raises
    ------
    SpecError
        No effects have these correlations.
    """
    found = known.copy()
    for first, second in matrix.pairs:
        key = ParameterKey(matrix.name, f"{matrix.labels[first]}, {matrix.labels[second]}")
        found[first, second] = found[second, first] = take(key, matrix.name, absent_as=0.0)
    if np.linalg.eigvalsh(found)[0] < -1e-9:
        raise SpecError(
            f"The true correlations '{matrix.name}' are not those of any effects: they contradict each other."
        )
    return found


def _tied_truth(
    matrix: CorrelationMatrix,
    members: Members,
    variables: Mapping[str, tuple[tuple[str, ...], Array]],
    take: Callable[..., float],
    generator: np.random.Generator,
) -> dict[str, tuple[tuple[str, ...], Array]]:
    """Return the correlations of effects in several predictors, and these effects."""
    sd = np.concatenate([variables[predictor.sd(group)][1] for predictor, group in members])
    corr = true_correlations(matrix, np.eye(matrix.width), take)
    effects = draw_normal(group_covariance(np.eye(matrix.width), sd, corr), len(members[0][1].levels), generator)
    found: dict[str, tuple[tuple[str, ...], Array]] = {matrix.name: (matrix.dims, corr)}
    for predictor, group in members:
        found[predictor.b(group)] = (predictor.b_dims(group), effects[:, matrix.place(predictor.parameter)])
    return found


def _check_inside(predictor: Predictor, group: NormalBlock, values: Mapping[str, Array]) -> None:
    """Refuse true values of parameters of covariances outside their ranges (SpecError)."""
    for key, structure, parameter in predictor.structure_parameters(group):
        low, high = parameter.support(structure.width)
        if not low < values[key] < high:
            raise SpecError(f"The true value of '{key}' is {values[key]:g}, outside its range ({low:.3g}, {high:g}).")


def _between(parameter: Parameter) -> float:
    """Return some value of a parameter inside of its range."""
    low, high = parameter.lower, parameter.upper
    return 0.5 * (low + high) if np.isfinite(low) and np.isfinite(high) else max(low, 0.0) + 1.0


def _check_number(design: Design, name: str, value: float) -> None:
    """Refuse a true value outside of the range of a parameter (SpecError); shares and the residual scale may be on the border."""
    parameter = design.family.parameter(name)
    low, high = parameter.lower, parameter.upper
    border = (low, high) == (0.0, 1.0) or (name == design.family.scale and value == 0.0)
    if not (low <= value <= high if border else low < value < high):
        raise SpecError(
            f"The true value of '{name}' ({parameter.meaning}) is {value:g}, outside its range ({low:g}, {high:g})."
        )
