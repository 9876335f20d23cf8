"""The command line as tests run it, and tables for it."""

from pathlib import Path

from typer.testing import CliRunner

import bayesmixed as bm
from bayesmixed.cli.application import app

SHIPPED = Path(bm.__file__).parent / "data"
CBPP = str(SHIPPED / "cbpp.csv")
SLEEP = str(SHIPPED / "sleepstudy.csv")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
