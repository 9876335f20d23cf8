"""Commands that sample."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bayesmixed.cli.models import write_simulated
from bayesmixed.cli.options import Json, Missing, Seed, print_design, split, takes_any_spec, takes_spec
from bayesmixed.cli.output import INTERRUPTED, print_json, to_records
from bayesmixed.cli.tables import TableFile, may_take_table, takes_table

if TYPE_CHECKING:
    from bayesmixed.display.pages import Page
    from bayesmixed.fits.fitting import Fit
    from bayesmixed.fits.joint_fits import JointFit
    from bayesmixed.spec.joint_specs import JointSpec
    from bayesmixed.spec.model_spec import ModelSpec

Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=PRIORS",
        help="A prior set, the first being the reference: default, wide, a number (scales that many times as large), or "
        '"sd_herd=HalfNormal(1); beta[x]=Normal(0, 1)". Repeatable; without it, the priors of the spec and wide ones.',
    ),
]
Structures = Annotated[
    list[str] | None,
    typer.Option(
        "--structure",
        metavar="NAME=FORMULA",
        help='Another structure of the model, "slopes=y ~ x + (x | g)", or a change of it, "slopes=~ . + (0 + x | g)": all sets '
        "are fitted to all structures. Repeatable.",
    ),
]


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the plot and the fit.")] = Path("bayesmixed-demo"),
) -> None:
    """Fit the cattle-herd model to shipped data, and explain each step."""
    from bayesmixed.demo import run_demo

    run_demo(out)


@takes_any_spec
@may_take_table
def fit(
    model: "ModelSpec | JointSpec",
    table: TableFile | None,
    imputed: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A further imputed table of the same rows, written alike: all are fitted, and draws pooled. Repeatable.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the fit, tables and plots; made if it does not exist.")] = Path(
        "bayesmixed-fit"
    ),
    missing: Annotated[
        Literal["error", "drop", "impute"],
        typer.Option(help="What to do with rows with missing values; impute: those without a response are predicted."),
    ] = "error",
    seed: Seed = None,
    chains: Annotated[int, typer.Option(min=1, help="Chains.")] = 4,
    draws: Annotated[int, typer.Option(min=1, help="Kept draws of each chain.")] = 1000,
    tune: Annotated[
        int | None, typer.Option(min=1, help="Tuning draws of each chain; what the engine needs if not given.")
    ] = None,
    target_accept: Annotated[float | None, typer.Option(help="Between 0 and 1; raise it against divergences.")] = None,
    parameterisation: Annotated[
        Literal["auto", "centred", "noncentred", "hierarchical"], typer.Option(help="Of group effects.")
    ] = "auto",
    cores: Annotated[int | None, typer.Option(min=1, help="Chains that run at once (all cores if not given).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results of an earlier fit.")] = False,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Fit to data simulated from the spec; they are written too.")
    ] = False,
    json: Json = False,
) -> None:
    """Fit a model; write the fit, tables, plots, a summary, and a report to be read in a browser."""
    from bayesmixed.fits.fitting import sample
    from bayesmixed.fits.from_data import sample_tables
    from bayesmixed.fits.joint_fits import JointFit, sample_joint
    from bayesmixed.preparation.imputed_tables import prepare_tables
    from bayesmixed.report.result_files import save_or_rescue, write_joint_results, write_results
    from bayesmixed.report.result_folders import FIT, replaced_folder
    from bayesmixed.spec.joint_specs import JointSpec

    if simulate == (table is not None):
        raise typer.BadParameter("give either a table or --simulate")
    if imputed and table is None:
        raise typer.BadParameter("these are further tables: give the first one, too.", param_hint="--imputed")
    if imputed and isinstance(model, JointSpec):
        raise typer.BadParameter("--imputed is for models of one response")
    with replaced_folder(out, overwrite) as beside:
        if table is None:
            table, missing = TableFile(beside / "simulated.csv", {}), "drop"
            write_simulated(model, table.path, seed, out)
        table = table.keep(beside)
        settings: dict[str, Any] = {
            **{"chains": chains, "draws": draws, "tune": tune, "target_accept": target_accept, "seed": seed},
            **{"parameterisation": parameterisation, "cores": cores, "progress": not json},
        }
        fitted: Fit | JointFit
        if isinstance(model, JointSpec):
            joint = table.prepare_joint(model, missing)
            if not json:
                typer.echo(f"{joint}\n")
            fitted = sample_joint(joint, **settings)
            save_or_rescue(fitted, beside / FIT)
            results = write_joint_results(fitted, beside)
        else:
            tables = [table, *(replace(table, path=path) for path in imputed or ())]
            designs = (
                prepare_tables(model, [one.read(model) for one in tables], missing=missing)
                if imputed
                else [table.prepare(model, missing)]
            )
            design = replace(designs[0], source=str(table.path))
            if table.path.parent == beside:  # which gets another name in the end
                design = replace(design, source=table.path.name)
            if not json:
                print_design(design)
                typer.echo()
            several, seeded = [design, *designs[1:]], settings.pop("seed")
            fitted = sample_tables(several, seeded, settings) if imputed else sample(design, seed=seeded, **settings)
            save_or_rescue(fitted, beside / FIT)
            results = write_results(fitted, beside)
    if json:
        print_json(_describe(fitted, out, (FIT, *results.files)))
    else:
        typer.echo(f"Fit saved as {out / FIT}\n\n{results.summary}\n\nWritten to {out}: {', '.join(results.files)}")
    for note in results.notes:
        typer.echo(f"note: {note}", err=True)
    if not fitted.settings.complete:
        typer.echo("interrupted: the draws up to then were kept", err=True)
        raise typer.Exit(INTERRUPTED)


@takes_spec
@takes_table
def compare_priors(
    model: "ModelSpec",
    table: TableFile,
    set_: Sets = None,
    structure: Structures = None,
    unit: Annotated[
        str, typer.Option(help="With --structure: what is left out, observation or group.")
    ] = "observation",
    picture: Annotated[Path | None, typer.Option(help="PNG file for the picture.", metavar="FILE")] = None,
    missing: Missing = "error",
    seed: Seed = None,
    chains: Annotated[int, typer.Option(min=1, help="Chains.")] = 4,
    draws: Annotated[int, typer.Option(min=1, help="Kept draws of each chain.")] = 1000,
    processes: Annotated[int, typer.Option(min=1, help="Processes that share the sets to be sampled.")] = 1,
    json: Json = False,
) -> None:
    """Fit a model under several prior sets, and with --structure in several forms, and say what changes in the answers."""
    from bayesmixed.atomic_files import check_place, replace_picture
    from bayesmixed.plots.multiverses import plot_multiverse
    from bayesmixed.plots.prior_comparison import plot_prior_comparison
    from bayesmixed.summaries.priors.comparison import compare_priors as compare

    sets = dict(_read_set(text) for text in set_ or ()) or {"spec": {}, "wide": "wide"}
    settings: dict[str, Any] = {
        "chains": chains,
        "draws": draws,
        "seed": seed,
        "progress": not json,
        "missing": missing,
        "processes": processes,
    }
    if picture:
        check_place(picture, "The picture")
    rows = table.read(model)
    page: Page
    if structure:
        named = dict(split(text, "--structure") for text in structure)
        explored = page = compare(model, rows, sets, structures=named, unit=unit, **settings)
        tables = {"signs": explored.signs, "specifications": explored.specifications, "quantities": explored.table}
        notes, draw = explored.notes, partial(plot_multiverse, explored)
    else:
        compared = page = compare(model, rows, sets, **settings)
        tables = {"priors": compared.priors, "quantities": compared.table, "draws": compared.draws}
        tables |= {"implications": compared.implications}
        notes, draw = compared.notes, partial(plot_prior_comparison, compared)
    if picture:
        replace_picture(picture, draw())
    if json:
        print_json({name: to_records(one) for name, one in tables.items()} | {"notes": notes})
    else:
        typer.echo(page)


def _read_set(text: str) -> tuple[str, Any]:
    """Return the name of a prior set and what it holds."""
    name, _, priors = (part.strip() for part in text.partition("="))
    if not name or not priors:
        raise typer.BadParameter(f"'{text}' is not of the form NAME=PRIORS.", param_hint="--set")
    if "=" in priors:
        return name, dict(split(part, "--set") for part in priors.split(";"))
    try:
        return name, float(priors)
    except ValueError:
        return name, priors


def _describe(fit: "Fit | JointFit", folder: Path, files: tuple[str, ...]) -> dict[str, Any]:
    """Return what programs want to know of a fit."""
    from bayesmixed.fits.convergence import diagnose
    from bayesmixed.fits.fitting import Fit
    from bayesmixed.summaries.parameters.tidying import tidy

    verdict = diagnose(fit)
    parts = [fit.design] if isinstance(fit, Fit) else list(fit.design.parts.values())
    about: dict[str, list[Any]] = {
        "formula": [one.spec.formula for one in parts],
        "rows": [round(float(one.observed.row_counts.sum())) for one in parts],
        "lines": [one.rows for one in parts],
        "dropped": [one.dropped for one in parts],
    }
    return {
        "folder": str(folder),
        "files": files,
        **{name: said[0] if isinstance(fit, Fit) else said for name, said in about.items()},
        "converged": verdict.ok,
        "problems": verdict.problems,
        "engine": fit.engine.name,
        "seed": fit.settings.seed,
        "seconds": sum(fit.timing.values()),
        "estimates": to_records(tidy(fit)),
    }
