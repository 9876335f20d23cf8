"""The compiled kernel on disk is that of the present sources."""

from pathlib import Path

from bayesmixed.kernels import bridge
from bayesmixed.kernels.sources import digest


def test_the_entry_point_carries_the_digest_of_all_kernel_sources():
    # numba looks only at the entry point's own file when it takes a compiled function from its cache. After a change
    # of any kernel source the digest in bridge.py must change, or the old mathematics would run on.
    assert digest() == bridge.SOURCES, f'Write SOURCES = "{digest()}" into bayesmixed/kernels/bridge.py.'


def test_every_compiled_file_is_part_of_the_digest(tmp_path):
    folder = Path(bridge.__file__).parent
    before = digest(folder)
    copy = tmp_path / "kernels"
    copy.mkdir()
    for source in folder.glob("*.py"):
        (copy / source.name).write_text(source.read_text())
    assert digest(copy) == before
    for name in ("density.py", "rows.py", "prior_rows.py", "special.py", "packing.py"):
        text = (copy / name).read_text()
        (copy / name).write_text(text + "# changed\n")
        assert digest(copy) != before, name
        (copy / name).write_text(text)
