"""Draws of several imputed tables in one tree, and what the missing values cost: the variance between the tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayesmixed.draws.tree import PROPOSALS
from bayesmixed.families.links import Array
from bayesmixed.terms.drawn_values import TABLE


def pool_draws(trees: Sequence[xr.DataTree]) -> xr.DataTree:
    """Return the draws of fits of the same model to several tables, the chains of each after those of the one before.

    The data in the tree are those of the first table; a variable says of which table each draw is.
    """
    groups = {}
    for name, child in trees[0].children.items():
        parts = [tree[name].to_dataset() for tree in trees if name in tree.children]
        if name == PROPOSALS or len(parts) < len(trees):
            continue
        if "chain" not in parts[0].dims:
            groups[name] = child.to_dataset()
            continue
        plain = [part.drop_vars("chain", errors="ignore") for part in parts]
        joined = xr.concat(plain, "chain", data_vars="minimal", coords="minimal", compat="override", join="override")
        groups[name] = joined.assign_coords(chain=np.arange(joined.sizes["chain"]))
        if name.startswith("posterior"):
            own = np.repeat(np.eye(len(trees)), [part.sizes["chain"] for part in parts], axis=0)
            whole = np.repeat(own[:, None], joined.sizes["draw"], axis=1)
            groups[name][TABLE] = xr.DataArray(
                whole, dims=("chain", "draw", "table"), coords={"table": np.arange(1, len(trees) + 1)}
            )
    return xr.DataTree.from_dict(groups | {"/": xr.Dataset(attrs=trees[0].attrs)})


def draws_of_table(tree: xr.DataTree, place: int, tables: int) -> xr.DataTree:
    """Return the draws of one of several tables, of which `pool_draws` made the tree."""
    groups = {}
    for name, child in tree.children.items():
        dataset = child.to_dataset()
        if "chain" in dataset.dims:
            chains = dataset.sizes["chain"] // tables
            dataset = dataset.isel(chain=slice(place * chains, (place + 1) * chains)).assign_coords(
                chain=np.arange(chains)
            )
        groups[name] = dataset
    return xr.DataTree.from_dict(groups | {"/": xr.Dataset(attrs=tree.attrs)})


@dataclass(frozen=True, slots=True)
class TableMoments:
    """Rubin's rules for numbers whose draws come from m tables (Rubin 1987, Multiple imputation for nonresponse in surveys).

    Attributes
    ----------
    tables : int
        m.
    mean : array
        Mean over all draws.
    within, between : array
        Mean variance of the draws of a table, and variance between the means of the tables.
    """

    tables: int
    mean: Array
    within: Array
    between: Array

    @property
    def total(self) -> Array:
        """W + (1 + 1/m) B, the variance with what few tables leave unknown."""
        return self.within + (1.0 + 1.0 / self.tables) * self.between

    @property
    def share(self) -> Array:
        """Share of the total variance that is between tables; 0 for numbers that do not vary."""
        return np.asarray((self.total - self.within) / np.where(self.total > 0, self.total, 1.0))

    @property
    def degrees(self) -> Array:
        """Degrees of freedom of the t distribution of a number."""
        with np.errstate(divide="ignore"):
            return np.asarray((self.tables - 1) / self.share**2)

    @property
    def lost(self) -> Array:
        """Fraction of missing information, (r + 2 / (df + 3)) / (r + 1) with r = share / (1 - share)."""
        with np.errstate(divide="ignore"):
            ratio = self.share / (1.0 - self.share)
        return np.asarray((ratio + 2.0 / (self.degrees + 3.0)) / (ratio + 1.0))


def moments_of_tables(draws: Array, tables: int) -> TableMoments:
    """Return the moments of numbers (chain, draw, ...) whose chains are those of the first table, then of the next."""
    each = draws.reshape(tables, -1, *draws.shape[2:])
    means = each.mean(axis=1)
    return TableMoments(tables, means.mean(axis=0), each.var(axis=1, ddof=1).mean(axis=0), means.var(axis=0, ddof=1))
