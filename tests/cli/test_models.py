"""Commands about models and data, before anything is sampled."""

import json

import pandas as pd
import pytest
from cli_runs import CBPP, run
from survey_data import classroom
from typer.testing import CliRunner

import bayesmixed as bm
from bayesmixed.cli import app
from bayesmixed.spec.files import spec_from_toml


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


def test_show_prints_the_priors_as_rules_and_with_data_as_numbers():
    assert "Normal(logit(mean of" in run("show", "herd").output
    result = run("show", "herd", "--data", CBPP, "--prior", "sd_herd=HalfNormal(1)")
    assert result.exit_code == 0
    assert "Normal(-2.011, 2.5)" in result.output
    assert "typical odds ratio" in result.output
    assert spec_from_toml(result.output.split("As a file:")[1]).priors


def test_schema_prints_the_schema_of_spec_files():
    result = run("schema")
    assert result.exit_code == 0
    assert json.loads(result.output)["properties"]["formula"]["type"] == "string"


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


def test_the_command_prints_the_report_and_refuses_with_code_1(tmp_path):
    classroom().to_csv(tmp_path / "class.csv", index=False)
    arguments = ["--data", str(tmp_path / "class.csv"), "--family", "gaussian"]
    refused = CliRunner().invoke(app, ["check", "mathscore ~ ses + (1 | school) + (1 | class)", *arguments])
    assert refused.exit_code == 1
    assert "school 1: class 1, 2, 3, 4, 5" in refused.stdout
    assert refused.stderr.startswith("error: The labels of 'class' start again")
    done = CliRunner().invoke(app, ["check", "mathscore ~ ses + (1 | school/class)", *arguments])
    assert (done.exit_code, "is nested in 'school'" in done.stdout) == (0, True)
