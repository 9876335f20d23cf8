"""The command line: every command is a few calls of public functions."""

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from bayesmixed.errors import BayesMixedError, DataError, StatisticsWarning

if TYPE_CHECKING:
    from bayesmixed.design import Design
    from bayesmixed.spec import ModelSpec

INTERRUPTED = 130


class _Commands(TyperGroup):
    """Commands whose foreseen errors are one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            with _notes_as_lines():
                return super().invoke(ctx)
        except BayesMixedError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Bayesian hierarchical models: from a formula or a spec file and a table to a fit that is explained.",
    epilog="SPEC is the name of a shipped spec (see `bayesmixed specs`), a TOML file, or a formula such as "
    "'y ~ x + (x | g)'. Exit codes: 0 done, 1 the model or the data are refused, 2 wrong usage, 130 interrupted.",
)

Spec = Annotated[str, typer.Argument(metavar="SPEC", help="Shipped name, TOML file, or formula in quotes.")]
Data = Annotated[Path, typer.Option("--data", help="Table: .csv, .tsv, .txt (also .gz) or .parquet.")]
Family = Annotated[
    str | None, typer.Option(help="Distribution of the response, with a formula (gaussian if not given).")
]
Priors = Annotated[
    list[str] | None, typer.Option("--prior", metavar="NAME=PRIOR", help='E.g. "sd_herd=HalfNormal(1)". Repeatable.')
]
Links = Annotated[list[str] | None, typer.Option("--link", metavar="[PARAMETER=]LINK", help="E.g. probit. Repeatable.")]
Factors = Annotated[
    list[str] | None, typer.Option("--factor", metavar="COLUMN", help="Number column that is a factor. Repeatable.")
]
Crossed = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Grouping factor with the same units wherever its labels recur. Repeatable."),
]
Missing = Annotated[Literal["error", "drop"], typer.Option(help="What to do with rows that miss a value.")]


def main() -> None:
    """Run the command line of `bayesmixed`."""
    app(prog_name="bayesmixed")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the plot and the fit.")] = Path("bayesmixed-demo"),
) -> None:
    """Fit the cattle-herd model to shipped data, and explain each step."""
    from bayesmixed.demo import run_demo

    run_demo(out)


@app.command()
def specs() -> None:
    """List the shipped specs."""
    from bayesmixed.families import find_family
    from bayesmixed.spec_files import list_specs, load_spec

    for name in list_specs():
        spec = load_spec(name)
        typer.echo(f"{name:26} {spec.title}\n{'':26} {spec.formula}   ({find_family(spec.family).name})")


@app.command()
def schema() -> None:
    """Print the JSON schema of spec files, for editors that check and complete TOML."""
    import json

    from bayesmixed.schemas import make_schema

    typer.echo(json.dumps(make_schema(), indent=2))


@app.command()
def show(
    spec: Spec,
    data: Annotated[Path | None, typer.Option("--data", help="Table: the priors are shown with its numbers.")] = None,
    family: Family = None,
    prior: Priors = None,
    link: Links = None,
    factor: Factors = None,
    crossed: Crossed = None,
    missing: Missing = "error",
) -> None:
    """Print a spec, in words, with its priors, and as the TOML file that says the same."""
    from bayesmixed.spec_files import spec_to_toml
    from bayesmixed.summaries.prior_tables import prior_table

    model = _read_spec(spec, family, prior, link, factor, crossed)
    typer.echo("\n".join(part for part in (str(model), model.question) if part))
    typer.echo(f"\n{prior_table(model if data is None else _read_design(model, data, missing))}")
    typer.echo(f"\nAs a file:\n\n{spec_to_toml(model)}", nl=False)


@app.command()
def check(
    spec: Spec,
    data: Data,
    family: Family = None,
    prior: Priors = None,
    link: Links = None,
    factor: Factors = None,
    crossed: Crossed = None,
    missing: Missing = "error",
) -> None:
    """Check data against a spec without sampling; print their structure, the equations and the priors."""
    from dataclasses import replace

    from bayesmixed.summaries.survey import check_data

    model = _read_spec(spec, family, prior, link, factor, crossed)
    report = check_data(model, data, missing=missing)
    typer.echo(f"{replace(report, notes=())}\n")
    if report.design is None:
        raise DataError(report.refusal)
    for note in report.notes:
        typer.echo(f"note: {note}", err=True)
    _print_design(report.design)
    typer.echo("\nThe data suit the model.")


@app.command()
def fit(
    spec: Spec,
    out: Annotated[Path, typer.Option(help="Folder for the fit, tables and plots; made if it is not there.")],
    data: Annotated[Path | None, typer.Option(help="Table of the observations: CSV or Parquet.")] = None,
    family: Family = None,
    prior: Priors = None,
    link: Links = None,
    factor: Factors = None,
    crossed: Crossed = None,
    missing: Missing = "error",
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same draws (a new one if not given).")
    ] = None,
    chains: Annotated[int, typer.Option(min=1, help="Chains.")] = 4,
    draws: Annotated[int, typer.Option(min=1, help="Kept draws of each chain.")] = 1000,
    tune: Annotated[int | None, typer.Option(min=1, help="Tuning draws of each chain (1000 if not given).")] = None,
    target_accept: Annotated[float | None, typer.Option(help="Between 0 and 1; larger against divergences.")] = None,
    parameterisation: Annotated[
        Literal["auto", "centred", "noncentred"], typer.Option(help="Of group effects.")
    ] = "auto",
    cores: Annotated[int | None, typer.Option(min=1, help="Chains that run at once (all cores if not given).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results of an earlier fit.")] = False,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Fit to data simulated from the spec; they are written too.")
    ] = False,
) -> None:
    """Fit a model; write the fit, tables, plots and a summary."""
    from bayesmixed.fit_files import save_fit
    from bayesmixed.fitting import sample
    from bayesmixed.results import FIT, open_folder, write_results

    open_folder(out, overwrite)
    model = _read_spec(spec, family, prior, link, factor, crossed)
    if simulate == (data is not None):
        raise typer.BadParameter("give either --data FILE or --simulate")
    if data is None:
        data = out / "simulated.csv"
        _simulate(model, data, seed)
        missing = "drop"
    design = _read_design(model, data, missing)
    _print_design(design)
    typer.echo()
    fitted = sample(
        design,
        chains=chains,
        draws=draws,
        tune=tune,
        target_accept=target_accept,
        parameterisation=parameterisation,
        seed=seed,
        cores=cores,
    )
    typer.echo(f"Fit saved as {save_fit(fitted, out / FIT)}\n")
    results = write_results(fitted, out)
    typer.echo(f"{results.summary}\n\nWritten to {out}: {', '.join(results.files)}")
    for note in results.notes:
        typer.echo(f"note: {note}", err=True)
    if not fitted.settings.complete:
        typer.echo("interrupted: the draws up to then were kept", err=True)
        raise typer.Exit(INTERRUPTED)


@app.command()
def simulate(
    spec: Spec,
    out: Annotated[Path, typer.Option(help="CSV file for the data.")],
    family: Family = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same data (new ones if not given).")] = None,
) -> None:
    """Write data simulated from a spec that has a [simulation] section."""
    _simulate(_read_spec(spec, family, None, None, None, None), out, seed)


def _simulate(model: "ModelSpec", path: Path, seed: int | None) -> None:
    """Write simulated data, and the true values beside them."""
    from bayesmixed.simulation import simulate as draw_data

    simulated = draw_data(model, seed=seed)
    simulated.data.to_csv(path, index=False)
    truth = path.with_name(f"{path.stem}-truth.csv")
    simulated.truth_table().to_csv(truth, index=False)
    typer.echo(f"{len(simulated.data)} rows simulated: {path}; the values that made them: {truth}")


def _read_spec(
    text: str,
    family: str | None,
    priors: Iterable[str] | None,
    links: Iterable[str] | None,
    factors: Iterable[str] | None,
    crossed: Iterable[str] | None,
) -> "ModelSpec":
    from bayesmixed.families import find_family
    from bayesmixed.spec_files import as_spec

    spec = as_spec(text, family=family)
    if "~" in text and family is None:
        typer.echo(f"note: no --family given: family {find_family(spec.family).name} is assumed", err=True)
    first = find_family(spec.family).parameters[0].name
    chosen = [_split(link, "--link") if "=" in link else (first, link) for link in links or ()]
    given = [_split(prior, "--prior") for prior in priors or ()]
    spec = as_spec(spec, priors=dict(given), links=dict(chosen), crossed=tuple(crossed or ()))
    return spec.model_copy(update={"factors": tuple(dict.fromkeys([*spec.factors, *(factors or ())]))})


def _split(text: str, option: str) -> tuple[str, str]:
    """Split NAME=VALUE; the name may hold an equals sign inside square brackets."""
    match = re.fullmatch(r"\s*([^\[=]+(?:\[.*\])?)\s*=\s*(.+)", text)
    if match is None:
        raise typer.BadParameter(f"'{text}' is not of the form NAME=VALUE.", param_hint=option)
    return match[1].strip(), match[2].strip()


def _read_design(spec: "ModelSpec", path: Path, missing: str) -> "Design":
    from bayesmixed.preparation import prepare

    return prepare(spec, path, missing=missing)


def _print_design(design: "Design") -> None:
    from bayesmixed.equations import write_equations

    if design.dropped:
        typer.echo(f"note: {design.dropped} rows with missing values were left out; {design.rows} remain", err=True)
    typer.echo(write_equations(design))


@contextmanager
def _notes_as_lines() -> Iterator[None]:
    """Print what a statistician would point out as lines, other warnings as ever."""
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
