"""Code of the pages in docs/: `python tests/page_outputs.py NAME ...` runs it and writes what it shows into the pages.

A block that begins with ```python is run, all blocks of a page in one namespace. The value of its last expression, and
what it prints, stand in a block ```text behind it; a figure is the picture that is named behind it.
"""

import ast
import contextlib
import io
import re
import sys
import tempfile
import textwrap
import warnings
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?P<output>\n?```text\n(?P<text>.*?)^```\n)?(?=(?:\n?!\[.*?\]\((?P<picture>.*?)\))?)",
    re.MULTILINE | re.DOTALL,
)


def pages():
    """Return the pages that are written by hand."""
    return [path for path in sorted(DOCS.rglob("*.md")) if not {"_build", "generated"} & set(path.parts)]


def pages_with_code():
    """Return the pages that have code to run, by name."""
    return {path.stem: path for path in pages() if BLOCK.search(path.read_text(encoding="utf-8"))}


def run_block(code, names):
    """Return what a block prints and shows, and the value of its last expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    said, value = io.StringIO(), None
    with contextlib.redirect_stdout(said):
        exec(compile(tree, "page", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "page", "eval"), names)
            if value is not None and not hasattr(value, "savefig"):
                print(value if not isinstance(value, str) else repr(value))
    return "\n".join(_fold(line) for line in said.getvalue().splitlines()).strip("\n"), value


def _fold(line):
    """Return a line of a table as it is, and a long sentence in several lines."""
    return (
        line.rstrip()
        if "  " in line.strip()
        else textwrap.fill(line, 80, break_long_words=False, break_on_hyphens=False)
    )


def run_page(path, save=False):
    """Return the page with the outputs that its code has now; pictures are written if asked for."""
    import matplotlib

    matplotlib.use("agg")
    names = {}

    def with_output(match):
        said, value = run_block(match["code"], names)
        assert hasattr(value, "savefig") == bool(match["picture"]), (
            f"a figure without picture, or none: {match['code']}"
        )
        if match["picture"] and save:
            target = path.parent / match["picture"]
            target.parent.mkdir(exist_ok=True)
            value.savefig(target, dpi=90, bbox_inches="tight")
        code = f"```python\n{match['code']}```\n"
        return f"{code}\n```text\n{said}\n```\n" if said else code

    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        warnings.simplefilter("error")
        return BLOCK.sub(with_output, path.read_text(encoding="utf-8"))


NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e[-+]?\d+)?")


def differences(stored, now):
    """Return what differs between two versions of a page, apart from Monte Carlo errors of numbers."""
    words = [re.sub("[<>] #", "#", NUMBER.sub("#", text)).split() for text in (stored, now)]
    found = [pair for pair in zip(*words, strict=False) if pair[0] != pair[1]][:3]
    if len(words[0]) != len(words[1]):
        found.append((len(words[0]), len(words[1])))
    numbers = [[float(one.replace(",", "")) for one in NUMBER.findall(text)] for text in (stored, now)]
    return found + [(a, b) for a, b in zip(*numbers, strict=False) if abs(a - b) > 0.5 * max(abs(a), abs(b), 0.5)]


if __name__ == "__main__":
    for name in sys.argv[1:] or pages_with_code():
        page = pages_with_code()[name]
        page.write_text(run_page(page, save=True), encoding="utf-8")
        print(page)
