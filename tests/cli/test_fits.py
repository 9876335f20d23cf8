"""Commands that sample."""

import html
import json

import joint_models
import pandas as pd
import pytest
from cli_runs import CBPP, run
from imputed import imputed_tables

import bayesmixed as bm
from bayesmixed.cli.fits import _read_set
from bayesmixed.report.result_folders import replaced_folder


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


@pytest.mark.slow
def test_compare_priors_fits_each_set_to_each_structure_and_draws_them(tmp_path):
    arguments = ("compare-priors", "herd", "--data", CBPP, "--chains", "2", "--draws", "500", "--seed", "1", "--json")
    sets = ("--set", "spec=1", "--set", "tight=sd_herd=HalfNormal(0.1)", "--picture", tmp_path / "all.png")
    result = run(
        *arguments, *sets, "--structure", "period=~ . + period", "--structure", "flat=~ 1 ", "--unit", "observation"
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [(r["structure"], r["set"]) for r in found["specifications"]] == [
        ("spec", "spec"),
        ("spec", "tight"),
        ("period", "spec"),
        ("period", "tight"),
        ("flat", "spec"),
    ]
    assert (tmp_path / "all.png").stat().st_size > 10_000
    refused = run(*arguments, *sets, "--structure", "odd")
    assert (refused.exit_code, "NAME=VALUE" in refused.stderr) == (2, True)


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
    again = run("report", out, "--out", tmp_path / "again.html")
    assert again.exit_code == 0, again.output
    for report in (out / "report.html", tmp_path / "again.html"):
        assert repr(str(CBPP)) in html.unescape(report.read_text(encoding="utf-8"))
    assert (out / "shrinkage_herd.png").read_bytes()[:4] == b"\x89PNG"
    page = (out / "summary.txt").read_text(encoding="utf-8")
    assert "logit(μ_ij) = β0 + b_i" in page
    assert "seed 1" in page
    assert "2 parameters estimated, 15 herd effects predicted" in result.output


def write_tables(folder, count):
    paths = [folder / f"{number}.csv" for number in range(count)]
    for table, path in zip(imputed_tables(count, rows=40), paths, strict=True):
        table.to_csv(path, index=False)
    return paths


def test_imputed_tables_are_fitted_together(tmp_path):
    first, *others = write_tables(tmp_path, 3)
    more = [word for path in others for word in ("--imputed", path)]
    given = ("fit", "y ~ x + (1 | g)", first, "--family", "gaussian", "--chains", "2", "--draws", "100", "--seed", "1")
    result = run(*given, *more, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    fit = bm.load_fit(tmp_path / "out" / "fit.nc")
    assert (fit.settings.tables, fit.settings.chains, len(fit.design.imputed.tables)) == (3, 6, 3)
    assert bm.icc(fit)["effect"][0] == "icc"
    assert "bm.missing_information(fit)" in (tmp_path / "out" / "summary.txt").read_text()
    answered = run("effects", tmp_path / "out")
    assert answered.exit_code == 0, answered.output


def test_tables_of_other_rows_are_refused_before_sampling(tmp_path):
    first, second = write_tables(tmp_path, 2)
    pd.read_csv(second).head(30).to_csv(second, index=False)
    given = ("fit", "y ~ x", first, "--imputed", second, "--family", "gaussian", "--out", tmp_path / "out")
    assert "Imputed table 2 has 30 rows" in run(*given).output
    assert "give the first one" in run("fit", "y ~ x", "--imputed", first, "--simulate").output


def two_responses(folder):
    """Write a model of two responses and its table; return their paths."""
    bm.save_spec(bm.JointSpec(models=["y1 ~ x + (1 |p| g)", "y2 ~ x + (1 |p| g)"]), folder / "both.toml")
    joint_models.table().to_csv(folder / "rows.csv", index=False)
    return folder / "both.toml", folder / "rows.csv"


def test_models_of_several_responses_are_refused_where_they_cannot_be(tmp_path):
    model, rows = two_responses(tmp_path)
    for arguments in (("compare-priors", model, rows), ("fit-many", model, rows, "--by", "g")):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "holds models of several responses, which this command does not take" in result.output
    result = run("fit", model, rows, "--imputed", rows)
    assert "--imputed is for models of one response" in result.output
    result = run("fit", model, "--simulate", "--out", tmp_path / "out")
    assert "The spec has no [simulation] section" in result.output
    result = run("fit", model, rows, "--parameter", "sigma ~ x")
    assert "With several formulas it belongs to one of them" in result.output


@pytest.mark.slow
def test_several_responses_are_fitted_from_a_file(tmp_path):
    model, rows = two_responses(tmp_path)
    out = tmp_path / "out"
    arguments = ("--chains", "2", "--draws", "40", "--tune", "100", "--seed", "1", "--prior", "corr_g=LKJ(3)", "--json")
    result = run("fit", model, rows, "--out", out, *arguments)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["files"] == [
        "fit.nc",
        "summary.txt",
        "model.toml",
        "effects.csv",
        "report.html",
        "report-y1.html",
        "report-y2.html",
    ]
    assert said["formula"] == ["y1 ~ 1 + x + (1 |p| g)", "y2 ~ 1 + x + (1 |p| g)"]
    assert {one["response"] for one in said["estimates"]} == {"y1", "y2", ""}
    joint = bm.load_fit(out / "fit.nc")
    assert str(joint.design.priors["corr_g"].prior) == "LKJ(3)"
    assert run("report", out).exit_code == 0
