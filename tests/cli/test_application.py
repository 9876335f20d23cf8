"""The command line, run as a user runs it; one test samples."""

import json
import subprocess
import sys
from inspect import signature
from pathlib import Path

import pandas as pd
import pytest
import typer
from fixed_draws import fit_at
from typer.testing import CliRunner

import bayesmixed as bm
from bayesmixed.cli.application import Commands, app
from bayesmixed.cli.fits import _read_set, compare_priors, fit
from bayesmixed.cli.models import check, show, simulate
from bayesmixed.cli.options import complete_spec
from bayesmixed.report.result_folders import replaced_folder
from bayesmixed.spec.files import spec_from_toml

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


@pytest.mark.parametrize("seed", ["-1", str(2**63), "1.5", "x"])
def test_an_impossible_seed_is_wrong_usage(seed, tmp_path):
    assert run("simulate", "herd", "--out", tmp_path / "made.csv", "--seed", seed).exit_code == 2


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


def test_the_names_of_shipped_specs_are_completed():
    assert complete_spec("herd_") == [name for name in bm.list_specs() if name.startswith("herd_")]
    assert len(complete_spec("herd_")) >= 1


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["show", "herd"], {"formula", "toml", "priors", "implications", "notes"}),
        (["show", "herd", "--data", CBPP], {"formula", "toml", "priors", "implications", "notes"}),
        (["check", "herd", "--data", CBPP], {"suits", "refusal", "notes", "rows", "missing", "levels", "predictors"}),
    ],
)
def test_json_holds_what_the_text_says(arguments, keys):
    result = run(*arguments, "--json")
    assert result.exit_code == 0
    assert keys <= set(json.loads(result.stdout))


def test_specs_as_json_are_the_shipped_specs():
    listed = json.loads(run("specs", "--json").stdout)
    assert [entry["name"] for entry in listed] == bm.list_specs()
    assert all(bm.load_spec(entry["name"]).formula == entry["formula"] for entry in listed)


def test_data_that_do_not_suit_are_so_in_json_and_in_the_exit_code(tmp_path):
    table = pd.DataFrame({"y": [1.0, 2, 3, 4], "g": ["a"] * 4})
    table.to_csv(tmp_path / "one.csv", index=False)
    result = run("check", "y ~ 1 + (1 | g)", "--family", "gaussian", "--data", tmp_path / "one.csv", "--json")
    assert (result.exit_code, json.loads(result.stdout)["suits"]) == (1, False)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return two folders with fits of one model, not sampled."""
    folders = []
    for number, intercept in enumerate((-2.0, -1.5)):
        design = bm.prepare("herd", bm.datasets.load("cbpp"))
        fit = fit_at(design, {"beta": intercept, "sd_herd": 0.8}, jitter=0.1)
        folders.append(tmp_path_factory.mktemp(f"fit{number}"))
        bm.save_fit(fit, folders[-1] / "fit.nc")
    return folders


def test_report_writes_beside_the_fit_or_where_told(saved, tmp_path):
    result = run("report", saved[0])
    assert result.exit_code == 0, result.output
    assert (saved[0] / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert run("report", saved[0] / "fit.nc", "--out", tmp_path / "other.html").exit_code == 0
    assert (tmp_path / "other.html").exists()


def test_predict_gives_what_the_function_gives(saved, tmp_path):
    rows = pd.DataFrame({"herd": ["1", "99"], "size": [10, 20]})
    rows.to_csv(tmp_path / "new.csv", index=False)
    arguments = ("predict", saved[0], "--data", tmp_path / "new.csv", "--seed", "3")
    refused = run(*arguments)
    assert (refused.exit_code, "'99'" in refused.stderr or "99" in refused.stderr) == (1, True)
    result = run(*arguments, "--groups", "new", "--json")
    fit = bm.load_fit(saved[0] / "fit.nc")
    expected = bm.predict(fit, rows, groups="new", seed=3)["mean"].mean(("chain", "draw")).values
    made = json.loads(result.stdout)["rows"]
    assert [row["mean"] for row in made] == pytest.approx(expected)
    assert [row["herd"] for row in made] == ["1", "99"]
    written = run(*arguments, "--groups", "new", "--out", tmp_path / "made.csv")
    assert "2 rows written" in written.stdout
    assert pd.read_csv(tmp_path / "made.csv")["mean"].to_numpy() == pytest.approx(expected)


def test_predict_without_rows_predicts_those_of_the_fit(saved):
    assert len(json.loads(run("predict", saved[0], "--json").stdout)["rows"]) == 56


def test_compare_ranks_the_folders_by_name(saved):
    result = run("compare", *saved, "--unit", "observation", "--json")
    assert result.exit_code == 0, result.output
    models = [row["model"] for row in json.loads(result.stdout)["models"]]
    assert sorted(models) == sorted(folder.name for folder in saved)
    assert saved[0].name in run("compare", *saved, "--unit", "observation").stdout
    assert "a new herd" in json.loads(run("compare", *saved, "--unit", "herd", "--json").stdout)["estimand"]
    refused = run("compare", *saved, "--unit", "hrd")
    assert (refused.exit_code, "herd" in refused.stderr) == (1, True)


def test_commands_that_take_a_spec_take_the_same_arguments_for_it():
    taken = [set(signature(command).parameters) for command in (show, check, fit, compare_priors, simulate)]
    assert set.intersection(*taken) >= {"spec", "family", "prior", "link", "factor", "crossed"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wide=wide", ("wide", "wide")),
        ("half=0.5", ("half", 0.5)),
        (
            "mine=sd_herd=HalfNormal(1); beta[x]=Normal(0, 1)",
            ("mine", {"sd_herd": "HalfNormal(1)", "beta[x]": "Normal(0, 1)"}),
        ),
    ],
)
def test_prior_sets_are_words_numbers_or_priors_by_name(text, expected):
    assert _read_set(text) == expected


@pytest.mark.slow
def test_compare_priors_fits_each_set():
    arguments = ("compare-priors", "herd", "--data", CBPP, "--chains", "2", "--draws", "200", "--seed", "1")
    result = run(*arguments, "--set", "spec=1", "--set", "tight=sd_herd=HalfNormal(0.1)", "--json")
    assert result.exit_code == 0, result.output
    means = {r["set"]: r["mean"] for r in json.loads(result.stdout)["quantities"] if r["quantity"] == "sd"}
    assert means["tight"] < 0.5 * means["spec"]


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
    assert (refused.exit_code, "1 of 56 rows has missing values" in refused.stderr) == (1, True)
    result = run("check", "herd", "--data", tmp_path / "data.csv", "--missing", "drop")
    assert (result.exit_code, "1 row with missing values was left out; 55 rows remain" in result.stderr) == (0, True)


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
        ["fit", "herd", "--data", CBPP],
        ["compare", "one", "two"],
        ["compare-priors", "herd", "--data", CBPP, "--set", "wide"],
        ["fit", "herd", "--data", CBPP, "--out", "out", "--chains", "0"],
    ],
)
def test_wrong_usage_is_code_2(arguments):
    assert run(*arguments).exit_code == 2


def test_an_interruption_is_code_130():
    interrupted = typer.Typer(cls=Commands)

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
    with replaced_folder(tmp_path, overwrite=True):
        pass


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
    assert (out / "report.html").exists()
    assert (out / "shrinkage_herd.png").read_bytes()[:4] == b"\x89PNG"
    page = (out / "summary.txt").read_text(encoding="utf-8")
    assert "logit(μ_ij) = β0 + b_i" in page
    assert "seed 1" in page
    assert "2 parameters estimated, 15 herd effects predicted" in result.output
