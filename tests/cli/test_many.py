"""The command that fits one model to many tables: a folder of fits, tables, exit codes."""

import json

import pandas as pd
import pytest
from cli_runs import SLEEP, run
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed import many_fits


@pytest.fixture(autouse=True)
def unsampled(monkeypatch):
    def fake(spec, data, *, missing, na, **settings):
        return fit_at(bm.prepare(spec, data, missing=missing, na=na), {"sigma": 25.0}, jitter=1.0)

    monkeypatch.setattr(many_fits, "fit", fake)


@pytest.fixture
def rows(tmp_path):
    found = pd.read_csv(SLEEP, dtype={"Subject": str}).query("Subject < '311'")
    found.to_csv(tmp_path / "rows.csv", index=False)
    return found


def test_a_folder_holds_the_fits_and_two_tables(tmp_path, rows):
    out = tmp_path / "fits"
    asked = ("fit-many", "Reaction ~ Days", tmp_path / "rows.csv", "--by", "Subject", "--out", out, "--processes", 1)
    done = run(*asked)
    assert done.exit_code == 0
    assert "3 of 3 tables fitted" in done.output
    assert len(list(out.glob("*.nc"))) == 3
    assert len(pd.read_csv(out / "diagnosis.csv")) == 3
    assert len(pd.read_csv(out / "estimates.csv")) == 3 * 3
    again = run(*asked, "--json")
    assert len(json.loads(again.stdout)["diagnosis"]) == 3
    assert len(list(out.glob("*.nc"))) == 3


def test_failures_are_listed_and_end_with_code_1(tmp_path, rows):
    rows.loc[rows["Subject"] == "309", "Reaction"] = 250.0
    rows.to_csv(tmp_path / "rows.csv", index=False)
    options = (tmp_path / "rows.csv", "--out", tmp_path / "fits", "--processes", 1)
    done = run("fit-many", "Reaction ~ Days", *options, "--by", "Subject")
    assert done.exit_code == 1
    assert "2 of 3 tables fitted" in done.output
    assert "Did you mean 'Subject'" in run("fit-many", "Reaction ~ Days", *options, "--by", "Subjects").output
