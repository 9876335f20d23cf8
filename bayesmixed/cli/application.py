"""The command line as one program: its commands, its help, its exit codes."""

from typing import Any

import typer
from typer.core import TyperGroup

from bayesmixed.cli.answers import compare, effects, predict, report
from bayesmixed.cli.fits import compare_priors, demo, fit
from bayesmixed.cli.models import check, schema, show, simulate, specs
from bayesmixed.cli.output import INTERRUPTED, notes_as_lines
from bayesmixed.errors import BayesMixedError


class Commands(TyperGroup):
    """Commands whose foreseen errors are one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            with notes_as_lines():
                return super().invoke(ctx)
        except BayesMixedError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Bayesian hierarchical models: from a formula or a spec file and a table to a fit that is explained.",
    epilog="SPEC is the name of a shipped spec (see `bayesmixed specs`), a TOML file, or a formula such as "
    "'y ~ x + (x | g)'. Exit codes: 0 done, 1 the model or the data are refused, 2 wrong usage, 130 interrupted.",
)
COMMANDS = (demo, specs, show, check, fit, compare_priors, compare, effects, predict, report, simulate, schema)
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Run the command line of `bayesmixed`."""
    app(prog_name="bayesmixed")
