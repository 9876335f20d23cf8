"""Smooths: their curves, and how many degrees of freedom these use."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.design.independent_levels import with_independent_levels
from bayesmixed.design.row_likelihoods import likelihood_of_rows
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import labelled
from bayesmixed.draws.linear_predictors import covariances_at_centre, effects_of
from bayesmixed.draws.tree import stacked
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import some_draws
from bayesmixed.prediction.predicting import predict
from bayesmixed.terms.curve_block import CurveBlock
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.scaled_matrices import matrix_root

DRAWS = 200
LARGEST = 1500


@takes_drawn_values(tables="columns")
def smooth_effects(fit: Fit, draws: int = DRAWS) -> pd.DataFrame:
    """Return how wiggly each curve of each smooth is.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    draws : int
        Number of draws for the effective degrees of freedom; each takes a matrix inversion.

    Returns
    -------
    pandas.DataFrame
        Columns term ("s(x)", "s(x):sward"), level (of the factor that has a curve for each level), effect, mean, sd,
        lower, upper (95 %), mcse. Effects:

        - "edf": effective degrees of freedom, the trace of the rows of the smoother matrix that belong to the curve
          (Wood 2017, section 6.1.2), given the SDs of a draw: 1 a straight line (2 a plane), k - 1 no penalty. Only for
          the first parameter, where the expected information is known, and up to 1,500 coefficients;
          `attrs["note"]` says so.
        - "sd": SD of the curve around a straight line, or of the surface around a plane, over the rows of the fit, on the
          scale of the link.

    Raises
    ------
    SpecError
        The model has no smooth.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> fit = bm.fit("Reaction ~ s(Days, k=4) + (1 | Subject)", data, draws=100, seed=1, progress=False)
    >>> bm.smooth_effects(fit, draws=20)[["term", "effect"]]
          term effect
    0  s(Days)    edf
    1  s(Days)     sd
    """
    tables, notes = [], []
    for predictor, curve in _curves(fit):
        term, levels = f"{curve.name}{predictor.suffix}", curve.labels or ("",)
        if predictor is not fit.design.mu:
            notes.append(f"no edf for {term}: it is not part of {fit.design.mu.parameter}")
        tables.append(labelled(fit.posterior[predictor.sd(curve)], term, levels, ["sd"]))
        further = [(key, one.name) for key, _, one in predictor.structure_parameters(curve)]
        tables += [labelled(fit.posterior[key], term, [""], [name]) for key, name in further]
    size = sum(block.size for block in fit.design.mu.normal_blocks)
    if fit.design.mu.curves and size <= LARGEST:
        tables = [*_edf_tables(fit, draws), *tables]
    elif fit.design.mu.curves:
        notes.append(f"no edf: {size} coefficients are more than {LARGEST}")
    table = pd.concat(tables, ignore_index=True)
    table.attrs |= {"note": "; ".join(notes)} if notes else {}
    return as_result(table)


@takes_drawn_values(tables="columns")
def smooth_curves(fit: Fit, smooth: str | None = None, *, points: int = 100) -> pd.DataFrame:
    """Return the curves of a smooth over a grid of its covariate, on the scale of the link.

    A curve adds up to zero over the rows of the fit, unless it multiplies a number: then it is the coefficient of that
    number.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    smooth : str, optional
        Its name, "s(x)", "s(x):sward", "s(x)_sigma"; the first one if not given.
    points : int
        Size of the grid, over the range that each curve was fitted to.

    Returns
    -------
    pandas.DataFrame
        Columns term, level, x, mean, sd, lower, upper (95 %, pointwise), mcse.

    Raises
    ------
    SpecError
        The model has no such smooth.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> fit = bm.fit("Reaction ~ s(Days, k=4) + (1 | Subject)", data, draws=100, seed=1, progress=False)
    >>> bm.smooth_curves(fit, points=3)[["term", "x"]]
          term    x
    0  s(Days)  0.0
    1  s(Days)  4.5
    2  s(Days)  9.0
    """
    predictor, block = find_smooth(fit, smooth)
    refuse_surface(block)
    term, tables = f"{block.name}{predictor.suffix}", []
    for curve, label in enumerate(block.labels or ("",)):
        low, high = block.ranges[curve]
        grid = np.linspace(low, high, points)
        values = evaluate_curve(predictor, block, fit.posterior, curve, grid)
        table = labelled(xr.DataArray(values, dims=("chain", "draw", "point")), term, [label], [""] * points)
        table.insert(2, "x", grid)
        tables.append(table.drop(columns="effect"))
    return as_result(pd.concat(tables, ignore_index=True))


def find_smooth(fit: Fit, name: str | None) -> tuple[Predictor, CurveBlock]:
    """Return the smooth of that name, the first one for None; SpecError if absent."""
    found = {f"{curve.name}{predictor.suffix}": (predictor, curve) for predictor, curve in _curves(fit)}
    if name is not None and name not in found:
        raise SpecError(f"Smooth '{name}' is not in the model. {did_you_mean(name, found)}")
    return found[name] if name is not None else next(iter(found.values()))


def refuse_surface(block: CurveBlock) -> None:
    """Refuse a smooth of two covariates where a curve is asked for (SpecError)."""
    if block.dimensions > 1:
        effect = ":".join(block.covariate.split(", "))
        raise SpecError(f"{block.name} is a surface, not a curve. Its picture: bm.plot_surface(fit, '{effect}').")


def evaluate_curve(predictor: Predictor, block: CurveBlock, posterior: xr.Dataset, curve: int, x: Array) -> Array:
    """Return one curve of a smooth at values of its covariate, line included, (chain, draw, m)."""
    rows = block.along(curve, x)
    values = rows.contribution(effects_of(predictor, block, posterior))
    if block.line_labels:
        beta = posterior[predictor.beta].sel({f"{predictor.beta}_effect": list(block.line_labels)})
        values = values + beta.transpose("chain", "draw", ...).values @ rows.line_matrix.T
    return np.asarray(values)


def _curves(fit: Fit) -> Iterator[tuple[Predictor, CurveBlock]]:
    found = [(predictor, curve) for predictor in fit.design.predictors.values() for curve in predictor.curves]
    if not found:
        raise SpecError("The model has no smooth: add a term such as s(x).")
    yield from found


def _edf_tables(fit: Fit, draws: int) -> Iterator[pd.DataFrame]:
    """Yield for each smooth of the first parameter the rows of its effective degrees of freedom."""
    posterior = some_draws(fit, draws)
    diagonals = _diagonals(fit, posterior, draws)
    predictor = fit.design.mu
    place = len(predictor.keys)
    for block in predictor.curves:
        own = diagonals[:, place : place + block.size].reshape(len(diagonals), -1, block.curves).sum(axis=1)
        # Columns that are not penalised count whole.
        own = own + len(block.line_labels) / block.curves
        values = own.reshape(posterior.sizes["chain"], posterior.sizes["draw"], block.curves)
        draws_of = xr.DataArray(values, dims=("chain", "draw", "curve"))
        yield labelled(draws_of, block.name, block.labels or [""], ["edf"])
        place += block.size


def _diagonals(fit: Fit, posterior: xr.Dataset, draws: int) -> Array:
    """Return the diagonals of (C'WC + P)^-1 C'WC at each draw, (S, coefficients); population coefficients are free.

    Coefficients are scaled by the root of their covariance, which leaves the sums over a term as they are: SDs of zero
    are then ordinary points.
    """
    from scipy import sparse

    predictor = with_independent_levels(fit.design).mu
    population = sparse.csr_matrix(predictor.centred_matrix)
    columns = sparse.hstack([population, *(b.sparse_columns() for b in predictor.normal_blocks)], format="csr")
    penalty = np.diag((np.arange(columns.shape[1]) >= population.shape[1]).astype(float))
    weights = _weights(fit, posterior, draws)
    found = np.empty((len(weights), columns.shape[1]))
    for draw, (weight, root) in enumerate(zip(weights, _roots(predictor, posterior), strict=True)):
        scaled = columns @ root
        square = (scaled.T @ scaled.multiply(weight[:, None])).toarray()
        whole = square + penalty
        size = np.sqrt(np.diagonal(whole))
        found[draw] = np.diag(np.linalg.solve(whole / np.outer(size, size), square / np.outer(size, size)))
    return found


def _roots(predictor: Predictor, posterior: xr.Dataset) -> Iterator[Any]:
    """Yield for each draw the sparse root of the covariance of all coefficients, ones for those of the population."""
    from scipy import sparse

    ones = sparse.eye_array(len(predictor.keys))
    covariances = [covariances_at_centre(predictor, block, posterior) for block in predictor.normal_blocks]
    roots = [matrix_root(covariance.reshape(-1, *covariance.shape[2:])) for covariance in covariances]
    relative = [_relative_sds(predictor, block, posterior) for block in predictor.normal_blocks]
    for own in zip(*(zip(*pair, strict=True) for pair in zip(roots, relative, strict=True)), strict=True):
        blocks = [
            sparse.diags_array(scale.ravel()) @ sparse.kron(sparse.eye_array(len(scale)), root) for root, scale in own
        ]
        yield sparse.block_diag([ones, *blocks], format="csr")


def _relative_sds(predictor: Predictor, block: NormalBlock, posterior: xr.Dataset) -> Array:
    """Return the SD of each coefficient in units of that of its column, (S, J, K)."""
    values = {
        str(key): stacked(posterior[key]) for key, _, _ in predictor.structure_parameters(block) if block.spectrum
    }
    found, draws = predictor.relative_sds(block, values), posterior.sizes["chain"] * posterior.sizes["draw"]
    return np.broadcast_to(found, (draws, len(block.levels), block.width))


def _weights(fit: Fit, posterior: xr.Dataset, draws: int) -> Array:
    """Return the expected information of each row about the linear predictor, (S, n)."""
    design = fit.design
    values = {name: stacked(v)[:, None] for name, v in design.scalar_draws(posterior).items()}
    further = list(design.predictors)[1:]
    values |= {name: stacked(predict(fit, kind=name, draws=draws)[name]) for name in further}
    eta = stacked(predict(fit, kind="linear", draws=draws)["linear"])
    return likelihood_of_rows(design, values).expected_information(eta)
