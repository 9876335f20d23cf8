"""Simulated data of one response, with the truth that made them."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from bayesmixed.design.design import CUTS, Design
from bayesmixed.draws.residual_draws import draw_responses
from bayesmixed.errors import DataError, SpecError, shorten
from bayesmixed.families import Family
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import count_of
from bayesmixed.formulas.expression_trees import COLUMN, LITERAL
from bayesmixed.formulas.expressions import parse_expression
from bayesmixed.formulas.names import whole_column
from bayesmixed.formulas.notation import as_in_draws
from bayesmixed.parameter_keys import ParameterKey, names_of
from bayesmixed.preparation.categories import as_categories
from bayesmixed.preparation.data_files import take_table, with_columns
from bayesmixed.preparation.preparing import prepare_without_response
from bayesmixed.simulation.rows import lay_out
from bayesmixed.simulation.true_values import draw_truth
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.spec.simulation_plan import SimulationPlan
from bayesmixed.terms.limits import NONE, Censoring

INVERSES: dict[str, Callable[[Array], Array]] = {
    "sqrt": np.square,
    "log": np.exp,
    "log1p": np.expm1,
    "logit": special.expit,
}
"""Functions of a response that can be taken back: `sqrt(y) ~ ...` is simulated on the root scale and squared."""


@dataclass(frozen=True, slots=True, repr=False)
class Simulated:
    """Simulated data.

    Attributes
    ----------
    data : pandas.DataFrame
        Columns that the spec uses, response included.
    truth : xarray.Dataset
        What made them, with the names, dims and coords of the posterior, group effects included.
    """

    data: pd.DataFrame
    truth: xr.Dataset

    def __repr__(self) -> str:
        return f"<Simulated: {len(self.data)} rows; truth of {', '.join(map(str, self.truth.data_vars))}>"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>\n{self.data.head(10).to_html(index=False, escape=True)}"

    def truth_table(self) -> pd.DataFrame:
        """Return the true values as a table: name ("sd_herd[Intercept]"), value."""
        rows = []
        for name, variable in self.truth.data_vars.items():
            for position in np.ndindex(variable.shape):
                labels = [str(variable.coords[dim].values[i]) for dim, i in zip(variable.dims, position, strict=True)]
                rows.append((f"{name}[{', '.join(labels)}]" if labels else str(name), float(variable.values[position])))
        return pd.DataFrame(rows, columns=["name", "value"])


def simulate_response(
    spec: ModelSpec, truth: Mapping[str, float], data: Any, na: Any, generator: np.random.Generator
) -> Simulated:
    """Return data of one response, see `simulate` (SpecError, DataError)."""
    plan = spec.simulation
    frame = rows_of(spec, plan, data, na, generator)
    planned = plan if data is None else None
    part = begin(spec, frame, {**(plan.truth if plan is not None else {}), **truth}, na)
    parameters = draw_truth(part.design, part.values, generator)
    frame = frame.assign(**part.columns(part.draw(parameters, generator)))
    return Simulated(without_some(frame, planned, generator), parameters)


def rows_of(
    spec: ModelSpec, plan: SimulationPlan | None, data: Any, na: Any, generator: np.random.Generator
) -> pd.DataFrame:
    """Return the rows of a simulation without response: those of the data, or laid out by the plan (SpecError)."""
    if data is not None:
        return take_table(spec, data, na)
    if plan is None:
        raise SpecError("The spec has no [simulation] section: give data= with the covariates and groups of the rows.")
    return lay_out(plan, generator)


def without_some(frame: pd.DataFrame, plan: SimulationPlan | None, generator: np.random.Generator) -> pd.DataFrame:
    """Return rows in which as many values are missing as a plan says."""
    for name, count in (plan.missing if plan is not None else {}).items():
        frame[name] = frame[name].astype(object if frame[name].dtype == object else float)
        frame.loc[frame.index[generator.choice(len(frame), count, replace=False)], name] = None
    return frame


@dataclass(frozen=True, slots=True)
class Begun:
    """A response that is to be simulated.

    Attributes
    ----------
    design : Design
        Of the rows, without response and priors.
    values : mapping
        True values by the names of the posterior.
    column : str
        Where the response goes.
    inverse : callable
        From the response of the model to the values of the column.
    """

    design: Design
    values: Mapping[str, float]
    column: str
    inverse: Callable[[Array], Any]

    def draw(self, truth: xr.Dataset, generator: np.random.Generator, residuals: Array | None = None) -> Array:
        """Return responses; of normal ones with given residuals in units of their SD."""
        self.design.needs_bounds("A simulated response")
        return _draw_response(self.design, truth, generator, residuals)

    def columns(self, drawn: Array) -> dict[str, Any]:
        """Return the columns of the data that a response fills."""
        design = self.design
        if design.family.counted:
            return {name: count_of(drawn, number).astype(int) for number, name in enumerate(design.categories, 1)}
        response = self.inverse(drawn.astype(int) if design.family.discrete else drawn)
        if design.categories:
            response = as_categories(drawn, design.categories, ordered=bool(design.family.cuts))
        return {self.column: response, **_uncensored(design.spec.censoring, response)}


def begin(spec: ModelSpec, frame: pd.DataFrame, values: Mapping[str, float], na: Any = ()) -> Begun:
    """Return what is known of a response before it is drawn (SpecError, DataError)."""
    spec = with_columns(spec, frame)
    names = [str(name) for name in frame.columns]
    column, inverse = ("", np.asarray) if spec.counted else _response_column(spec, names)
    design = prepare_without_response(spec, frame, na, _categories_of(spec, values))
    names = [group.name for predictor in design.predictors.values() for group in predictor.normal_blocks]
    return Begun(design, {as_in_draws(key, names): value for key, value in values.items()}, column, inverse)


def _uncensored(censoring: Censoring | None, response: Any) -> dict[str, Any]:
    """Return the columns of censoring of rows that are not censored."""
    if censoring is None:
        return {}
    return {censoring.column: NONE, **({censoring.upper: response} if censoring.upper else {})}


def _categories_of(spec: ModelSpec, values: Mapping[str, float]) -> tuple[str, ...]:
    """Return the categories that the keys of true values name: those without order, "b" of "beta_mu_b[x]", after the
    reference, or those between thresholds."""
    template = spec.family_record.template
    if spec.counted:
        return ()
    if not template:
        return _between_thresholds(spec.family_record, values) if spec.family_record.cuts else ()
    variables = dict.fromkeys(ParameterKey.read(key).variable for key in values)
    start = names_of(f"{template}_", template).beta
    found = [name.removeprefix(start) for name in variables if name.startswith(start)]
    if not found or not spec.reference:
        raise SpecError(
            f'Of categories without order give the reference, such as reference="a", and true values of the coefficients of '
            f'all others, such as truth={{"{start}b": 1}}.'
        )
    return (spec.reference, *found)


def _between_thresholds(family: Family, values: Mapping[str, float]) -> tuple[str, ...]:
    """Return the categories that the true thresholds name: "threshold[low|mid]", "threshold[mid|high]"."""
    keys = {ParameterKey.read(key): value for key, value in values.items()}
    cuts = {key.label or "": value for key, value in keys.items() if key.variable == CUTS}
    pairs = [tuple(label.split("|")) for label in cuts]
    chained = all(len(pair) == 2 for pair in pairs) and all(low[1] == high[0] for low, high in pairwise(pairs))
    falling = family.at_risk is None and np.any(np.diff(list(cuts.values())) <= 0)
    if not pairs or not chained or falling:
        raise SpecError(
            f"The true thresholds must be given in {'the' if family.at_risk else 'increasing'} order"
            f"{' of the categories' if family.at_risk else ''}, each named after its neighbours: "
            f'"threshold[low|mid]" = -1, "threshold[mid|high]" = 1. Given: {dict(cuts) or "none"}.'
        )
    return (pairs[0][0], *(pair[1] for pair in pairs))


def _draw_response(design: Design, truth: xr.Dataset, generator: np.random.Generator, residuals: Array | None) -> Array:
    values: dict[str, Array] = {name: value.values for name, value in design.scalar_draws(truth).items()}
    for name, predictor in design.predictors.items():
        eta = predictor.offset.astype(float).copy()
        if predictor.population.labels:
            eta += predictor.row_matrix @ truth[predictor.beta].values
        for block in predictor.normal_blocks:
            eta += block.contribution(truth[predictor.b(block)].values.reshape(-1, block.width), written=True)
        values[name] = predictor.link.inverse(eta)
    if design.trials is None:
        raise DataError(f"A simulated response needs {design.spec.needed_trials}.")
    design.needs_groups("A simulated response")
    if residuals is not None:
        return values[design.family.first] + values[str(design.family.scale)] * residuals
    return draw_responses(design, truth, values, (design.rows,), generator)


def _response_column(spec: ModelSpec, columns: list[str]) -> tuple[str, Callable[[Array], Any]]:
    """Return the column behind the response, one of the data or a new one, and the function that takes it back to it.

    Raises
    ------
    SpecError
        The expression cannot be taken back.
    """
    text = spec.response.strip()
    whole = whole_column(text, columns)
    if whole is not None:
        return whole, lambda y: y
    unknown = SpecError(
        f"Response '{shorten(text)}' cannot be simulated: it is an expression without a known inverse. Write it as a column, "
        f'or with one of {", ".join(INVERSES)}, or as column == "level".'
    )
    try:
        expression = parse_expression(text)
    except SpecError as error:
        raise unknown from error
    match expression.tree:
        case ast.Name() as name if (column := expression.word(name, COLUMN)) is not None:
            return column, lambda y: y
        case ast.Call(args=[ast.Name() as name]) as call if (
            inverse := INVERSES.get(expression.called(call).removeprefix("np."))
        ) is not None:
            if (column := expression.word(name, COLUMN)) is not None:
                return column, inverse
        case ast.Compare(ast.Name() as name, [ast.Eq()], [ast.Name() as level]):
            column, event = expression.word(name, COLUMN), expression.word(level, LITERAL)
            if column is not None and event is not None:
                return column, lambda y: np.where(np.asarray(y) == 1, event, f"not {event}")
    raise unknown
