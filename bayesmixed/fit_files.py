"""Fits on disk: one netCDF file, no pickle, from which everything can be done again."""

import hashlib
import json
import os
import uuid
import warnings
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import xarray as xr

from bayesmixed.draws import stored_frame
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.errors import DataError, StatisticsWarning, enumerate_words
from bayesmixed.fitting import Fit
from bayesmixed.frozen_priors import freeze, frozen_from_text, frozen_to_text, with_frozen_priors
from bayesmixed.preparation import prepare
from bayesmixed.spec_files import spec_from_toml, spec_to_toml
from bayesmixed.streaming import streamed_from_text, streamed_to_text

FORMAT = 1
_FROZEN = "frozen_priors"
_STREAMED = "streamed_rows"


def save_fit(fit: Fit, path: str | Path) -> Path:
    """Write a fit as one netCDF file and return its path.

    The file is written under a temporary name and renamed, so that an interruption leaves no half file.

    Raises
    ------
    DataError
        The folder does not exist or cannot be written.
    SpecError
        The spec holds a Family object of the user's own, which a file cannot keep.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> path = bm.save_fit(fit, pathlib.Path(tempfile.mkdtemp(), "herds.nc"))
    >>> bm.load_fit(path).posterior.equals(fit.posterior)
    True
    """
    path = Path(path)
    attributes = {
        "bayesmixed_format": FORMAT,
        "spec": spec_to_toml(fit.design.spec),
        "engine": json.dumps(asdict(fit.engine)),
        "settings": json.dumps(asdict(fit.settings)),
        "timing": json.dumps(dict(fit.timing)),
        "versions": json.dumps(dict(fit.versions)),
        "dropped": fit.design.dropped,
        "fingerprint": fingerprint(fit.design.examples.table.data),
    }
    tree = xr.DataTree.from_dict({name: child.to_dataset() for name, child in fit.draws.children.items()})
    tree.attrs.update(attributes)
    tree[_FROZEN] = frozen_to_text(freeze(fit.design))
    if fit.design.streamed is not None:
        tree[_STREAMED] = streamed_to_text(fit.design.streamed)
    if not path.absolute().parent.is_dir():
        raise DataError(f"Folder '{path.absolute().parent}' does not exist; make it before saving '{path.name}' there.")
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        tree.to_netcdf(temporary, engine="h5netcdf")
        os.replace(temporary, path)
    except OSError as error:
        raise DataError(f"Fit cannot be written to '{path}': {error}.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def load_fit(path: str | Path) -> Fit:
    """Return the fit that `save_fit` wrote, or the shipped one, "herd_period".

    The design is prepared anew from the stored columns, so prediction, refits and every summary work. The shipped fit is
    `bm.fit("herd_period", bm.datasets.load("cbpp"), draws=400, seed=2)`: something to try functions on.

    Raises
    ------
    DataError
        The file is missing, damaged, not a fit, of a newer format, or its data were changed.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> fit.design.spec.formula, fit.posterior["beta"].shape
    ('incidence | trials(size) ~ 1 + period + (1 | herd)', (4, 400, 4))
    """
    path = _find_file(Path(path))
    try:
        with xr.open_datatree(path, engine="h5netcdf") as opened:
            tree = opened.load()
    except Exception as error:  # h5netcdf, h5py and xarray each have errors of their own
        raise DataError(f"'{path}' is damaged or no netCDF file: {str(error).splitlines()[0]}.") from error
    found = tree.attrs.get("bayesmixed_format")
    if found is None or "constant_data" not in tree.children:
        raise DataError(f"'{path}' is a netCDF file, but no fit of bayesmixed.")
    if int(found) > FORMAT:
        raise DataError(
            f"'{path}' has format {int(found)}; this version of bayesmixed reads up to {FORMAT}. Install a newer version."
        )
    frame = stored_frame(tree["constant_data"].to_dataset())
    if fingerprint(frame) != tree.attrs["fingerprint"]:
        raise DataError(f"'{path}' is damaged: the stored data are not those that the model was fitted to.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        spec = spec_from_toml(tree.attrs["spec"], str(path))
        if _STREAMED in tree.data_vars:
            response = next(iter(tree["observed_data"].data_vars.values())).values
            design = streamed_from_text(str(tree[_STREAMED].item()), spec, frame, response)
        else:
            design = prepare(spec, frame)
    if _FROZEN in tree.data_vars:
        design = with_frozen_priors(design, frozen_from_text(str(tree[_FROZEN].item())))
    engine = json.loads(tree.attrs["engine"])
    return Fit(
        design=replace(design, dropped=int(tree.attrs["dropped"])),
        draws=xr.DataTree.from_dict({name: child.to_dataset() for name, child in tree.children.items()}),
        engine=EngineRecord(engine["name"], engine["why"], tuple(engine["decisions"])),
        settings=Settings(**json.loads(tree.attrs["settings"])),
        timing=json.loads(tree.attrs["timing"]),
        versions=json.loads(tree.attrs["versions"]),
    )


def fingerprint(data: pd.DataFrame) -> str:
    """Return the SHA-256 of the columns as text, in order."""
    digest = hashlib.sha256()
    for name in data.columns:
        digest.update(f"{name}\n".encode())
        digest.update("\n".join(map(str, data[name].tolist())).encode())
    return digest.hexdigest()


def _find_file(path: Path) -> Path:
    shipped = {file.stem: file for file in (Path(__file__).parent / "data").glob("*.nc")}
    if path.is_file():
        return path
    if str(path) in shipped:
        return shipped[str(path)]
    if path.is_dir():
        inside = ", ".join(f"'{file}'" for file in sorted(path.glob("*.nc"))) or "no such file in it"
        raise DataError(f"'{path}' is a folder; a fit is one file that ends in .nc ({inside}).")
    raise DataError(
        f"There is no file '{path}' (looked in {path.absolute().parent}), and the only shipped fit is "
        f"{enumerate_words(shipped)}."
    )
