"""Damaged fit files, spec files and prior texts end in what was meant, or in one of our errors."""

import subprocess
import sys
import time
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.errors import BayesMixedError
from bayesmixed.spec.files import spec_from_toml, spec_to_toml

SEED = 20261128
SHIPPED = Path(bm.__file__).parent / "data" / "herd_period.nc"
FLIPS = """
import sys
from pathlib import Path
import numpy as np
import bayesmixed as bm

source, folder, seed, flips, cuts = sys.argv[1:]
whole, rng = Path(source).read_bytes(), np.random.default_rng(int(seed))
right, path = bm.load_fit(source), Path(folder) / "damaged.nc"
refused = same = 0
for number in range(int(flips) + int(cuts)):
    damaged = bytearray(whole)
    place = int(rng.integers(len(whole)))
    if number < int(flips):
        damaged[place] ^= 1 << int(rng.integers(8))
    else:
        del damaged[place:]
    path.write_bytes(damaged)
    print(number, place, end=" ", flush=True)
    try:
        fit = bm.load_fit(path)
    except bm.BayesMixedError as error:
        refused += 1
        assert len(str(error)) < 1050
    else:
        same += 1
        assert number < int(flips), "a truncated file was read"
        assert (fit.settings, fit.engine, fit.design.spec) == (right.settings, right.engine, right.design.spec)
        assert fit.design.priors == right.design.priors
        assert fit.draws.identical(right.draws)
print("refused", refused, "same", same)
"""


def test_a_flipped_bit_or_a_truncation_is_refused_or_changes_nothing(tmp_path):
    command = [sys.executable, "-c", FLIPS, str(SHIPPED), str(tmp_path), str(SEED), "30", "10"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert ended.returncode == 0, f"{ended.returncode}: {ended.stdout[-80:]} {ended.stderr[-2000:]}"
    refused = int(ended.stdout.split()[-3])
    assert refused >= 10


def _edit_draw(file):
    draws = file["posterior"]["beta"]
    values = draws[...]
    values.flat[0] = np.nextafter(values.flat[0], 9)
    draws[...] = values


EDITS = {
    "draw": _edit_draw,
    **{
        f"{name} {kind}": lambda file, name=name, value=value: (
            file.attrs.__delitem__(name) if value is None else file.attrs.__setitem__(name, value)
        )
        for name in ("spec", "engine", "settings", "timing", "versions", "dropped", "sha256", "bayesmixed_format")
        for kind, value in {"missing": None, "text": "x", "number": -5, "list": [1.5, 2.5]}.items()
    },
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_file_is_refused(edit, tmp_path):
    path = tmp_path / "fit.nc"
    path.write_bytes(SHIPPED.read_bytes())
    with h5py.File(path, "a") as file:
        EDITS[edit](file)
    with warnings.catch_warnings(action="ignore"), pytest.raises(bm.DataError, match=r"fit\.nc' cannot be loaded"):
        bm.load_fit(path)


def damage(text, rng):
    """Return a text with one to four signs left out, doubled or replaced."""
    signs = [*"()[]{}'\"`~:;.,^*/+-|=<>#\\ \n\0\té1", "1e999", "nan", "-1", "None", "__class__", "[", "9" * 400]
    for _ in range(rng.integers(1, 5)):
        place = int(rng.integers(len(text) + 1))
        text = text[:place] + str(rng.choice(signs)) + text[place + int(rng.integers(3)) :]
    return text


def test_random_prior_texts_end_in_a_prior_or_in_our_errors():
    rng, started, longest = np.random.default_rng(SEED), time.process_time(), 0
    texts = ["Normal(0, 2.5)", "HalfNormal(1)", "Exponential(0.5)", "StudentT(3, 0, 2.5)", "Gamma(2, 0.1)", "LKJ(2)"]
    for _ in range(100):
        text = damage(str(rng.choice(texts)), rng)
        try:
            bm.from_formula("y ~ x + (1 | g)", priors={"sigma": text})
        except BayesMixedError as error:
            longest = max(longest, len(str(error)))
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} from {text!r}") from error
    assert longest < 1_050
    assert time.process_time() - started < 10


def test_random_spec_texts_end_in_a_spec_that_is_written_as_it_is_read_or_in_our_errors():
    rng, started, longest = np.random.default_rng(SEED), time.process_time(), 0
    spec = bm.from_formula("y ~ x + (1 + x | g)", family="student", priors={"sigma": "HalfNormal(1)"})
    for _ in range(100):
        text = damage(spec_to_toml(spec), rng)
        try:
            read = spec_from_toml(text)
            assert spec_from_toml(spec_to_toml(read)) == read
        except BayesMixedError as error:
            longest = max(longest, len(str(error)))
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} from {text!r}") from error
    assert longest < 1_050
    assert time.process_time() - started < 10
