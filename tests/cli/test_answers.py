"""Commands that read fits from their folders."""

import json

import pandas as pd
import pytest
from cli_runs import run
from fixed_draws import fit_at

import bayesmixed as bm


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


def test_report_verifies_the_fit_where_asked(saved, tmp_path):
    result = run("report", saved[0], "--out", tmp_path / "report.html", "--verify", "0")
    assert result.exit_code == 0, result.output
    assert "NOT VERIFIED: " in result.stdout  # its draws are made up
    assert 'id="verification"' in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_effects_says_what_the_function_says(saved):
    described = bm.describe_effects(bm.load_fit(saved[0] / "fit.nc"))
    result = run("effects", saved[0])
    assert (result.exit_code, result.stdout.strip()) == (0, str(described))
    told = json.loads(run("effects", saved[0], "--json").stdout)
    assert tuple(told["sentences"]) == described.sentences
    assert len(told["effects"]) == len(described.table)


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


@pytest.mark.parametrize("family", ["cumulative", "categorical"])
def test_predict_gives_the_probability_of_each_category(family, tmp_path):
    rows = pd.DataFrame({"y": [1, 2, 3, 2] * 3, "x": range(12)})
    design = bm.prepare("y ~ x", rows, family=family)
    fit = fit_at(
        design, {"beta": 0.1, "threshold": [-1.0, 1.0], "beta_mu_2": [0.1, 0.2], "beta_mu_3": [0.3, -0.2]}, jitter=0.1
    )
    bm.save_fit(fit, tmp_path / "fit.nc")
    result = run("predict", tmp_path, "--kind", "probability", "--json")
    assert result.exit_code == 0, result.output
    found = pd.DataFrame(json.loads(result.stdout)["rows"])
    expected = bm.predict(fit, kind="probability")["probability"].mean(("chain", "draw")).values
    assert list(found["category"][:3]) == ["1", "2", "3"]
    assert found["mean"].to_numpy().reshape(12, 3) == pytest.approx(expected)


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
