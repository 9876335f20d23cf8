"""Tables of commands: files, named in two ways, and standard input."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
from cli_runs import CBPP
from typer.testing import CliRunner

from bayesmixed.cli.application import app
from bayesmixed.cli.tables import TableFile

CHECK = ("check", "herd", "--json")


def run(*arguments, **options):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)


@pytest.mark.parametrize("given", [(CBPP,), ("--data", CBPP)])
def test_a_table_is_named_with_or_without_its_option(given):
    result = run(*CHECK, *given)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["rows"] == 56


@pytest.mark.parametrize("given", [("-",), ("--data", "-")])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_table_is_read_from_standard_input(given, pack):
    assert json.loads(run(*CHECK, *given, input=pack(Path(CBPP).read_bytes())).stdout)["rows"] == 56


def test_standard_input_may_be_parquet_and_have_the_options_of_a_table(tmp_path):
    table = pd.read_csv(CBPP)
    table.to_parquet(tmp_path / "herds.parquet")
    assert json.loads(run(*CHECK, "-", input=(tmp_path / "herds.parquet").read_bytes()).stdout)["rows"] == 56
    text = table.to_csv(index=False, sep=";").encode("utf-16")
    assert json.loads(run(*CHECK, "-", "--separator", ";", "--encoding", "utf-16", input=text).stdout)["rows"] == 56


@pytest.mark.parametrize("content", [b"", b" \n"])
def test_empty_standard_input_is_refused(content):
    result = run("check", "herd", "-", input=content)
    assert result.exit_code == 1
    assert "Standard input is empty" in result.stderr


def test_without_a_table_the_error_says_how_to_give_one():
    assert "--data FILE" in run("check", "herd").stderr


def test_a_table_from_standard_input_is_kept_beside_its_fit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = Path(CBPP).read_bytes()
    result = run("fit", "herd", "-", "--draws", "100", "--seed", "1", "--json", input=content)
    assert result.exit_code == 0, result.output
    folder = tmp_path / "bayesmixed-fit"
    assert (folder / "standard-input.csv").read_bytes() == content
    assert "standard-input.csv" in (folder / "report.html").read_text()
    assert run("fit", "herd", CBPP).exit_code == 1, "an earlier fit is not replaced"


def test_a_file_is_read_where_it_lies(tmp_path):
    table = TableFile(Path(CBPP), {})
    assert table.keep(tmp_path) is table
    assert not list(tmp_path.iterdir())
