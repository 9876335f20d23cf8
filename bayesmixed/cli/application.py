"""The command line as one program: its commands, its help, its exit codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from bayesmixed.cli.answers import compare, effects, predict, report
from bayesmixed.cli.fits import compare_priors, demo, fit
from bayesmixed.cli.many import fit_many, warm_up
from bayesmixed.cli.models import check, schema, show, simulate, specs
from bayesmixed.cli.output import INTERRUPTED, notes_as_lines, print_json
from bayesmixed.errors import BayesMixedError

USAGE_ERROR: Any = typer.BadParameter.__base__
"""click's, of which Typer may have its own copy."""


class Commands(TyperGroup):
    """Commands whose foreseen errors are one line, or JSON where it was asked for, and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[__name__] = "--json" in args
        with _errors_told(ctx.meta[__name__]):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with _errors_told(ctx.meta[__name__]), notes_as_lines():
            return super().invoke(ctx)


@contextmanager
def _errors_told(json: bool) -> Iterator[None]:
    """Write foreseen errors as one line, or as JSON, and end the program with their exit code."""
    try:
        yield
    except BayesMixedError as error:
        _stop(type(error).__name__, str(error), 1, json)
    except USAGE_ERROR as error:
        if not json:
            raise
        _stop("UsageError", error.format_message(), error.exit_code, json)
    except KeyboardInterrupt:
        _stop("Interrupted", "interrupted", INTERRUPTED, json)


def _stop(kind: str, message: str, code: int, json: bool) -> NoReturn:
    typer.echo(message if kind == "Interrupted" else f"error: {message}", err=True)
    if json:
        print_json({"error": kind, "message": message})
    raise typer.Exit(code) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Bayesian hierarchical models: from a formula or a spec file and a table to a fit that is explained.",
    epilog="SPEC is the name of a shipped spec (see `bayesmixed specs`), a TOML file, or a formula such as "
    "'y ~ x + (x | g)'. Exit codes: 0 done, 1 the model or the data are refused, 2 wrong usage, 130 interrupted.",
)
COMMANDS = (
    demo,
    specs,
    show,
    check,
    fit,
    fit_many,
    compare_priors,
    compare,
    effects,
    predict,
    report,
    simulate,
    schema,
    warm_up,
)
for command in COMMANDS:
    app.command()(command)


def _print_version(asked: bool) -> None:
    if asked:
        import bayesmixed

        typer.echo(bayesmixed.__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None: ...


def main() -> None:
    """Run the command line of `bayesmixed`."""
    app(prog_name="bayesmixed")
