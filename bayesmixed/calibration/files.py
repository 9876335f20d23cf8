"""Files in which a calibration keeps the fits that are done, so that it can be stopped and resumed."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from bayesmixed.atomic_files import replace_file
from bayesmixed.calibration.simulated_fits import Rank, SimulatedFit, Task
from bayesmixed.design.frozen_priors import freeze, frozen_to_text
from bayesmixed.errors import DataError, enumerate_words
from bayesmixed.fits.file_checks import fingerprint
from bayesmixed.spec.files import spec_to_toml

FORMAT = 1
_KEY = "bayesmixed_calibration"


def identify(task: Task) -> dict[str, str]:
    """Return what has to agree between two parts of one calibration.

    Raises
    ------
    SpecError
        The spec holds a Family object of the user's own, which a file cannot keep.
    """
    covariates = task.design.table.data.drop(columns=task.design.spec.response, errors="ignore")
    return {
        "spec": spec_to_toml(task.design.spec),
        "data": fingerprint(covariates),
        "priors": frozen_to_text(freeze(task.design)),
        "seed": str(task.seed),
        "sampler": f"{task.sampler.__module__}.{task.sampler.__qualname__}",
        "settings": json.dumps({name: task.settings[name] for name in sorted(task.settings) if name != "cores"}),
    }


def save_fits(path: Path, identity: dict[str, str], fits: Iterable[SimulatedFit]) -> None:
    """Write the fits that are done.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    content = {_KEY: FORMAT, "identity": identity, "fits": [asdict(fit) for fit in fits]}
    replace_file(path, json.dumps(content), "The calibration")


def load_fits(path: Path, identity: dict[str, str]) -> list[SimulatedFit]:
    """Return the fits that were done; none if there is no file yet.

    Raises
    ------
    DataError
        The file is damaged or not a calibration, or one of another spec, seed or setting.
    """
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found, fits = content["identity"], content["fits"]
        known = int(content[_KEY])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"'{path}' is damaged or was not written by bm.calibrate; give another name.") from error
    if known > FORMAT:
        raise DataError(f"'{path}' has format {known}; this version of bayesmixed reads up to {FORMAT}.")
    different = [name for name, text in identity.items() if found.get(name) != text]
    if different:
        raise DataError(
            f"'{path}' holds another calibration: {enumerate_words(different)} differ, so their ranks cannot be joined. "
            "Give another name, or the arguments with which it was started."
        )
    return [SimulatedFit(**fit | {"ranks": _ranks(fit), "rejected": tuple(fit["rejected"])}) for fit in fits]


def _ranks(fit: dict[str, dict[str, dict[str, float]]]) -> dict[str, Rank]:
    return {
        name: Rank(rank["truth"], int(rank["rank"]), int(rank["draws"]), rank["pit"])
        for name, rank in fit["ranks"].items()
    }
