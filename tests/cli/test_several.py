"""Commands on models and fits of several responses."""

import json

import numpy as np
import pandas as pd
import pytest
from cli_runs import run
from joint_models import FORMULAS, fit_of_both, prepared, table

import bayesmixed as bm

TRUTH = {
    "beta_y1": 0.5,
    "beta_y2": 0.5,
    "sd_g_y1": 1.0,
    "sd_g_y2": 1.0,
    "corr_g": 0.5,
    "sigma_y1": 1.0,
    "sigma_y2": 1.0,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a spec, its table, and a fit that was not sampled."""
    place = tmp_path_factory.mktemp("both")
    data = table()
    spec = bm.JointSpec(
        models=FORMULAS,
        simulation={
            "groups": {"g": {"count": 5, "rows": 4}},
            "columns": {"x": {"normal": [0, 1]}, "z": {"normal": [0, 1]}},
            "truth": TRUTH,
        },
    )
    bm.save_spec(spec, place / "both.toml")
    data.to_csv(place / "rows.csv", index=False)
    bm.save_fit(fit_of_both(prepared(data, rescor=True), jitter=0.05), place / "fit.nc")
    return place


def test_show_prints_the_priors_of_each_and_of_all(folder):
    result = run("show", folder / "both.toml", folder / "rows.csv")
    assert result.exit_code == 0, result.output
    for said in ("y1 ~ 1 + x + (1 + x |p| g)", "Priors of several responses", "corr_g", "As a file:"):
        assert said in result.stdout
    told = json.loads(run("show", folder / "both.toml", "--json").stdout)
    assert list(told["responses"]) == ["y1", "y2"]
    assert bm.JointSpec is type(_read_back(told["toml"], folder))


def _read_back(text, folder):
    (folder / "again.toml").write_text(text)
    return bm.prepare_joint(str(folder / "again.toml"), folder / "rows.csv").spec


def test_check_looks_at_each_response_and_at_all(folder, tmp_path):
    result = run("check", folder / "both.toml", folder / "rows.csv")
    assert result.exit_code == 0, result.output
    for said in ("Responses together", "Cor(b0_y1,i, b1_y1,i, b_y2,i) = R_g", "The data suit the models."):
        assert said in result.stdout
    table().assign(x=1.0).to_csv(tmp_path / "bad.csv", index=False)
    result = run("check", folder / "both.toml", tmp_path / "bad.csv")
    assert (result.exit_code, "error: Response 'y1':" in result.output) == (1, True)
    told = json.loads(run("check", folder / "both.toml", tmp_path / "bad.csv", "--json").stdout)
    assert (told["suits"], told["refusal"].startswith("Response 'y1':")) == (False, True)


def test_simulate_writes_all_responses(folder, tmp_path):
    result = run("simulate", folder / "both.toml", "--out", tmp_path / "made.csv", "--seed", "1")
    assert result.exit_code == 0, result.output
    assert {"y1", "y2"} < {*pd.read_csv(tmp_path / "made.csv")}
    assert "sd_g_y2[Intercept]" in pd.read_csv(tmp_path / "made-truth.csv")["name"].tolist()


def test_predict_lists_the_responses_one_below_the_other(folder, tmp_path):
    rows = pd.DataFrame({"x": [0.0, 1.0], "z": [1.0, 0.0], "g": ["g0", "new"]})
    rows.to_csv(tmp_path / "new.csv", index=False)
    result = run(
        "predict", folder, tmp_path / "new.csv", "--groups", "any", "--seed", "1", "--out", tmp_path / "made.csv"
    )
    assert result.exit_code == 0, result.output
    made = pd.read_csv(tmp_path / "made.csv")
    expected = bm.predict(bm.load_fit(folder / "fit.nc"), rows, groups="any", seed=1)
    assert made["response"].tolist() == ["y1", "y1", "y2", "y2"]
    means = np.concatenate([expected[name].mean(("chain", "draw")).values for name in ("y1", "y2")])
    np.testing.assert_allclose(made["mean"], means)
    told = json.loads(run("predict", folder, "--json").stdout)
    assert len(told["rows"]) == 80


def test_effects_report_and_compare_take_fits_of_several_responses(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("bayesmixed.report.joint_documents.write_document", lambda fit, data: "a page")
    assert run("effects", folder).stdout.startswith("y1\n")
    assert list(json.loads(run("effects", folder, "--json").stdout)) == ["y1", "y2"]
    result = run("report", folder, "--out", tmp_path / "both.html")
    assert result.exit_code == 0, result.output
    assert {one.name for one in tmp_path.iterdir()} == {"both.html", "both-y1.html", "both-y2.html"}
    assert "--verify is for fits of one response" in run("report", folder, "--verify", "3").output
    bm.save_fit(fit_of_both(prepared(table()), jitter=0.05), tmp_path / "other.nc")
    result = run("compare", folder, tmp_path / "other.nc", "--unit", "observation", "--json")
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["models"]) == 2
