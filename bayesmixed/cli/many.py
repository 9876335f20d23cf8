"""Commands for many tables and for machines on which many fits are to run: fit-many, warm-up."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayesmixed.cli.options import Json, Missing, Seed, takes_spec
from bayesmixed.cli.output import INTERRUPTED, print_json, to_records
from bayesmixed.cli.tables import TableFile, takes_table

if TYPE_CHECKING:
    from bayesmixed.spec.model_spec import ModelSpec


@takes_spec
@takes_table
def fit_many(
    model: "ModelSpec",
    table: TableFile,
    by: Annotated[str, typer.Option(help="Column whose values split the table.", metavar="COLUMN")],
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for the fits and two tables; fits of the same spec and data that lie there are read."
        ),
    ] = Path("bayesmixed-fits"),
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes that share the tables (all processors if not given).")
    ] = None,
    missing: Missing = "error",
    seed: Seed = None,
    chains: Annotated[int, typer.Option(min=1, help="Chains.")] = 4,
    draws: Annotated[int, typer.Option(min=1, help="Kept draws of each chain.")] = 1000,
    json: Json = False,
) -> None:
    """Fit a model to each part of a table, such as each species; a run that was stopped goes on where it was."""
    from bayesmixed.atomic_files import replace_table
    from bayesmixed.many_fits import fit_many as fit_all
    from bayesmixed.tables.frames import read_table

    with TemporaryDirectory() as beside:
        rows = read_table(table.keep(Path(beside)).path, text=[by], **table.form)
    settings: dict[str, Any] = {"missing": missing, "chains": chains, "draws": draws}
    fits = fit_all(model, rows, by=by, folder=out, processes=processes, seed=seed, progress=not json, **settings)
    replace_table(out / "diagnosis.csv", fits.diagnosis)
    replace_table(out / "estimates.csv", fits.estimates)
    if json:
        tables = {"diagnosis": to_records(fits.diagnosis), "estimates": to_records(fits.estimates)}
        print_json({"folder": str(out), "formula": fits.formula, "failures": dict(fits.failures), **tables})
    else:
        typer.echo(f"{fits}\n\nWritten to {out}: {len(fits)} fits, diagnosis.csv, estimates.csv")
    if fits.left:
        raise typer.Exit(INTERRUPTED)
    if fits.failures:
        raise typer.Exit(1)


def warm_up(
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes that share the work (all processors if not given).")
    ] = None,
    json: Json = False,
) -> None:
    """Compile what all engines need, once, into the cache of this machine or image: first fits then start at once."""
    from bayesmixed.warm_up import kept_in
    from bayesmixed.warm_up import warm_up as compile_all

    made = compile_all(processes, progress=not json)
    if json:
        print_json({"folder": kept_in(), "engines": to_records(made)})
