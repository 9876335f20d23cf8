"""Fits on disk: one netCDF file, no pickle, from which everything can be done again."""

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, overload

import xarray as xr
from pydantic import NonNegativeInt, TypeAdapter, ValidationError

from bayesmixed.arguments import alone, pools
from bayesmixed.atomic_files import as_path, replace_file
from bayesmixed.design.design import Design
from bayesmixed.design.frozen_priors import FrozenPriors, freeze, frozen_from_text, frozen_to_text, with_frozen_priors
from bayesmixed.draws.tree import frame_to_store, mark_draws, stored_frame
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.errors import (
    BayesMixedError,
    DataError,
    SpecError,
    StatisticsWarning,
    enumerate_words,
    first_line,
    warn,
)
from bayesmixed.fits.checksums import checksums, list_damages
from bayesmixed.fits.earlier_files import is_earlier, refuse_changed_columns, with_present_labels
from bayesmixed.fits.file_checks import check_draws, fingerprint
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_files import JOINT, check_shared, join_trees, split_tree, stored_priors
from bayesmixed.fits.joint_fits import JointFit, joint_fit
from bayesmixed.fits.tree_files import read_tree
from bayesmixed.preparation.imputed_tables import with_tables
from bayesmixed.preparation.joint_preparing import tie_parts
from bayesmixed.preparation.latent_values import with_withheld
from bayesmixed.preparation.preparing import prepare
from bayesmixed.preparation.streaming import streamed_from_text, streamed_to_text
from bayesmixed.spec.files import joint_from_toml, spec_from_toml, spec_to_toml
from bayesmixed.tables.known_relations import relations_to_store, stored_relations

FORMAT = 2
"""1 had no checksums."""
_FROZEN = "frozen_priors"
_STREAMED = "streamed_rows"
_WITHHELD = "withheld_data"
_RELATIONS = "known_relations"
_TABLES = "imputed_table_"
"""Of the first, "imputed_table_1", the rows are the data of the fit."""
_CHECKSUMS = "sha256"


