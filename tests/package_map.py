"""The map of the source in docs/architecture.md: `python tests/package_map.py` writes it anew from the modules' first lines."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "bayesmixed"
PAGE = PACKAGE.parent / "docs" / "architecture.md"
BEGIN, END = "<!-- map: written by tests/package_map.py -->", "<!-- end of the map -->"


def files_in(room):
    """Return the files of a room: a folder with all that is in it, or one file."""
    return sorted(room.rglob("*.py")) if room.is_dir() else [room]


def first_line(path):
    """Return the sentence with which a module begins."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def imported_rooms(room, names):
    """Return the rooms, by name, from which a room imports."""
    found = set()
    for path in files_in(room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found |= {module.split(".")[1] for module in modules if module.startswith("bayesmixed.")}
            if isinstance(node, ast.ImportFrom) and node.module == "bayesmixed":
                found |= {alias.name for alias in node.names} & names
    return found - {room.stem}


def rooms_by_floor():
    """Return the rooms, those first that import from none, in floors: each imports from the floors before it only."""
    rooms = {path.stem: path for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    del rooms["__init__"]
    order = TopologicalSorter({name: imported_rooms(room, set(rooms)) for name, room in rooms.items()})
    order.prepare()
    floors = []
    while order.is_active():
        ready = sorted(order.get_ready())
        floors.append([rooms[name] for name in ready])
        order.done(*ready)
    return floors


def write_room(room):
    """Return the lines of the map about one room."""
    if room.suffix == ".py":
        return [f"- **`{room.name}`**: {first_line(room)}"]
    lines = [f"- **`{room.name}/`**: {first_line(room / '__init__.py')}"]
    for path in files_in(room):
        inner = path.relative_to(room)
        depth = "  " * len(inner.parts)
        if path.name != "__init__.py":
            lines.append(f"{depth}- `{inner.name}`: {first_line(path)}")
        elif len(inner.parts) > 1:
            lines.append(f"{'  ' * (len(inner.parts) - 1)}- `{inner.parent.name}/`: {first_line(path)}")
    return lines


def write_map():
    """Return the map as Markdown."""
    lines = []
    for number, floor in enumerate(rooms_by_floor(), start=1):
        lines += [f"### Floor {number}", "", *(line for room in floor for line in write_room(room)), ""]
    return "\n".join(lines)


def with_map(page):
    """Return a page with the map of today between its marks."""
    return re.sub(
        f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: f"{BEGIN}\n\n{write_map()}\n{END}", page, flags=re.DOTALL
    )


if __name__ == "__main__":
    PAGE.write_text(with_map(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
