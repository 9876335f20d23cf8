"""What a file of a fit is compared with: its draws with the model, its data with a digest."""

import hashlib
from typing import Any

import pandas as pd
import xarray as xr

from bayesmixed.draws.tree import draw_names
from bayesmixed.errors import DataError, enumerate_words
from bayesmixed.fits.fitting import Fit


def check_draws(fit: Fit) -> None:
    """Compare draws with the design and the settings.

    Raises
    ------
    DataError
        A variable is missing, or the posterior has another shape or other levels than the design.
    """
    posterior, kept = fit.posterior, dict[Any, xr.DataArray]()
    for name in ("posterior_thinned", "posterior"):
        if name in fit.draws.children:
            kept |= fit.draws[name].to_dataset().data_vars
    absent = [name for name in draw_names(fit.design) if name not in kept]
    if absent:
        raise DataError(f"the posterior lacks {enumerate_words(absent)}.")
    sizes = (posterior.sizes.get("chain"), posterior.sizes.get("draw"))
    if sizes != (fit.settings.chains, fit.settings.draws):
        stated = f"{fit.settings.chains} chains of {fit.settings.draws} draws"
        raise DataError(f"its settings say {stated}, its posterior has {sizes[0]} of {sizes[1]}.")
    loose = [name for name, draws in kept.items() if draws.dims[:2] != ("chain", "draw")]
    for predictor in fit.design.predictors.values():
        dims = {predictor.b(group): predictor.b_dims(group) for group in predictor.normal_blocks}
        dims |= {predictor.beta: (f"{predictor.beta}_effect",)} if predictor.population.labels else {}
        loose += [name for name, expected in dims.items() if kept[name].dims[2:] != expected]
        for dim, labels in predictor.coords().items():
            stored = [kept[name][dim].values.tolist() for name in kept if dim in kept[name].dims]
            if any(list(map(str, values)) != list(map(str, labels)) for values in stored):
                raise DataError(f"the posterior has other labels of '{dim}' than the data.")
    if loose:
        raise DataError(f"draws of {enumerate_words(dict.fromkeys(loose))} have other dims than the model.")


def fingerprint(data: pd.DataFrame) -> str:
    """Return the SHA-256 of the columns as text, in order."""
    digest = hashlib.sha256()
    for name in data.columns:
        digest.update(f"{name}\n".encode())
        digest.update("\n".join(map(str, data[name].tolist())).encode())
    return digest.hexdigest()
