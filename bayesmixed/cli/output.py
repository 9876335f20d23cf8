"""What commands print: JSON for programs, and what a statistician would point out as lines."""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from bayesmixed.errors import StatisticsWarning

if TYPE_CHECKING:
    import pandas as pd


INTERRUPTED = 130


def print_json(content: Mapping[str, Any] | list[Any]) -> None:
    """Print JSON."""
    typer.echo(json.dumps(content, indent=2, allow_nan=False))


def to_records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the rows of a table for JSON; missing numbers are null."""
    return list(json.loads(table.to_json(orient="records", double_precision=12)))


@contextmanager
def notes_as_lines() -> Iterator[None]:
    """Print what a statistician would point out as lines, other warnings as usual."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show_note(message: Any, category: Any, *where: Any, **further: Any) -> None:
            if issubclass(category, StatisticsWarning):
                typer.echo(f"note: {message}", err=True)
            else:
                usual(message, category, *where, **further)

        warnings.simplefilter("always", StatisticsWarning)
        warnings.showwarning = show_note
        yield
