"""The map of the source in docs/architecture.md is that of the source."""

import package_map


def test_the_map_of_the_source_is_complete_and_true():
    page = package_map.PAGE.read_text(encoding="utf-8")
    assert page == package_map.with_map(page), "write it anew: python tests/package_map.py"


def test_the_map_names_every_file():
    drawn = package_map.write_map()
    for path in package_map.PACKAGE.rglob("*.py"):
        if path.name != "__init__.py":
            assert f"`{path.name}`" in drawn
