"""simulate: data from any spec, with the truth that made them."""

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from bayesmixed.design.design import CUTS, Design
from bayesmixed.draws.residual_draws import draw_responses
from bayesmixed.errors import SpecError, shorten
from bayesmixed.families import Family
from bayesmixed.families.links import Array
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
from bayesmixed.spec.files import as_spec
from bayesmixed.spec.model_spec import ModelSpec
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


def simulate(
    spec: str | Path | ModelSpec,
    *,
    truth: Mapping[str, float] | None = None,
    data: Any = None,
    na: str | float | Iterable[str | float] = (),
    seed: int | None = None,
    **options: Any,
) -> Simulated:
    """Return data drawn from a model at known parameters.

    Parameters
    ----------
    spec : str, Path or ModelSpec
        With a [simulation] section, unless `truth` and `data` are given.
    truth : mapping of str to float, optional
        True values by the names of the posterior ("beta[x]", "sd_g[Intercept]", "corr_g", "sigma"); they replace those
        of the section. `sd_g` and `corr_g` stand for all columns of a term.
    data : data frame, mapping of columns, or path, optional
        Rows whose covariates and groups are kept; a response in them is replaced. By default rows are laid out
        as the section says. No row is censored: a column of statuses is "none".
    na : str, number or list of these
        Codes that mean a missing value in `data`.
    seed : int, optional
        For layout, effects and responses.
    **options
        With a formula: `family`, `priors`, `link`, `links`, `factors`, `crossed`, `empty_cells`, `functions` and formulas of
        further parameters, as for `fit`.

    Raises
    ------
    SpecError
        Nothing says how to lay out the rows, or a parameter has no true value; the message names it.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> simulated = bm.simulate("herd", truth={"sd_herd[Intercept]": 0.5}, seed=1)
    >>> list(simulated.data.columns), len(simulated.data)
    (['herd', 'size', 'incidence'], 56)
    >>> float(simulated.truth["sd_herd"].item())
    0.5
    """
    spec = as_spec(spec, **options)
    generator = np.random.default_rng(seed)
    plan = spec.simulation
    if data is None and plan is None:
        raise SpecError("The spec has no [simulation] section: give data= with the covariates and groups of the rows.")
    frame = lay_out(plan, generator) if data is None and plan is not None else take_table(spec, data, na)
    spec = with_columns(spec, frame)
    column, inverse = _response_column(spec, [str(name) for name in frame.columns])
    values = {**(plan.truth if plan is not None else {}), **(truth or {})}
    design = prepare_without_response(spec, frame, na, _categories_of(spec, values))
    names = [group.name for predictor in design.predictors.values() for group in predictor.normal_blocks]
    values = {as_in_draws(key, names): value for key, value in values.items()}
    parameters = draw_truth(design, values, generator)
    design.needs_bounds("A simulated response")
    drawn = _draw_response(design, parameters, generator)
    response = inverse(drawn.astype(int) if design.family.discrete else drawn)
    if design.categories:
        response = as_categories(drawn, design.categories, ordered=bool(design.family.cuts))
    frame = frame.assign(**{column: response}, **_uncensored(spec.censoring, response))
    for name, count in (plan.missing if plan is not None and data is None else {}).items():
        frame[name] = frame[name].astype(object if frame[name].dtype == object else float)
        frame.loc[frame.index[generator.choice(len(frame), count, replace=False)], name] = None
    return Simulated(frame, parameters)


def _uncensored(censoring: Censoring | None, response: Any) -> dict[str, Any]:
    """Return the columns of censoring of rows that are not censored."""
    if censoring is None:
        return {}
    return {censoring.column: NONE, **({censoring.upper: response} if censoring.upper else {})}


def _categories_of(spec: ModelSpec, values: Mapping[str, float]) -> tuple[str, ...]:
    """Return the categories that the keys of true values name: those without order, "b" of "beta_mu_b[x]", after the
    reference, or those between thresholds."""
    template = spec.family_record.template
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


def _draw_response(design: Design, truth: xr.Dataset, generator: np.random.Generator) -> Array:
    values: dict[str, Array] = {name: value.values for name, value in design.scalar_draws(truth).items()}
    for name, predictor in design.predictors.items():
        eta = predictor.offset.astype(float).copy()
        if predictor.population.labels:
            eta += predictor.row_matrix @ truth[predictor.beta].values
        for block in predictor.normal_blocks:
            eta += block.contribution(truth[predictor.b(block)].values.reshape(-1, block.width), written=True)
        values[name] = predictor.link.inverse(eta)
    design.needs_groups("A simulated response")
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
