"""The command line, run as a user runs it."""

import json
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer
from cli_runs import CBPP, SLEEP, run
from typer.testing import CliRunner

import bayesmixed as bm
from bayesmixed.cli.application import Commands

HEAVY = {
    "pymc",
    "pytensor",
    "arviz",
    "nutpie",
    "pandas",
    "numpy",
    "scipy",
    "xarray",
    "pydantic",
    "matplotlib",
    "formulaic",
}


@pytest.mark.parametrize("module", ["bayesmixed", "bayesmixed.cli"])
def test_no_heavy_library_is_imported_before_it_is_needed(module):
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert module.split(".")[0] in loaded
    assert HEAVY.intersection(loaded) == set()


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "bayesmixed", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("demo", "specs", "show", "check", "fit"))


@pytest.mark.parametrize("seed", ["-1", str(2**63), "1.5", "x"])
def test_an_impossible_seed_is_wrong_usage(seed, tmp_path):
    assert run("simulate", "herd", "--out", tmp_path / "made.csv", "--seed", seed).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "herdd"], "Did you mean 'herd'?"),
        (["show", "y ~ x + (1 | g"], "a bracket is not closed"),
        (["show", "y ~ x", "--family", "normal"], "Did you mean 'gaussian'?"),
        (["show", "y ~ x", "--prior", "sigma=Nromal(0, 1)"], "Did you mean 'Normal'?"),
        (["show", "herd", "--link", "log"], "Link 'log' is not possible for 'mu'"),
        (["show", "herd", "--family", "poisson"], "The spec has family 'binomial'"),
        (["check", "herd", "--data", "nothing.csv"], "'nothing.csv' does not exist"),
        (["check", "herd", "--data", SLEEP], "Column 'incidence' in 'incidence' is not in the data"),
        (["check", "Reaction ~ Dayz", "--data", SLEEP], "Did you mean 'Days'?"),
        (["check", "Days ~ Reaction", "--data", SLEEP, "--family", "bernoulli"], "Family 'bernoulli' needs 0 or 1"),
        (["fit", "herd", "--data", CBPP, "--out", CBPP], "give the name of a folder"),
        (["report", "nowhere"], "Make one: bayesmixed fit"),
        (["predict", "nowhere"], "Make one: bayesmixed fit"),
        (["compare", "nowhere", "elsewhere", "--unit", "observation"], "Make one: bayesmixed fit"),
        (["compare-priors", "herd", "--data", "nothing.csv"], "'nothing.csv' does not exist"),
    ],
)
def test_a_refused_model_is_one_line_and_code_1(arguments, message):
    result = run(*arguments)
    errors = [line for line in result.stderr.splitlines() if not line.startswith("note: ")]
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(errors) == 1
    assert errors[0].startswith("error: ")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fti"],
        ["show"],
        ["check", "herd"],
        ["check", "herd", "--data", CBPP, "--missing", "maybe"],
        ["check", "herd", "--data", CBPP, "--prior", "sd_herd"],
        ["fit", "herd"],
        ["check", "herd", CBPP, "--data", CBPP],
        ["compare", "one", "two"],
        ["compare-priors", "herd", "--data", CBPP, "--set", "wide"],
        ["fit", "herd", "--data", CBPP, "--out", "out", "--chains", "0"],
    ],
)
def test_wrong_usage_is_code_2(arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "kind", "message"),
    [
        (["show", "herdd", "--json"], 1, "SpecError", "Did you mean 'herd'?"),
        (["check", "herd", "nothing.csv", "--json"], 1, "DataError", "does not exist"),
        (["fit", "herd", "--json", "--chains", "0"], 2, "UsageError", "Invalid value for '--chains'"),
        (["predict", "nowhere", "--json"], 1, "DataError", "Make one: bayesmixed fit"),
        (["--foo", "--json"], 2, "UsageError", "No such option: --foo"),
        (["shwo", "--json"], 2, "UsageError", "Did you mean 'show'?"),
    ],
)
def test_errors_are_json_where_results_are(arguments, code, kind, message):
    result = run(*arguments)
    assert result.exit_code == code
    said = json.loads(result.stdout)
    assert said["error"] == kind
    assert message in said["message"]


def test_the_version_is_that_of_the_package():
    result = run("--version")
    assert (result.exit_code, result.stdout.strip()) == (0, bm.__version__)
    assert bm.__version__ == version("bayesmixed")


def test_an_interruption_is_code_130():
    interrupted = typer.Typer(cls=Commands)

    @interrupted.command()
    def wait() -> None:
        raise KeyboardInterrupt

    @interrupted.command()
    def other() -> None: ...

    assert CliRunner().invoke(interrupted, ["wait"]).exit_code == 130
