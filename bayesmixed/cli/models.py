"""Commands about models and data, before anything is sampled."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayesmixed.cli.options import Json, Missing, Seed, print_design, takes_any_spec
from bayesmixed.cli.output import print_json, to_records
from bayesmixed.cli.tables import TableFile, may_take_table, takes_table
from bayesmixed.errors import DataError

if TYPE_CHECKING:
    from bayesmixed.spec.joint_specs import JointSpec
    from bayesmixed.spec.model_spec import ModelSpec


def specs(json: Json = False) -> None:
    """List the shipped specs."""
    from bayesmixed.families import find_family
    from bayesmixed.spec.files import list_specs, load_spec

    listed = {name: load_spec(name) for name in list_specs()}
    if json:
        print_json(
            [
                {"name": name, "title": spec.title, "formula": spec.formula, "family": find_family(spec.family).name}
                for name, spec in listed.items()
            ]
        )
        return
    for name, spec in listed.items():
        typer.echo(f"{name:26} {spec.title}\n{'':26} {spec.formula}   ({find_family(spec.family).name})")


def schema() -> None:
    """Print the JSON schema of spec files, for editors that check and complete TOML."""
    from bayesmixed.spec.schemas import make_schema

    print_json(make_schema())


@takes_any_spec
@may_take_table
def show(
    model: "ModelSpec | JointSpec",
    table: TableFile | None,
    missing: Missing = "error",
    json: Json = False,
) -> None:
    """Print a spec, in words, with its priors (with the numbers of a table, if one is given), and as a TOML file."""
    from bayesmixed.cli.several import show_several
    from bayesmixed.spec.files import spec_to_toml
    from bayesmixed.spec.joint_specs import JointSpec
    from bayesmixed.summaries.priors.tables import prior_table

    if isinstance(model, JointSpec):
        show_several(model, table, missing, json)
        return
    priors = prior_table(model if table is None else table.prepare(model, missing))
    if json:
        tables = {"priors": to_records(priors.parameters), "implications": to_records(priors.implications)}
        print_json({"formula": model.formula, "toml": spec_to_toml(model), **tables, "notes": priors.notes})
        return
    typer.echo("\n".join(part for part in (str(model), model.question) if part))
    typer.echo(f"\n{priors}")
    typer.echo(f"\nAs a file:\n\n{spec_to_toml(model)}", nl=False)


@takes_any_spec
@takes_table
def check(
    model: "ModelSpec | JointSpec",
    table: TableFile,
    missing: Missing = "error",
    json: Json = False,
) -> None:
    """Check data against a spec without sampling; print their structure, the equations and the priors."""
    from dataclasses import replace

    from bayesmixed.cli.several import check_several
    from bayesmixed.spec.joint_specs import JointSpec
    from bayesmixed.survey.data_survey import check_data
    from bayesmixed.survey.structure_report import list_groups, list_homes

    if isinstance(model, JointSpec):
        check_several(model, table, missing, json)
        return
    report = check_data(model, table.read(model), missing=missing)
    if json:
        tables = {"levels": to_records(list_groups(report)), "predictors": to_records(list_homes(report))}
        found = {"suits": report.design is not None, "refusal": report.refusal, "notes": report.notes}
        print_json({**found, "rows": report.rows, "complete": report.complete, "missing": report.missing, **tables})
        raise typer.Exit(report.design is None)
    typer.echo(f"{replace(report, notes=())}\n")
    if report.design is None:
        raise DataError(report.refusal)
    for note in report.notes:
        typer.echo(f"note: {note}", err=True)
    print_design(report.design)
    typer.echo("\nThe data suit the model.")


@takes_any_spec
def simulate(
    model: "ModelSpec | JointSpec",
    out: Annotated[Path, typer.Option(help="CSV file for the data.")],
    seed: Seed = None,
) -> None:
    """Write data simulated from a spec whose file has a section 'simulation'."""
    write_simulated(model, out, seed)


def write_simulated(model: "ModelSpec | JointSpec", path: Path, seed: int | None, final: Path | None = None) -> None:
    """Write simulated data, and the true values beside them; `final` is the folder in which they will lie."""
    from bayesmixed.atomic_files import replace_table
    from bayesmixed.simulation.simulating import simulate as draw_data

    simulated = draw_data(model, seed=seed)
    replace_table(path, simulated.data)
    truth = path.with_name(f"{path.stem}-truth.csv")
    replace_table(truth, simulated.truth_table())
    data, values = ((final or file.parent) / file.name for file in (path, truth))
    typer.echo(f"{len(simulated.data)} rows simulated: {data}; the values that made them: {values}")
