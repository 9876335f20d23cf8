"""Files that are written whole or not at all."""

import gzip
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.atomic_files import replace_file, replace_table

WITHOUT_ROOM = """
import resource, sys
import bayesmixed as bm
from bayesmixed.atomic_files import replace_picture, replace_table

fit = bm.load_fit("herd_period")
table, picture = bm.group_effects(fit), bm.plot_shrinkage(fit, "herd")
spec, path = bm.load_spec("herd"), sys.argv[1]
sys.dont_write_bytecode = True  # Python would keep what it could not write to its end
resource.setrlimit(resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
for write in (
    bm.save_fit,
    bm.write_report,
    lambda fit, path: bm.save_spec(spec, path),
    lambda fit, path: replace_table(path, table),
    lambda fit, path: replace_picture(path, picture),
):
    try:
        write(fit, path)
    except bm.DataError as error:
        print(error)
print(fit.posterior["beta"].shape)
"""


def test_a_disk_without_room_is_our_error_and_leaves_fit_and_earlier_file_as_they_were(tmp_path):
    path = tmp_path / "kept"
    path.write_text("an earlier file")
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_ROOM, str(path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    )
    assert run.returncode == 0, run.stderr
    *errors, shape = run.stdout.splitlines()
    assert [line.partition(" cannot")[0] for line in errors] == [
        f"The {what}" for what in ("fit", "report", "spec", "table", "picture")
    ]
    assert all("What was there before is unchanged" in line for line in errors)
    assert "still in memory" in errors[0]
    assert shape == "(4, 400, 4)"
    assert path.read_text() == "an earlier file"
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


KILLED = """
import os, signal, sys
from pathlib import Path
from bayesmixed import atomic_files

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

os.fsync = die
atomic_files.replace_file(sys.argv[1], "new")
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_what_a_killed_process_left_is_removed_at_the_next_write(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert len(list(tmp_path.iterdir())) == 2
    assert path.read_text() == "old"
    replace_file(tmp_path / "another.txt", "other")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["another.txt", "file.txt"]


WRITER = textwrap.dedent("""
    import sys
    from bayesmixed.atomic_files import replace_file
    for turn in range(20):
        replace_file(sys.argv[1], sys.argv[2] * 100_000)
""")


def test_processes_that_write_one_file_at_once_never_mix_it(tmp_path):
    path = tmp_path / "shared.txt"
    path.write_text("a" * 100_000)
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), letter]) for letter in "abc"]
    while any(process.poll() is None for process in running):
        text = path.read_text()
        assert len(text) == 100_000
        assert len(set(text)) == 1
    assert [process.returncode for process in running] == [0, 0, 0]
    assert [file.name for file in tmp_path.iterdir()] == ["shared.txt"]


def test_a_link_is_followed_and_permissions_stay(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "file.txt", tmp_path / "link.txt"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    replace_file(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_device_is_written_to_not_replaced():
    replace_file(os.devnull, "nothing")
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(
    ("name", "said"),
    [(".", "is a folder"), ("nowhere/file", "does not exist; make it"), ("a\0b", "null"), ("x" * 300, "too long")],
)
def test_impossible_places_are_errors_of_ours(tmp_path, name, said):
    with pytest.raises(bm.DataError, match=said):
        replace_file(f"{tmp_path}/{name}", "text")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_an_error_of_ours(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(bm.DataError, match="Permission denied"):
        replace_file(tmp_path / "file", "text")
    tmp_path.chmod(0o700)


def test_tables_are_compressed_where_their_name_says_so(tmp_path):
    table = pd.DataFrame({"x": [1, 2], "g": ["a", "ä"]})
    replace_table(tmp_path / "t.csv", table)
    replace_table(tmp_path / "t.csv.gz", table)
    assert (tmp_path / "t.csv").read_bytes() == gzip.decompress((tmp_path / "t.csv.gz").read_bytes())
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "t.csv.gz"), table)
