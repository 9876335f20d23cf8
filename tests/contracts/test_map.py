"""The map of the source in docs/architecture.md is that of the source, and tests mirror it."""

import package_map


def test_the_map_of_the_source_is_complete_and_true():
    page = package_map.PAGE.read_text(encoding="utf-8")
    assert page == package_map.with_map(page), "write it anew: python tests/package_map.py"


def test_the_map_names_every_file():
    drawn = package_map.write_map()
    for path in package_map.PACKAGE.rglob("*.py"):
        if path.name != "__init__.py":
            assert f"`{path.name}`" in drawn


def test_every_module_of_more_than_60_lines_has_a_test_file_of_its_name():
    without = []
    for path in package_map.PACKAGE.rglob("*.py"):
        inner = path.relative_to(package_map.PACKAGE)
        long = len(path.read_text(encoding="utf-8").splitlines()) > 60
        own = package_map.PACKAGE.parent / "tests" / inner.with_name(f"test_{path.name}")
        if long and path.stem not in ("__init__", "__main__") and not own.exists():
            without.append(str(inner))
    assert without == []
