"""Draws some at a time, so that arrays of draws by rows stay small: the budget of memory is stated here alone."""

from collections.abc import Iterator

import xarray as xr

from bayesmixed.errors import SpecError

NUMBERS = 500_000
"""Draws times rows of one array at most, 4 MB, but at least one draw."""
KEPT = 20_000_000
"""Draws times rows of what is kept of one computation at most, 160 MB; of more, some at a time."""
_LARGEST = 0.5
"""Share of the memory of the machine that one result can take."""


def split_draws(posterior: xr.Dataset, rows: int, times: int = 1) -> Iterator[xr.Dataset]:
    """Yield some draws of all chains, then further ones; several times as many as the budget allows if asked for."""
    size = max(1, times * NUMBERS // max(1, rows * posterior.sizes["chain"]))
    for start in range(0, posterior.sizes["draw"], size):
        yield posterior.isel(draw=slice(start, start + size))


def are_kept(posterior: xr.Dataset, rows: int) -> bool:
    """Return whether a number for each draw and row may be kept while others are computed."""
    return rows * posterior.sizes["chain"] * posterior.sizes["draw"] <= KEPT


def most_rows(posterior: xr.Dataset) -> int:
    """Return how many rows fit into the budget with all draws, at least one."""
    return max(1, NUMBERS // (posterior.sizes["chain"] * posterior.sizes["draw"]))


def chain_pieces(posterior: xr.Dataset, rows: int) -> Iterator[tuple[slice, slice]]:
    """Yield slices of chains and of draws that cover all draws in their order, chain by chain: what is random comes from
    the same numbers as all at once."""
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    if rows * chains * draws <= NUMBERS:
        yield slice(None), slice(None)
        return
    size = max(1, NUMBERS // rows)
    for chain in range(chains):
        for start in range(0, draws, size):
            yield slice(chain, chain + 1), slice(start, start + size)


def refuse_large(posterior: xr.Dataset, rows: int, what: str) -> None:
    """Refuse a result with a number for each draw and row that would not fit into the memory of this machine (SpecError)."""
    total, memory = posterior.sizes["chain"] * posterior.sizes["draw"], machine_memory()
    if memory is not None and 8 * total * rows > _LARGEST * memory:
        affordable = max(1, int(_LARGEST * memory / (8 * rows)))
        raise SpecError(
            f"{what} of {total:,} draws for {rows:,} rows take {8 * total * rows / 2**30:.0f} GiB; this machine has "
            f"{memory / 2**30:.0f}. Ask for fewer draws, draws={min(1000, affordable)}, or for some rows at a time."
        )


def machine_memory() -> int | None:
    """Return the memory of this machine in bytes, None where the system does not say."""
    import os

    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
