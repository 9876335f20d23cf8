"""Frozen proposals, and the last states of their chains, as arrays that a file can keep."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from bayesmixed.engines.independence import Chain, End, Target
from bayesmixed.engines.proposals import PARTS, Proposal
from bayesmixed.errors import DataError

_DIMS = {
    "share": ("chain", "part"),
    "kind": ("chain", "part"),
    "natural": ("chain", "part"),
    "folded": ("chain", "part", "coordinate"),
    "root": ("chain", "part", "coordinate", "coordinate_2"),
    "length": ("chain", "part"),
    "table": ("chain", "entry", "coordinate"),
    "point": ("chain", "coordinate"),
    "kept": ("chain", "other"),
    "log_density": ("chain",),
    "log_weight": ("chain",),
}


def as_dataset(ends: Sequence[End]) -> xr.Dataset:
    """Return the ends of chains as arrays; the tables of the parts of a proposal stand below each other."""
    found = [_as_arrays(end) for end in ends]
    return xr.Dataset({name: (dims, np.array([one[name] for one in found])) for name, dims in _DIMS.items()})


def _as_arrays(end: End) -> dict[str, object]:
    parts, state = end.proposal.parts, end.state
    places = np.arange(len(end.proposal.scales.powers))
    return {
        "share": end.proposal.shares,
        "kind": [PARTS.index(type(part)) for part in parts],
        "natural": [int(part.natural) for part in parts],
        "folded": [np.isin(places, part.folded).astype(int) for part in parts],
        "root": [part.root for part in parts],
        "length": [len(part.table) for part in parts],
        "table": np.concatenate([part.table for part in parts]),
        "point": state.points[0],
        "kept": state.kept[0],
        "log_density": state.logs[0],
        "log_weight": state.weights[0],
    }


def read_ends(stored: xr.Dataset, target: Target, chains: int) -> tuple[End, ...]:
    """Return the ends of chains that `as_dataset` made arrays of.

    Raises
    ------
    DataError
        The arrays are not those of proposals for this target: they come from a file.
    """
    try:
        _check(stored, target, chains)
        return tuple(_read_end(stored.isel(chain=chain), target) for chain in range(chains))
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"The proposals that this fit holds do not belong to its model ({error}). Sample it again: bm.refit(fit)."
        ) from error


def _check(stored: xr.Dataset, target: Target, chains: int) -> None:
    for name, dims in _DIMS.items():
        if stored[name].dims != dims:
            raise ValueError(f"'{name}' has other dims")
        if not np.all(np.isfinite(stored[name].values)):
            raise ValueError(f"'{name}' is not finite")
    sizes = {"chain": chains, "coordinate": len(target.scales.powers), "other": target.kept}
    if any(stored.sizes[name] != size for name, size in sizes.items()):
        raise ValueError("other numbers of chains or coordinates")
    roots, shares = stored["root"].values, stored["share"].values
    if np.any(np.triu(roots, 1)) or np.any(np.diagonal(roots, axis1=-2, axis2=-1) <= 0.0):
        raise ValueError("a root is not lower triangular")
    if np.any(shares < 0.0) or not np.allclose(shares.sum(axis=1), 1.0):
        raise ValueError("shares do not add up to 1")


def _read_end(one: xr.Dataset, target: Target) -> End:
    tables = np.split(one["table"].values, np.cumsum(one["length"].values)[:-1])
    own = zip(one["kind"].values, tables, one["root"].values, one["natural"].values, one["folded"].values, strict=True)
    parts = tuple(
        PARTS[kind].read(table, root, bool(natural), np.flatnonzero(folded))
        for kind, table, root, natural, folded in own
    )
    point, kept, log, weight = (one[name].values[None] for name in ("point", "kept", "log_density", "log_weight"))
    return End(Proposal(target.scales, parts, one["share"].values), Chain(point, kept, log, weight, np.ones(1)))
