"""The DataTree of a fit: which variables it holds, and the data beside them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.design.design import CATEGORY, CUTS, Design
from bayesmixed.design.latent_columns import with_gaps
from bayesmixed.draws.free_draws import HINT
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import as_numbers
from bayesmixed.formulas.notation import safe_name
from bayesmixed.terms.residual_blocks import CORRELATIONS

PROPOSALS = "proposals"
"""Group that holds what a sampler needs to go on."""
_STATISTICS = {
    "diverging": ("diverging", bool),
    "energy": ("energy", float),
    "n_steps": ("n_steps", np.int64),
    "step_size": ("step_size", float),
    "mean_tree_accept": ("acceptance_rate", float),
    "depth": ("tree_depth", np.int64),
    "logp": ("lp", float),
    "log_weight": ("log_weight", float),
}


def draw_names(design: Design) -> tuple[str, ...]:
    """Return the variables that the posterior of a design holds, and nothing else."""
    names: list[str] = []
    for predictor in design.predictors.values():
        names += [predictor.beta] if predictor.population.labels else []
        for group in predictor.normal_blocks:
            names.append(predictor.sd(group))
            names += [predictor.corr(group)] if group.correlated else []
            names += [key for key, _, _ in predictor.structure_parameters(group)]
            names.append(predictor.b(group))
    latent = [name for one in design.latent for name in (*draw_names(one.design), one.imputed)]
    names = list(dict.fromkeys(names))
    own = (
        []
        if design.residual is None
        else [*design.residual.parameters, *([CORRELATIONS] if design.residual.dense else [])]
    )
    scalars = (name + design.ending for name in (*design.numbers, *([CUTS] if design.family.cuts else [])))
    return (*names, *scalars, *own, *latent)


def top_level_names(design: Design) -> tuple[str, ...]:
    """Return the estimated parameters: all variables but the predicted effects of groups and smooths."""
    designs = (design, *(one.design for one in design.latent))
    effects = {predictor.b(group) for one in designs for predictor, group in one.normal_blocks()}
    effects |= {one.imputed for one in design.latent}
    return tuple(name for name in draw_names(design) if name not in effects)


def top_level_numbers(design: Design, posterior: xr.Dataset) -> Iterator[tuple[str, xr.DataArray]]:
    """Yield every estimated number by its name, "beta[x]", each SD and each free correlation once, with the dims of the
    draws alone."""
    designs = (design, *(latent.design for latent in design.latent))
    pairs = [pair for one in designs for pair in one.group_blocks()]
    estimated = {name: matrix.pairs for one in designs for name, matrix in one.matrices.items()}
    sds = {p.sd(group): p.distinct_sds(group) for p, group in pairs if group.structured}
    for name in top_level_names(design):
        if name in estimated and not estimated[name]:
            continue
        if name in sds:
            for key, column in sds[name].items():
                yield key, posterior[name].isel({posterior[name].dims[-1]: column}, drop=True)
            continue
        variable = posterior[name]
        dims = [dim for dim in variable.dims if dim not in ("chain", "draw")]
        for place in np.ndindex(tuple(variable.sizes[dim] for dim in dims)):
            if name in estimated and place[0] >= place[1]:
                continue
            labels = [str(variable[dim].values[i]) for dim, i in zip(dims, place, strict=True)]
            own = variable.isel(dict(zip(dims, place, strict=True)))
            yield f"{name}[{', '.join(labels)}]" if labels else name, own


def as_draws(design: Design, posterior: xr.Dataset, statistics: xr.Dataset) -> xr.DataTree:
    """Return the tree of a fit from what nutpie returns.

    Parameters
    ----------
    posterior, statistics : xarray.Dataset
        With dims chain and draw; variables that are not of the contract are left out.
    """
    kept = posterior[list(draw_names(design))]
    unused = [name for name in kept.coords if name not in kept.dims]
    stats = {new: statistics[old].astype(kind) for old, (new, kind) in _STATISTICS.items() if old in statistics}
    groups = {
        "posterior": kept.drop_vars(unused).assign_attrs(posterior.attrs),
        "sample_stats": xr.Dataset(stats, attrs=statistics.attrs),
        "observed_data": xr.Dataset({design.response_name: label_responses(design, design.response)}),
        "constant_data": constant_data(design),
    }
    return mark_draws(groups)


def mark_draws(groups: Mapping[str, xr.Dataset]) -> xr.DataTree:
    """Return a tree of groups whose attributes say what PyMC's own functions need."""
    posterior = groups["posterior"].assign_attrs(pymc=HINT)
    return xr.DataTree.from_dict({**groups, "posterior": posterior, "/": xr.Dataset(attrs={"pymc": HINT})})


def row_labels(design: Design) -> Any:
    """Return the labels of the rows of a design, those of the data frame; numbers from 0 of streamed rows."""
    return np.arange(design.rows) if design.streamed else np.asarray(design.table.data.index)


def label_responses(design: Design, responses: Any, **coords: Any) -> xr.DataArray:
    """Return responses of the rows of a design, (..., row), counts with a dimension of categories; `coords` are those of the
    dimensions before rows."""
    names = {**coords, "row": row_labels(design)}
    names |= {CATEGORY: list(design.categories)} if design.family.counted else {}
    return xr.DataArray(as_numbers(responses), dims=tuple(names), coords=names)


def constant_data(design: Design) -> xr.Dataset:
    """Return the columns of the data that the spec uses, with dim row; factors carry their levels as an attribute.

    Of streamed rows those of the examples.
    """
    examples = design.examples
    return frame_to_store(with_gaps(examples.table.data, design.latent)).assign_coords(row=row_labels(examples))


def frame_to_store(data: pd.DataFrame) -> xr.Dataset:
    """Return columns with dim row, from which `stored_frame` makes the table again."""
    columns = {}
    for name, column in data.items():
        attributes: dict[str, str] = {"column": str(name)}
        values: Any = column.to_numpy()
        if isinstance(column.dtype, pd.CategoricalDtype):
            attributes |= {"levels": json.dumps([str(value) for value in column.cat.categories])}
            attributes |= {"ordered": "yes"} if column.cat.ordered else {}
            # One object for each level, not for each row.
            values = np.array([str(value) for value in column.cat.categories], dtype=object)[column.cat.codes]
        elif column.dtype == object or isinstance(column.dtype, pd.StringDtype):
            values = column.astype(str).to_numpy(dtype=object)
        columns[safe_name(str(name))] = xr.DataArray(values, dims="row", attrs=attributes)
    return xr.Dataset(columns, coords={"row": np.asarray(data.index)})


def stored_frame(data: xr.Dataset) -> pd.DataFrame:
    """Return the data frame that `constant_data` was made from."""
    columns = {}
    for column in data.data_vars.values():
        values = pd.Series(column.values, index=data["row"].values)
        if "levels" in column.attrs:
            levels, ordered = json.loads(column.attrs["levels"]), "ordered" in column.attrs
            values = values.astype(pd.CategoricalDtype(levels, ordered=ordered))
        columns[column.attrs["column"]] = values
    return pd.DataFrame(columns)


def stacked(variable: xr.DataArray) -> Array:
    """Return draws as an array with one leading axis of all chains' draws."""
    values = variable.transpose("chain", "draw", ...).values
    return np.asarray(values.reshape(-1, *values.shape[2:]))
