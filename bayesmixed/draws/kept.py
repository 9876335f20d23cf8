"""Which draws of large grouping factors a fit keeps."""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.errors import check_choice
from bayesmixed.families.links import Array

STORES = ("auto", "all")
LARGE_EFFECTS = 5_000
LARGE_BYTES = 4e8
THINNED = 400
STATISTICS = ("mean", "sd", "q2.5", "q50", "q97.5")
_BLOCK = 1_000


def check_store(store: str) -> None:
    """Refuse a setting that does not exist.

    Raises
    ------
    SpecError
        It is neither "auto" nor "all".
    """
    check_choice("store={}", store, STORES)


def large_effects(design: Design, draws: int) -> tuple[str, ...]:
    """Return the effects, by name, that are too large to be kept for that many draws over all chains."""
    sizes = {predictor.b(group): len(group.levels) * len(group.labels) for predictor, group in design.group_blocks()}
    return tuple(n for n, size in sizes.items() if size > LARGE_EFFECTS and 8.0 * size * draws > LARGE_BYTES)


def keep_draws(design: Design, draws: xr.DataTree, store: str) -> tuple[xr.DataTree, tuple[str, ...]]:
    """Return the tree without the draws of large effects, and a sentence that says so.

    In their place are group `group_effects` (dim statistic: mean, sd, q2.5, q50, q97.5) and group `posterior_thinned`
    with about 400 draws of all variables, evenly spread. With store "all", or without large effects, nothing changes.
    """
    posterior = draws["posterior"].to_dataset()
    count = posterior.sizes["chain"] * posterior.sizes["draw"]
    large = large_effects(design, count) if store == "auto" else ()
    if not large:
        return draws, ()
    step = max(1, count // THINNED)
    groups = {name: child.to_dataset() for name, child in draws.children.items()}
    groups["group_effects"] = xr.Dataset({name: _summarise(posterior[name]) for name in large})
    groups["posterior_thinned"] = posterior.isel(draw=slice(step - 1, None, step)).copy(deep=True)
    groups["posterior"] = posterior.drop_vars(large)
    unused = [name for name in groups["posterior"].coords if name not in groups["posterior"].dims]
    unused += [d for d in groups["posterior"].dims if not any(d in v.dims for v in groups["posterior"].values())]
    groups["posterior"] = groups["posterior"].drop_vars(unused)
    sentence = (
        f"of {', '.join(large)} the mean, sd, quantiles and every {step}th draw are kept: all {count} draws would take "
        f'{sum(posterior[name].nbytes for name in large) / 2**30:.1f} GiB (store="all" keeps them)'
    )
    return xr.DataTree.from_dict(groups | {"/": xr.Dataset(attrs=draws.attrs)}), (sentence,)


def with_effects(draws: xr.DataTree, names: Iterable[str]) -> xr.Dataset:
    """Return the posterior if it holds the named variables, else the thinned one, which holds all."""
    posterior = draws["posterior"].to_dataset()
    if all(name in posterior for name in names):
        return posterior
    return draws["posterior_thinned"].to_dataset()


def posterior_means(draws: xr.DataTree) -> xr.Dataset:
    """Return the posterior means of all variables, from all draws also where not all are kept."""
    means = draws["posterior"].to_dataset().mean(("chain", "draw"))
    if "group_effects" not in draws.children:
        return means
    return means.merge(draws["group_effects"].to_dataset().sel(statistic="mean", drop=True))


def _summarise(variable: xr.DataArray) -> xr.DataArray:
    """Return mean, sd and quantiles of every element, some elements at a time, since the draws are large."""
    dims = variable.dims[2:]
    values = variable.transpose("chain", "draw", ...).values
    shape = values.shape[2:]
    found = np.empty((len(STATISTICS), *shape))
    for start in range(0, shape[0], _BLOCK):
        part = slice(start, start + _BLOCK)
        found[:, part] = _statistics(values[:, :, part])
    coords = {dim: variable[dim].values for dim in dims} | {"statistic": list(STATISTICS)}
    return xr.DataArray(found, dims=("statistic", *dims), coords=coords)


def _statistics(values: Array) -> Array:
    pooled = values.reshape(-1, *values.shape[2:])
    quantiles = np.quantile(pooled, [0.025, 0.5, 0.975], axis=0)
    return np.stack([pooled.mean(axis=0), pooled.std(axis=0, ddof=1), *quantiles])


def values_of(posterior: xr.Dataset, name: str) -> Array:
    """Return the draws of a variable, (chain, draw, ...)."""
    return np.asarray(posterior[name].transpose("chain", "draw", ...).values)
