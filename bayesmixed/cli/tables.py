"""The table of a command: a file, or standard input, and how it is written."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayesmixed.cli.options import with_arguments
from bayesmixed.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from bayesmixed.design.design import Design
    from bayesmixed.design.joint_designs import JointDesign
    from bayesmixed.spec.joint_specs import JointSpec
    from bayesmixed.spec.model_spec import ModelSpec

STANDARD_INPUT = Path("-")
_MAGIC = {b"PAR1": ".parquet", b"\x1f\x8b": ".csv.gz", b"BZh": ".csv.bz2", b"\xfd7zXZ": ".csv.xz"}


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table that a command is given.

    Attributes
    ----------
    path : Path
        The file, or "-", standard input.
    form : dict
        Options of `read_table`.
    """

    path: Path
    form: dict[str, Any]

    def read(self, spec: "ModelSpec") -> "pd.DataFrame":
        """Return what a spec needs of the table (DataError if it cannot be read)."""
        from bayesmixed.preparation.data_files import read_data

        if self.path != STANDARD_INPUT:
            return read_data(spec, self.path, **self.form)
        with TemporaryDirectory() as folder:
            return self.keep(Path(folder)).read(spec)

    def prepare(self, spec: "ModelSpec", missing: str) -> "Design":
        """Return the design of a spec on the table (SpecError, DataError)."""
        from bayesmixed.preparation.data_files import find_source
        from bayesmixed.preparation.preparing import prepare

        if self.path != STANDARD_INPUT and find_source(self.path) is not None:
            return prepare(spec, self.path, missing=missing, na=self.form.get("na", ()))
        return replace(prepare(spec, self.read(spec), missing=missing), source=str(self.path))

    def prepare_joint(self, spec: "JointSpec", missing: str) -> "JointDesign":
        """Return the design of several responses on the table (SpecError, DataError)."""
        from bayesmixed.preparation.joint_preparing import prepare_joint

        return prepare_joint(spec, self.read_joint(spec), missing=missing)

    def read_joint(self, spec: "JointSpec") -> "pd.DataFrame":
        """Return the table for models of several responses (DataError if it cannot be read)."""
        from bayesmixed.preparation.data_files import label_columns
        from bayesmixed.tables.frames import read_table

        if self.path == STANDARD_INPUT:
            with TemporaryDirectory() as folder:
                return self.keep(Path(folder)).read_joint(spec)
        labels = [name for model in spec.models for name in label_columns(model)]
        return read_table(self.path, text=labels, **self.form)

    def keep(self, folder: Path) -> "TableFile":
        """Return the same table; from standard input, it is written to a file of the folder first."""
        if self.path != STANDARD_INPUT:
            return self
        content = sys.stdin.buffer.read()
        if not content.strip():
            raise DataError(
                "Standard input is empty: it should hold a table, as in `cat herds.csv | bayesmixed ... --data -`."
            )
        ending = next((ending for magic, ending in _MAGIC.items() if content.startswith(magic)), ".csv")
        path = folder / f"standard-input{ending}"
        path.write_bytes(content)
        return replace(self, path=path)


def read_table_options(
    table: Annotated[
        Path | None,
        typer.Argument(metavar="[TABLE]", help="Table: .csv, .tsv, .txt (also .gz) or .parquet; - is standard input."),
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="The table, as an option.")] = None,
    separator: Annotated[
        str | None, typer.Option(metavar="SIGN", help="Column separator (detected if not given).")
    ] = None,
    decimal: Annotated[str | None, typer.Option(metavar="SIGN", help="Decimal mark (detected if not given).")] = None,
    thousands: Annotated[
        str | None, typer.Option(metavar="SIGN", help="Thousands separator (detected if not given).")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of a text table, e.g. latin-1 (utf-8 if not given).")
    ] = None,
    na: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Code for a missing value, e.g. n.d. Repeatable.")
    ] = None,
) -> TableFile | None:
    """Return the table given by the arguments of a command, None if none is."""
    if table is not None and data is not None:
        raise typer.BadParameter(f"two tables are given, {table} and {data}.", param_hint="--data")
    given = {"separator": separator, "decimal": decimal, "thousands": thousands, "encoding": encoding, "na": na}
    form = {name: value for name, value in given.items() if value is not None}
    path = table or data
    return None if path is None else TableFile(path, form)


def may_take_table(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that has the arguments of `read_table_options` in place of `table`."""
    return with_arguments(command, "table", read_table_options)


def takes_table(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that has the arguments of `read_table_options` in place of `table`, and needs a table."""

    def read(**given: Any) -> TableFile:
        table = read_table_options(**given)
        if table is None:
            raise typer.BadParameter("give a file: --data FILE.", param_hint="TABLE")
        return table

    return with_arguments(command, "table", wraps(read_table_options)(read))
