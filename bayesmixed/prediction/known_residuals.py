"""New rows of groups of the fit with correlated residuals: what the residuals of the fit say about them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.design.design import Design
from bayesmixed.draws.linear_predictors import predictor_given_effects
from bayesmixed.errors import DataError
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import refuse_tables
from bayesmixed.tables.factors import Table
from bayesmixed.terms.residual_blocks import ResidualBlock, build_residual
from bayesmixed.terms.residual_correlations import RESIDUAL, ROWS
from bayesmixed.terms.residual_rows import KnownRows, standardise


@dataclass(frozen=True, slots=True)
class KnownResiduals:
    """Rows to predict that are drawn given the residuals of their groups in the fit.

    Attributes
    ----------
    fitted : Design
        The design of the fit.
    rows : (m,) integer array
        The rows of the fit in these groups.
    groups : tuple of (block, known, new)
        For each group its places, of the rows of the fit first, where these are in `rows`, and its rows to predict.
    """

    fitted: Design
    rows: NDArray[np.intp]
    groups: tuple[tuple[ResidualBlock, NDArray[np.intp], NDArray[np.intp]], ...]

    def at(self, posterior: xr.Dataset) -> Iterator[KnownRows]:
        """Yield what is known of each group in some draws."""
        design, rows = self.fitted, self.rows
        values = {name: draws.values[..., None] for name, draws in design.scalar_draws(posterior).items()}
        for name, predictor in design.predictors.items():
            values[name] = predictor.link.inverse(predictor_given_effects(predictor.take(rows), posterior))
        part = replace(design, observed=design.observed.take(rows))
        residual = standardise(design.family, part.in_rows(values), part.response)
        for block, known, new in self.groups:
            if block.equal and np.any((len(block.units) - 1) * posterior[f"rho_{RESIDUAL}"].values <= -1.0):
                raise DataError(
                    f"'{block.levels[block.units[0]]}' of '{block.name}' has {len(block.units)} rows in the fit and to predict: "
                    'so many cannot be as negatively correlated as some draws say. Predict with groups="new".'
                )
            yield KnownRows(block, residual[..., known], new)


def known_residuals(fit: Fit, rows: Design, modes: Mapping[str, str]) -> KnownResiduals | None:
    """Return what the fit knows of the residuals of rows to predict, None where it knows nothing.

    Groups of the fit are known, unless the effects of their rows are fresh ones (`modes`), rows are told apart by their order
    alone, or a row is at a place of which the fit has a response: then responses are replicates.

    Raises
    ------
    SpecError
        The fit has several tables.
    DataError
        A place has no known correlation with those of the fit.
    """
    fitted, block = fit.design, rows.residual
    if block is None or fitted.residual is None or not block.residual.correlated or block.residual.place == ROWS:
        return None
    if any(mode not in ("existing", "any") for mode in modes.values()):
        return None
    residual = block.residual
    tables = [design.table.data[list(residual.columns)] for design in (fitted, rows)]
    shared = {*fitted.residual.levels} & {block.levels[unit] for unit in block.units}
    before, after = (
        np.flatnonzero([own.levels[unit] in shared for unit in own.units]) for own in (fitted.residual, block)
    )
    both = pd.concat([tables[0].iloc[before], tables[1].iloc[after]], ignore_index=True).astype(
        {name: object for name in residual.columns if not pd.api.types.is_numeric_dtype(tables[0][name])}
    )
    names = np.array(
        [own.levels[unit] for own, chosen in ((fitted.residual, before), (block, after)) for unit in own.units[chosen]]
    )
    repeated = names[pd.DataFrame({"g": names, "p": both[residual.place].astype(str)}).duplicated()]
    kept = ~np.isin(names, repeated)
    if not kept.any():
        return None
    refuse_tables(fit, "A response given the residuals of its group", 'Predict with groups="new".')
    before, after = before[kept[: len(before)]], after[kept[len(before) :]]
    table = replace(fitted.table, data=both[kept].reset_index(drop=True))
    joint = _joint(table, fitted.residual)
    count, groups = len(before), []
    for unit in range(len(joint.levels)):
        own = np.flatnonzero(joint.units == unit)
        groups.append((joint.take(own), own[own < count], after[own[own >= count] - count]))
    return KnownResiduals(fitted, before, tuple(groups))


def _joint(table: Table, fitted: ResidualBlock) -> ResidualBlock:
    """Return the places of rows of the fit and rows to predict together."""
    like = fitted
    if fitted.equal:
        places = tuple((float(place),) for place in range(table.rows))
        like = replace(fitted, structure=replace(fitted.structure, places=places))
    return build_residual(fitted.residual, table, like)
