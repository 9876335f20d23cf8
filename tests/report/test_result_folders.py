"""Folders of results are replaced as a whole."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import bayesmixed as bm
from bayesmixed import atomic_files
from bayesmixed.report import result_folders
from bayesmixed.report.result_files import write_results
from bayesmixed.report.result_folders import FIT, replaced_folder


def _write(folder, text, names=(FIT, "icc.csv"), overwrite=True):
    with replaced_folder(folder, overwrite) as beside:
        for name in names:
            (beside / name).write_text(text)


def _write_and_fail(folder, names):
    with replaced_folder(folder, True) as beside:
        for name in names:
            (beside / name).write_text("new")
        raise ZeroDivisionError


def _texts(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("swaps", [True, False], ids=["one step", "file by file"])
def test_nothing_of_the_earlier_results_stays_and_everything_else_does(tmp_path, monkeypatch, swaps):
    if not swaps:
        monkeypatch.setattr(result_folders, "_exchange", lambda one, other: False)
    folder = tmp_path / "out"
    _write(folder, "old", (FIT, "icc.csv", "shrinkage_herd.png"))
    (folder / "notes.txt").write_text("mine")
    (folder / "data").mkdir()
    (folder / "data" / "table.csv").write_text("mine")
    _write(folder, "new", (FIT, "summary.txt"))
    assert _texts(folder) == {FIT: "new", "summary.txt": "new", "notes.txt": "mine"}
    assert _texts(folder / "data") == {"table.csv": "mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_folder_in_which_somebody_works_stays_the_same_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("mine")
    number = tmp_path.stat().st_ino
    _write(Path("."), "old", (FIT, "icc.csv"))
    _write(Path("."), "new", (FIT,))
    assert _texts(tmp_path) == {FIT: "new", "data.csv": "mine"}
    assert tmp_path.stat().st_ino == number


def test_an_error_leaves_the_earlier_results_and_keeps_a_fit_that_was_saved(tmp_path, capsys):
    folder = tmp_path / "out"
    _write(folder, "old")
    for names, left in (((), ["out"]), ((FIT,), ["out", "out.unfinished"])):
        with pytest.raises(ZeroDivisionError):
            _write_and_fail(folder, names)
        assert _texts(folder) == {FIT: "old", "icc.csv": "old"}
        assert sorted(path.name for path in tmp_path.iterdir()) == left
    assert str(tmp_path / "out.unfinished" / FIT) in capsys.readouterr().err
    with pytest.raises(bm.DataError, match="holds an earlier fit"):
        _write(folder, "new", overwrite=False)
    _write(folder, "new")
    assert _texts(folder) == {FIT: "new", "icc.csv": "new"}


def test_a_disk_that_is_full_after_the_fit_was_saved_leaves_the_earlier_results(tmp_path, monkeypatch, capsys):
    folder, fit, write = tmp_path / "out", bm.load_fit("herd_period"), atomic_files._replace
    _write(folder, "old")

    def fill(place, data):
        if place.name == "group_effects.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(place, data)

    def fit_and_write():
        with replaced_folder(folder, True) as beside:
            bm.save_fit(fit, beside / FIT)
            write_results(fit, beside)

    monkeypatch.setattr(atomic_files, "_replace", fill)
    with pytest.raises(bm.DataError, match="No space left"):
        fit_and_write()
    assert _texts(folder) == {FIT: "old", "icc.csv": "old"}
    assert "The fit is kept" in capsys.readouterr().err
    assert bm.load_fit(tmp_path / "out.unfinished" / FIT).posterior.equals(fit.posterior)


def test_a_fit_that_a_stopped_run_left_is_named_and_not_removed_unasked(tmp_path):
    (tmp_path / "out.unfinished").mkdir()
    (tmp_path / "out.unfinished" / FIT).write_text("left")
    with pytest.raises(bm.DataError, match=r"A run that was stopped left its fit in '.*out.unfinished.*--overwrite"):
        _write(tmp_path / "out", "new", overwrite=False)
    assert (tmp_path / "out.unfinished" / FIT).read_text() == "left"
    _write(tmp_path / "out", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_earlier_fit_is_not_replaced_unasked(tmp_path):
    _write(tmp_path / "out", "old")
    with pytest.raises(bm.DataError, match="holds an earlier fit"):
        _write(tmp_path / "out", "new", overwrite=False)
    assert _texts(tmp_path / "out") == {FIT: "old", "icc.csv": "old"}


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    with replaced_folder(tmp_path / "out", False), pytest.raises(bm.DataError, match="Another run writes"):
        _write(tmp_path / "out", "second")


def test_a_file_in_the_way_is_named_before_anything_is_sampled(tmp_path):
    (tmp_path / "out").write_text("a file")
    for folder in (tmp_path / "out", tmp_path / "out" / "inside"):
        with pytest.raises(bm.DataError, match=r"is a file|cannot be written"):
            _write(folder, "new")


KILLED = """
import os, signal, sys
from pathlib import Path
from bayesmixed import atomic_files
from bayesmixed.report import result_folders

moment = int(sys.argv[2])
passed = 0

def watch(event, arguments):
    global passed
    if event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "open", "ctypes.dlsym", "shutil.rmtree", "os.chmod"):
        passed += 1
        if passed == moment:
            os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
import ctypes, shutil, bayesmixed.atomic_files
sys.addaudithook(watch)
with result_folders.replaced_folder(folder, True) as beside:
    for name in ("fit.nc", "summary.txt", "icc.csv"):
        (beside / name).write_text("new")
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_kill_at_any_step_leaves_the_old_results_or_the_new_ones(tmp_path):
    old, new = {FIT: "old", "icc.csv": "old"}, {FIT: "new", "summary.txt": "new", "icc.csv": "new"}
    seen = []
    for moment in range(1, 40):
        folder = tmp_path / "out"
        _write(folder, "old")
        (folder / "notes.txt").write_text("mine")
        run = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(moment)], capture_output=True, check=False)
        found = {name: text for name, text in _texts(folder).items() if name != "notes.txt"}
        assert found in (old, new)
        seen.append(found == new)
        _write(folder, "last")
        assert _texts(folder) == {FIT: "last", "icc.csv": "last", "notes.txt": "mine"}
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
        if run.returncode == 0:
            break
        assert run.returncode == -signal.SIGKILL
    assert seen[0] is False
    assert seen[-1] is True
    assert run.returncode == 0