@alone("The file of all of them is bm.save_fit(joint, path).")
@pools
def save_fit(fit: Fit | JointFit, path: str | Path) -> Path:
    """Write a fit, of one response or several, as one netCDF file and return its path.

    The file is made in memory, written under a temporary name and renamed, so that an interruption or a full disk leaves
    no half file. It carries checksums of all that it holds.

    Raises
    ------
    DataError
        The folder does not exist or cannot be written, or the disk is full; an earlier file is then unchanged.
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
    tree = (
        join_trees(fit, [_as_tree(one) for one in fit.fits.values()], FORMAT)
        if isinstance(fit, JointFit)
        else _as_tree(fit)
    )
    tree.attrs[_CHECKSUMS] = json.dumps(checksums(tree))
    try:
        content = tree.to_netcdf(engine="h5netcdf")
    except Exception as error:  # h5netcdf, h5py and xarray each have errors of their own
        raise DataError(f"The fit cannot be written as netCDF: {first_line(error)}.") from error
    return replace_file(path, content, "The fit", hint="The fit is still in memory: save it elsewhere.")


@overload
def load_fit(
    path: str | Path, kind: None = ..., *, verify: bool = ..., functions: Mapping[str, Callable[..., Any]] | None = ...
) -> Fit | JointFit: ...
@overload
def load_fit(
    path: str | Path, kind: type[Fit], *, verify: bool = ..., functions: Mapping[str, Callable[..., Any]] | None = ...
) -> Fit: ...
@overload
def load_fit(
    path: str | Path,
    kind: type[JointFit],
    *,
    verify: bool = ...,
    functions: Mapping[str, Callable[..., Any]] | None = ...,
) -> JointFit: ...
def load_fit(
    path: str | Path,
    kind: type[Fit] | type[JointFit] | None = None,
    *,
    verify: bool = True,
    functions: Mapping[str, Callable[..., Any]] | None = None,
) -> Fit | JointFit:
    """Return the fit that `save_fit` wrote (a `JointFit` where it is of several responses), or the shipped one, "herd_period".

    The design is prepared anew from the stored columns, so prediction, refits and every summary work. The shipped fit is
    `bm.fit("herd_period", bm.datasets.load("cbpp"), draws=400, seed=2)`: something to try functions on.

    Parameters
    ----------
    path : str or Path
        The file.
    kind : {bm.Fit, bm.JointFit}, optional
        What it must hold: so type checkers know what is returned.
    verify : bool
        False reads a file whose checksums do not agree, as far as it can be read, and warns of what is damaged.
    functions : mapping, optional
        Functions of the user's own that the formula calls, by name; the file keeps their names only.

    Raises
    ------
    DataError
        The file is missing, damaged, not a fit, of a newer format, or it was changed; it holds another kind of fit.
    SpecError
        There is no such kind.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> fit.design.spec.formula, fit.posterior["beta"].shape
    ('incidence | trials(size) ~ 1 + period + (1 | herd)', (4, 400, 4))
    """
    if kind not in (None, Fit, JointFit):
        raise SpecError("kind is bm.Fit, a fit of one response, or bm.JointFit, one of several.")
    path = _find_file(path)
    with _said_of(path):
        tree = read_tree(path)
        _check_format(tree)
        damages = _find_damages(tree)
        if damages and verify:
            raise DataError(
                f"it is damaged or was changed: {enumerate_words(damages)}. Take a copy of the file, or fit the model again; "
                "load_fit(path, verify=False) reads what is left."
            )
        if kind not in (None, JointFit if JOINT in tree.attrs else Fit):
            several = JOINT in tree.attrs
            raise DataError(
                f"it holds a fit of {'several responses' if several else 'one response'}, and kind asks for another."
            )
        fit: Fit | JointFit
        if JOINT in tree.attrs:
            fit = _as_joint_fit(tree, functions or {})
        else:
            fit = _as_fit(tree, functions or {})
            check_draws(fit)
    if damages:
        warn(f"'{path}' is damaged or was changed ({enumerate_words(damages)}): do not rely on this fit.")
    elif int(tree.attrs["bayesmixed_format"]) == 1:
        warn(
            f"'{path}' is a file of format 1, without checksums: damage or changes cannot be detected. "
            f"{_said_of_priors(tree)} bm.save_fit writes a new file."
        )
    return fit


def _said_of_priors(tree: xr.DataTree) -> str:
    if _FROZEN in tree.data_vars:
        return "It keeps its priors; the rules of default priors have changed since."
    return "It holds no priors: those of `priors` follow today's rules, which have changed since."


def _as_tree(fit: Fit) -> xr.DataTree:
    """Return everything that a file holds, but the checksums."""
    tree = xr.DataTree.from_dict({name: child.to_dataset() for name, child in fit.draws.children.items()})
    tree.attrs |= {
        "bayesmixed_format": FORMAT,
        "spec": spec_to_toml(fit.design.spec),
        "engine": json.dumps(asdict(fit.engine)),
        "settings": json.dumps(asdict(fit.settings)),
        "timing": json.dumps(dict(fit.timing)),
        "versions": json.dumps(dict(fit.versions)),
        "dropped": fit.design.dropped,
        "source": fit.design.source,
        "fingerprint": fingerprint(fit.design.examples.table.data),
    }
    if fit.design.withheld is not None:
        tree[_WITHHELD] = xr.DataTree(frame_to_store(fit.design.withheld))
    for number, table in enumerate(fit.design.imputed.tables[1:] if fit.design.imputed else (), 2):
        tree[f"{_TABLES}{number}"] = xr.DataTree(frame_to_store(table))
    if fit.design.spec.known:
        tree[_RELATIONS] = xr.DataTree(relations_to_store(fit.design.spec.known))
    tree[_FROZEN] = frozen_to_text(freeze(fit.design))
    if fit.design.streamed is not None:
        tree[_STREAMED] = streamed_to_text(fit.design.streamed)
    return tree


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    """Turn any problem with a file into a DataError or SpecError that names the file."""
    try:
        yield
    except BayesMixedError as error:
        raise error.after(f"'{path}' cannot be loaded:") from error
    except Exception as error:  # whatever damaged values cause
        raise DataError(f"'{path}' cannot be loaded: it is damaged ({first_line(error)}).") from error


def _check_format(tree: xr.DataTree) -> None:
    found = tree.attrs.get("bayesmixed_format")
    if found is None:
        raise DataError("it is a netCDF file, but not a fit of bayesmixed.")
    number = int(found)
    if number > FORMAT:
        raise DataError(
            f"it has format {number}; this version of bayesmixed reads up to {FORMAT}. Install a newer version."
        )
    if number < 1:
        raise DataError(f"it is damaged: there is no format {number}.")


def _find_damages(tree: xr.DataTree) -> list[str]:
    """Return what does not agree with its checksum; of files of format 1 only the data have one."""
    stored = tree.attrs.pop(_CHECKSUMS, None)
    number = int(tree.attrs["bayesmixed_format"])
    if stored is None and number > 1:
        return ["the checksums (missing)"]
    frozen = str(tree[_FROZEN].values) if _FROZEN in tree.data_vars else ""
    if number == 1 and (stored is not None or '"bases"' in frozen):
        return ["the number of its format (it holds what only later formats have)"]
    if stored is not None:
        return list_damages(_parse(_TEXTS, stored, "the checksums"), checksums(tree))
    data = tree["constant_data"].to_dataset() if "constant_data" in tree.children else xr.Dataset()
    same = fingerprint(stored_frame(data)) == tree.attrs.get("fingerprint") if len(data) else False
    return [] if same else ["group constant_data: the data are not those that the model was fitted to"]


def _as_fit(tree: xr.DataTree, functions: Mapping[str, Callable[..., Any]]) -> Fit:
    """Return the fit of a file, its design prepared anew; values are checked as when they were made."""
    attributes = tree.attrs
    frame = stored_frame(tree["constant_data"].to_dataset())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        spec = spec_from_toml(attributes["spec"])
        spec = spec.replace(functions={**spec.functions, **functions}) if functions else spec
        if _RELATIONS in tree.children:
            spec = spec.replace(known=stored_relations(tree[_RELATIONS].to_dataset()))
            tree = tree.filter(lambda node: node.name != _RELATIONS)
        if _STREAMED in tree.data_vars:
            response = next(iter(tree["observed_data"].data_vars.values())).values
            design = streamed_from_text(str(tree[_STREAMED].item()), spec, frame, response)
        else:
            design = prepare(spec, frame)
    if _WITHHELD in tree.children:
        design = with_withheld(design, stored_frame(tree[_WITHHELD].to_dataset()))
        tree = tree.filter(lambda node: node.name != _WITHHELD)
    if _FROZEN in tree.data_vars:
        frozen = frozen_from_text(str(tree[_FROZEN].item()))
        design = with_frozen_priors(design, frozen)
        _compare_priors(design, frozen)
    if int(attributes["bayesmixed_format"]) == 1 or is_earlier(design):
        refuse_changed_columns(design)
        tree = with_present_labels(tree, design)
    tables = [stored_frame(tree[name].to_dataset()) for name in tree.children if str(name).startswith(_TABLES)]
    if tables:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StatisticsWarning)
            others = [with_frozen_priors(prepare(spec, table), freeze(design)) for table in tables]
        design = with_tables([design, *others])
        tree = tree.filter(lambda node: not str(node.name).startswith(_TABLES))
    dropped = _parse(_COUNT, str(attributes["dropped"]), "'dropped'")
    return Fit(
        design=replace(design, dropped=dropped, source=str(attributes.get("source", ""))),
        draws=mark_draws({name: child.to_dataset() for name, child in tree.children.items()}),
        engine=_parse(_ENGINE, attributes["engine"], "'engine'"),
        settings=_parse(_SETTINGS, attributes["settings"], "'settings'"),
        timing=_parse(_SECONDS, attributes["timing"], "'timing'"),
        versions=_parse(_TEXTS, attributes["versions"], "'versions'"),
    )


def _as_joint_fit(tree: xr.DataTree, functions: Mapping[str, Callable[..., Any]]) -> JointFit:
    """Return the fit of several responses of a file, their designs prepared anew."""
    spec = joint_from_toml(tree.attrs[JOINT])
    trees, shared = split_tree(tree, len(spec.models))
    fits = {name: _as_fit(one, functions) for name, one in zip(spec.responses, trees, strict=True)}
    for fit in fits.values():
        check_draws(fit)
    models = [fit.design.spec for fit in fits.values()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        joint = spec.model_copy(update={"models": tuple(models)})
        design = tie_parts(joint, {name: fit.design for name, fit in fits.items()})
    priors = stored_priors(tree)
    if list(priors) != list(design.priors):
        raise DataError("its priors of correlations between responses are not those of the model.")
    found = joint_fit(replace(design, priors=priors), fits, shared)
    check_shared(found)
    return found


def _compare_priors(design: Design, frozen: FrozenPriors) -> None:
    """Refuse a file of which a prior would not be that of its draws."""
    here, there = ({key: entry.prior for key, entry in priors.items()} for priors in (design.priors, frozen.priors))
    other = [key for key in dict.fromkeys([*here, *there]) if here.get(key) != there.get(key)]
    if other:
        raise DataError(
            f"its priors of {enumerate_words(other)} are not those of a model of this version. Sample it again."
        )


_COUNT = TypeAdapter(NonNegativeInt)
_ENGINE = TypeAdapter(EngineRecord)
_SETTINGS = TypeAdapter(Settings)
_SECONDS: TypeAdapter[Mapping[str, float]] = TypeAdapter(dict[str, float])
_TEXTS: TypeAdapter[Mapping[str, str]] = TypeAdapter(dict[str, str])


def _parse[T](kind: TypeAdapter[T], text: Any, what: str) -> T:
    try:
        return kind.validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(f"{what} of the file is damaged: {where} {first['msg']}.") from error


def _find_file(path: str | Path) -> Path:
    path = as_path(path, "A fit")
    shipped = {file.stem: file for file in (Path(__file__).parents[1] / "data").glob("*.nc")}
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
