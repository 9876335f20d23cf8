"""What commands print of models and fits of several responses: each by itself, and what they have in common."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bayesmixed.cli.output import print_json, to_records
from bayesmixed.cli.tables import TableFile
from bayesmixed.errors import DataError, SpecError

if TYPE_CHECKING:
    from bayesmixed.fits.joint_fits import JointFit
    from bayesmixed.spec.joint_specs import JointSpec


def show_several(model: "JointSpec", table: TableFile | None, missing: str, json: bool) -> None:
    """Print the models, their priors and the file."""
    from bayesmixed.spec.files import joint_to_toml
    from bayesmixed.summaries.priors.joint_predictions import common_priors
    from bayesmixed.summaries.priors.tables import prior_table

    design = None if table is None else table.prepare_joint(model, missing)
    given: Mapping[str, Any] = dict(zip(model.responses, model.models, strict=True)) if design is None else design.parts
    tables = {name: prior_table(one) for name, one in given.items()}
    common = None if design is None else common_priors(design)
    if json:
        responses = {
            name: {
                "priors": to_records(one.parameters),
                "implications": to_records(one.implications),
                "notes": one.notes,
            }
            for name, one in tables.items()
        }
        shared = [] if common is None else to_records(common)
        formulas = [one.formula for one in model.models]
        print_json({"formula": formulas, "toml": joint_to_toml(model), "responses": responses, "priors": shared})
        return
    typer.echo("\n".join(part for part in (str(model), model.question) if part))
    for name, one in tables.items():
        typer.echo(f"\n{name}\n\n{one}")
    if common is not None and len(common):
        typer.echo(f"\nPriors of several responses\n\n{common.to_string(index=False)}")
    typer.echo(f"\nAs a file:\n\n{joint_to_toml(model)}", nl=False)


def check_several(model: "JointSpec", table: TableFile, missing: str, json: bool) -> None:
    """Check data against the model of each response, and against all of them together."""
    from dataclasses import replace

    from bayesmixed.equations import write_joint_equations
    from bayesmixed.preparation.joint_columns import without_dots
    from bayesmixed.preparation.joint_preparing import prepare_joint, without_letters
    from bayesmixed.survey.data_survey import check_data
    from bayesmixed.survey.structure_report import list_groups, list_homes

    rows = table.read_joint(model)
    spec = without_dots(model, rows, ())
    reports = {
        name: check_data(one, without_letters(one, spec, rows), missing=missing)
        for name, one in zip(spec.responses, spec.models, strict=True)
    }
    refusal = "; ".join(f"Response '{name}': {report.refusal}" for name, report in reports.items() if report.refusal)
    design = None
    if not refusal:
        try:
            design = prepare_joint(spec, rows, missing=missing)
        except (SpecError, DataError) as error:
            refusal = str(error)
    if json:
        responses = {
            name: {
                "rows": report.rows,
                "complete": report.complete,
                "missing": report.missing,
                "notes": report.notes,
                "levels": to_records(list_groups(report)),
                "predictors": to_records(list_homes(report)),
            }
            for name, report in reports.items()
        }
        print_json({"suits": design is not None, "refusal": refusal, "responses": responses})
        raise typer.Exit(design is None)
    for name, report in reports.items():
        typer.echo(f"{name}\n\n{replace(report, notes=())}\n")
        for note in report.notes:
            typer.echo(f"note: {name}: {note}", err=True)
    if design is None:
        raise DataError(refusal)
    typer.echo(write_joint_equations(design))
    typer.echo("\nThe data suit the models.")


def predict_several(
    joint: "JointFit", table: TableFile | None, options: Mapping[str, Any], out: Path | None, json: bool
) -> None:
    """Print or write the predictions of all responses, one below the other."""
    import pandas as pd

    from bayesmixed.atomic_files import replace_table
    from bayesmixed.display.tables import describe, format_table
    from bayesmixed.prediction.predicting import predict

    given = None if table is None else table.read_joint(joint.design.spec)
    made = predict(joint, given, **options)
    whole, shown, said = [], [], []
    for name, part in joint.design.parts.items():
        rows, mean = (part.table.data if given is None else given), bool(made[name].attrs["has_mean"])
        drawn = made[name].rename({dim: "row" for dim in made[name].dims if str(dim).startswith("row")})
        numbers = describe(drawn, mean=mean).set_axis(rows.index)
        clash = [one for one in ("response", *numbers.columns) if one in rows.columns]
        if clash:
            raise SpecError(f"The data have a column '{clash[0]}', which is a name of the result. Rename it.")
        first = rows.copy()
        first.insert(0, "response", name)
        whole.append(first.join(numbers))
        shown.append(first.join(format_table(numbers)))
        said.append("mean, sd" if mean else "median")
    table_of_all = pd.concat(whole)
    if json:
        print_json({"estimand": made.attrs["estimand"], "rows": to_records(table_of_all)})
        return
    typer.echo(f"{made.attrs['estimand']}; {' and '.join(dict.fromkeys(said))}, 95 % interval", err=True)
    if out is None:
        typer.echo(pd.concat(shown).to_string(index=False))
    else:
        replace_table(out, table_of_all)
        typer.echo(f"{len(table_of_all)} rows written to {out}")


def effects_of_several(joint: "JointFit", json: bool) -> None:
    """Say what each column does to each response."""
    from bayesmixed.summaries.marginal.described_effects import describe_effects

    found = {name: describe_effects(fit) for name, fit in joint.fits.items()}
    if json:
        print_json(
            {
                name: {"sentences": one.sentences, "effects": to_records(one.table), "notes": one.notes}
                for name, one in found.items()
            }
        )
        return
    typer.echo("\n\n".join(f"{name}\n\n{one}" for name, one in found.items()))
