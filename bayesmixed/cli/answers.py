"""Commands that read fits from their folders."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bayesmixed.cli.options import Folder, Json, Seed, Verify, read_fit, verify_fit
from bayesmixed.cli.output import print_json, to_records
from bayesmixed.cli.tables import TableFile, may_take_table
from bayesmixed.errors import SpecError


def compare(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR DIR ...", help="Folders of fits to the same rows.")],
    unit: Annotated[
        str,
        typer.Option(metavar="observation|FACTOR", help="What each model has to predict: a new row, or a new group."),
    ],
    json: Json = False,
) -> None:
    """Say which model predicts a new observation, or a new group, better."""
    from bayesmixed.atomic_files import as_path
    from bayesmixed.cross_validation.model_comparison import compare_models
    from bayesmixed.cross_validation.units import OBSERVATION

    names = [folder.stem if as_path(folder, "A fit").is_file() else folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    fits = {name: read_fit(folder) for name, folder in zip(names, folders, strict=True)}
    factor = None if unit == OBSERVATION else unit
    compared = compare_models(fits, unit="group" if factor else unit, by=factor)
    if not json:
        typer.echo(compared)
        return
    table = compared.table.rename_axis("model").reset_index()
    print_json({"estimand": compared.estimand, "models": to_records(table), "notes": compared.notes})


@may_take_table
def predict(
    folder: Folder,
    table: TableFile | None,
    groups: Annotated[
        Literal["existing", "new", "any", "average", "typical"], typer.Option(help="Which groups the rows belong to.")
    ] = "existing",
    kind: Annotated[
        str,
        typer.Option(
            help="mean, response (a new observation), probability (of each category), linear, or a parameter."
        ),
    ] = "mean",
    out: Annotated[Path | None, typer.Option(help="CSV file to write instead of printing.")] = None,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Predict the rows of a table (those of the fit if none is given; no response is needed), of known or new groups.

    Each with its mean (median where there is none) and 95 % interval.
    """
    import numpy as np
    import xarray as xr

    from bayesmixed.atomic_files import replace_table
    from bayesmixed.cli.several import predict_several
    from bayesmixed.display.pages import align
    from bayesmixed.display.tables import describe, format_table
    from bayesmixed.fits.joint_fits import JointFit
    from bayesmixed.prediction.predicting import predict as predict_rows

    fit = read_fit(folder)
    if isinstance(fit, JointFit):
        options = {"groups": groups, "kind": kind, "seed": seed}
        predict_several(fit, table, options, out, json)
        return
    rows = fit.design.table.data if table is None else table.read(fit.design.spec)
    made = predict_rows(fit, None if table is None else rows, groups=groups, kind=kind, seed=seed)
    mean = bool(made.attrs["has_mean"])
    predicted = made[kind]
    if "category" in predicted.dims:
        labels = predicted["category"].values
        rows = rows.iloc[np.repeat(np.arange(len(rows)), len(labels))].reset_index(drop=True)
        rows = rows.assign(category=np.tile(labels, made.sizes["row"]))
        predicted = xr.DataArray(predicted.values.reshape(*predicted.shape[:2], -1), dims=("chain", "draw", "row"))
    numbers = describe(predicted, mean=mean).set_axis(rows.index)
    clash = [name for name in numbers.columns if name in rows.columns]
    if clash:
        raise SpecError(f"The data have a column '{clash[0]}', which is a name of the result. Rename it.")
    if json:
        print_json({"estimand": made.attrs["estimand"], "rows": to_records(rows.join(numbers))})
        return
    typer.echo(f"{made.attrs['estimand']}; {'mean, sd' if mean else 'median'}, 95 % interval", err=True)
    if out is None:
        typer.echo("\n".join(align(rows.join(format_table(numbers)))))
    else:
        replace_table(out, rows.join(numbers))
        typer.echo(f"{len(rows)} rows written to {out}")


def report(
    folder: Folder,
    out: Annotated[Path | None, typer.Option(help="HTML file (DIR/report.html if not given).")] = None,
    verify: Verify = None,
) -> None:
    """Write a report on a fit as one HTML file."""
    from bayesmixed.report import write_report
    from bayesmixed.report.result_files import REPORT

    fit = read_fit(folder)
    beside = (folder if folder.is_dir() else folder.parent) / REPORT
    typer.echo(f"Written: {write_report(fit, out or beside, verification=verify_fit(fit, verify))}")


def effects(folder: Folder, json: Json = False) -> None:
    """Say in sentences what each column of a model does to the response, on its scale."""
    from bayesmixed.cli.several import effects_of_several
    from bayesmixed.fits.joint_fits import JointFit
    from bayesmixed.summaries.marginal.described_effects import describe_effects

    fit = read_fit(folder)
    if isinstance(fit, JointFit):
        effects_of_several(fit, json)
        return
    described = describe_effects(fit)
    if json:
        table = {"effects": to_records(described.table)}
        print_json({"sentences": described.sentences, **table, "notes": described.notes})
    else:
        typer.echo(described)
