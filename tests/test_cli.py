"""The command line, run as a user runs it; one test samples."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import bayesmixed as bm
from bayesmixed.cli import _Commands, app
from bayesmixed.results import open_folder
from bayesmixed.spec_files import spec_from_toml

SHIPPED = Path(bm.__file__).parent / "data"
CBPP = str(SHIPPED / "cbpp.csv")
SLEEP = str(SHIPPED / "sleepstudy.csv")
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


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


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


def test_specs_lists_every_shipped_spec():
    result = run("specs")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines() if line[:1].strip()] == bm.list_specs()


@pytest.mark.parametrize("name", bm.list_specs())
def test_show_prints_a_file_that_says_the_same(name):
    result = run("show", name)
    assert result.exit_code == 0
    assert bm.load_spec(name).question in result.output
    assert spec_from_toml(result.output.split("As a file:")[1]) == bm.load_spec(name)


def test_show_applies_options_to_a_formula():
    result = run(
        *("show", "y | trials(n) ~ period + (1 | farm) + (1 | vet)", "--family", "binomial", "--link", "probit"),
        *("--prior", "sd_farm=HalfNormal(0.5)", "--prior", "beta[x == 1]=Normal(mu=0, sigma=2)"),
        *("--factor", "period", "--crossed", "vet"),
    )
    spec = spec_from_toml(result.output.split("As a file:")[1])
    assert spec.link("mu").name == "probit"
    assert {key: str(prior) for key, prior in spec.priors.items()} == {
        "sd_farm": "HalfNormal(0.5)",
        "beta[x == 1]": "Normal(0, 2)",
    }
    assert (spec.factors, spec.crossed) == (("period",), ("vet",))
    assert "is assumed" not in result.output


def test_show_prints_the_priors_as_rules_and_with_data_as_numbers():
    assert "Normal(logit(mean of incidence / size), 2.5)" in run("show", "herd").output
    result = run("show", "herd", "--data", CBPP, "--prior", "sd_herd=HalfNormal(1)")
    assert result.exit_code == 0
    assert "Normal(-2.011, 2.5)" in result.output
    assert "typical odds ratio between two levels of herd" in result.output
    assert spec_from_toml(result.output.split("As a file:")[1]).priors


def test_schema_prints_the_schema_of_spec_files():
    result = run("schema")
    assert result.exit_code == 0
    assert json.loads(result.output)["properties"]["formula"]["type"] == "string"


def test_a_formula_without_family_is_gaussian_and_says_so():
    assert "note: no --family given: family gaussian is assumed" in run("show", "y ~ x").output


def test_check_prints_equations_and_priors():
    result = run("check", "herd", "--data", CBPP, "--prior", "sd_herd=HalfNormal(1)")
    assert result.exit_code == 0
    assert "incidence_ij | b_i ~ Binomial(size_ij, μ_ij)" in result.output
    assert "HalfNormal(1)" in result.output
    assert result.output.endswith("The data suit the model.\n")


def test_check_prints_notes_of_a_statistician_as_lines():
    result = run("check", "incidence | trials(size) ~ (1 | period)", "--family", "binomial", "--data", CBPP)
    assert result.exit_code == 0
    assert "note: 'period' has 4 levels" in result.stderr


def test_check_drops_missing_values_only_when_told(tmp_path):
    data = bm.datasets.load("cbpp")
    data["incidence"] = data["incidence"].where(data.index != 3)
    data.to_csv(tmp_path / "data.csv", index=False)
    refused = run("check", "herd", "--data", tmp_path / "data.csv")
    assert (refused.exit_code, "1 of 56 rows have missing values" in refused.stderr) == (1, True)
    result = run("check", "herd", "--data", tmp_path / "data.csv", "--missing", "drop")
    assert (result.exit_code, "1 rows with missing values were left out; 55 remain" in result.stderr) == (0, True)


@pytest.mark.parametrize(
    ("formula", "levels"),
    [
        ("y ~ x + (1 | id)", "i for 4 levels of id"),
        ("y ~ x + (1 | id) + (1 | x)", "j for 3 levels of x"),
        ("y ~ factor(id)", "β3·id[T.010]_i"),
    ],
)
def test_ids_of_groups_are_read_as_text_and_numbers_as_numbers(tmp_path, formula, levels):
    ids = ["001", "1", "1.10", "010"] * 3
    table = pd.DataFrame({"id": ids, "x": [1, 2, 3] * 4, "y": [1.0, 2, 4, 3, 5, 7, 6, 9, 8, 2, 1, 4]})
    table.to_csv(tmp_path / "data.csv", index=False)
    result = run("check", formula, "--data", tmp_path / "data.csv", "--family", "gaussian")
    assert result.exit_code == 0, result.output
    assert levels in result.output


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
        (["fit", "herd", "--data", CBPP, "--out", CBPP], "cannot be made"),
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
        ["fit", "herd", "--data", CBPP],
        ["fit", "herd", "--data", CBPP, "--out", "out", "--chains", "0"],
    ],
)
def test_wrong_usage_is_code_2(arguments):
    assert run(*arguments).exit_code == 2


def test_an_interruption_is_code_130():
    interrupted = typer.Typer(cls=_Commands)

    @interrupted.command()
    def wait() -> None:
        raise KeyboardInterrupt

    @interrupted.command()
    def other() -> None: ...

    assert CliRunner().invoke(interrupted, ["wait"]).exit_code == 130


def test_an_earlier_fit_is_not_overwritten_unasked(tmp_path):
    (tmp_path / "fit.nc").write_text("an expensive fit")
    result = run("fit", "herd", "--data", CBPP, "--out", tmp_path)
    assert (result.exit_code, "holds an earlier fit" in result.stderr) == (1, True)
    assert (tmp_path / "fit.nc").read_text() == "an expensive fit"
    open_folder(tmp_path, overwrite=True)


@pytest.mark.slow
def test_fit_writes_the_fit_its_tables_and_its_plot(tmp_path):
    out = tmp_path / "new" / "folder"
    result = run(*("fit", "herd", "--data", CBPP, "--out", out, "--chains", "2", "--draws", "200", "--seed", "1"))
    assert result.exit_code == 0, result.output
    fit = bm.load_fit(out / "fit.nc")
    assert (fit.settings.chains, fit.settings.draws, fit.settings.seed) == (2, 200, 1)
    rows = {path.name: len(pd.read_csv(path)) for path in out.glob("*.csv")}
    assert rows["population_effects.csv"] == 1
    assert rows["group_effects.csv"] == rows["shrinkage_herd.csv"] == 15
    assert {"variance_components.csv", "icc.csv"} < set(rows)
    assert (out / "shrinkage_herd.png").read_bytes()[:4] == b"\x89PNG"
    page = (out / "summary.txt").read_text(encoding="utf-8")
    assert "logit(μ_ij) = β0 + b_i" in page
    assert "seed 1" in page
    assert "2 parameters estimated, 15 herd effects predicted" in result.output
