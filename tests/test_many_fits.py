"""Many fits: one model on many tables, with failures, files and other processes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed import many_fits

DATA = bm.datasets.load("sleepstudy")
MODEL = {"spec": "Reaction ~ Days", "data": DATA, "by": "Subject", "processes": 1, "progress": False}


@pytest.fixture
def calls(monkeypatch):
    """Let fits be made without sampling; return the seeds that they were given."""
    seeds = []

    def fake(spec, data, *, seed, na, **settings):
        seeds.append(seed)
        one = fit_at(bm.prepare(spec, data, na=na), {"sigma": 25.0}, jitter=1.0)
        return replace(one, settings=replace(one.settings, seed=seed))

    monkeypatch.setattr(many_fits, "fit", fake)
    return seeds


def test_a_column_splits_a_table(calls):
    fits = bm.fit_many(**MODEL, seed=1)
    assert list(fits) == [str(one) for one in sorted(DATA["Subject"].unique())]
    assert fits["308"].design.rows == 10
    assert fits[308] is fits["308"]
    assert not fits.failures
    assert not fits.left
    np.testing.assert_array_equal(fits["309"].design.response, DATA.query("Subject == '309'")["Reaction"])


def test_tables_by_name_are_those_of_a_column(calls):
    tables = dict(list(DATA.groupby("Subject")))
    fits = bm.fit_many("Reaction ~ Days", tables, seed=1, processes=1, progress=False)
    assert fits.table().equals(bm.fit_many(**MODEL, seed=1).table())


def test_the_seed_of_a_fit_does_not_depend_on_the_other_tables(calls):
    bm.fit_many(**MODEL, seed=1)
    bm.fit_many(**MODEL | {"data": DATA.query("Subject > '330'")}, seed=1)
    assert calls[18:] == calls[4:18]
    assert len(set(calls[:18])) == 18
    bm.fit_many(**MODEL, seed=2)
    assert not set(calls[32:]) & set(calls[:18])


def test_a_table_that_cannot_be_fitted_does_not_stop_the_others(calls):
    tables = {"good": DATA, "empty": DATA.head(0), "without": DATA.drop(columns="Days")}
    said = {}
    fits = bm.fit_many("Reaction ~ Days", tables, processes=1, progress=False, each=said.__setitem__)
    assert list(fits) == ["good"]
    assert set(fits.failures) == {"empty", "without"}
    assert "Days" in fits.failures["without"]
    assert said["good"] is fits["good"]
    assert said["empty"] == fits.failures["empty"]
    assert fits.diagnosis["ok"].tolist()[1:] == [False] * 2
    assert "1 of 3 tables fitted" in str(fits)
    with pytest.raises(KeyError, match="Days"):
        fits["without"]


def test_a_folder_keeps_what_is_done_and_gives_it_back(calls, tmp_path):
    few = MODEL | {"data": DATA.query("Subject < '331'"), "folder": tmp_path / "fits"}
    first = bm.fit_many(**few, seed=1)
    assert len(calls) == 4
    assert not first.read
    again = bm.fit_many(**few | {"data": DATA.query("Subject < '333'")}, seed=1)
    assert len(calls) == 6
    assert again.read == {"308", "309", "310", "330"}
    assert again.table().head(4).equals(first.table())
    assert bm.load_fit(next((tmp_path / "fits").glob("308-*.nc"))).settings.seed == calls[0]
    bm.fit_many(**few)  # without a seed any does
    bm.fit_many(**few)
    assert len(calls) == 10


@pytest.mark.parametrize(
    "change", [{"draws": 7}, {"spec": "Reaction ~ 0 + Days"}, {"seed": 2}, {"priors": {"sigma": "HalfNormal(9)"}}]
)
def test_other_questions_have_other_files(calls, tmp_path, change):
    few = MODEL | {"data": DATA.query("Subject < '309'"), "folder": tmp_path, "seed": 1}
    bm.fit_many(**few)
    assert not bm.fit_many(**few | change).read
    assert bm.fit_many(**few).read == {"308"}


def test_changed_data_and_damaged_files_are_fitted_again(calls, tmp_path):
    few = MODEL | {"data": DATA.query("Subject < '309'"), "folder": tmp_path, "seed": 1}
    bm.fit_many(**few)
    assert not bm.fit_many(**few | {"data": few["data"].assign(Reaction=lambda d: d["Reaction"] + 1.0)}).read
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:-2000])
    assert not bm.fit_many(**few).read
    assert bm.fit_many(**few).read == {"308"}


def test_an_interruption_returns_what_is_done(monkeypatch, calls):
    whole = many_fits.fit

    def stopped(spec, data, **settings):
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(spec, data, **settings)

    monkeypatch.setattr(many_fits, "fit", stopped)
    fits = bm.fit_many(**MODEL)
    assert list(fits) == ["308", "309"]
    assert len(fits.left) == 16


def test_parameters_stand_side_by_side(calls):
    fits = bm.fit_many(**MODEL | {"data": DATA.query("Subject < '310'")}, seed=1)
    table = fits.table()
    assert list(table.columns) == ["Intercept", "Days", "sigma"]
    assert list(table.index) == ["308", "309"]
    assert table.loc["308", "Days"] == pytest.approx(fits["308"].posterior["beta"].values[..., 1].mean())
    assert set(fits.estimates["name"]) == {"308", "309"}
    with pytest.raises(bm.SpecError, match=r"conf\.low"):
        fits.table("conf.lo")


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"by": "Subjekt"}, bm.DataError, "Did you mean 'Subject'"),
        ({"by": None}, bm.SpecError, "by='species'"),
        ({"by": None, "data": {"Reaction": [1.0], "Days": [2.0]}}, bm.SpecError, "by='species'"),
        ({"by": None, "data": {"a": DATA, "b": 5}}, bm.SpecError, "by='species'"),
        ({"by": None, "data": {}}, bm.SpecError, "by='species'"),
        ({"by": None, "data": {1: DATA, "1": DATA}}, bm.SpecError, "same name"),
        ({"data": DATA.head(0)}, bm.DataError, "no rows"),
        ({"data": DATA.assign(Subject=[None, *DATA["Subject"][1:]])}, bm.DataError, "missing in 1 rows"),
        ({"drws": 5}, bm.SpecError, "Did you mean 'draws'"),
        ({"client": object()}, bm.SpecError, "dask"),
        ({"processes": 0}, bm.SpecError, "processes=0"),
        ({"folder": __file__}, bm.DataError, "cannot be made"),
    ],
)
def test_what_is_impossible_is_refused_before_any_fit(calls, change, error, said):
    with pytest.raises(error, match=said):
        bm.fit_many(**MODEL | change)
    assert not calls


@pytest.mark.slow
def test_other_processes_make_the_same_draws(tmp_path):
    few = MODEL | {"data": DATA.query("Subject < '310'"), "draws": 50, "seed": 3}
    tables = {"bad": pd.DataFrame({"Reaction": [1.0]})} | dict(list(few["data"].groupby("Subject")))
    both = bm.fit_many("Reaction ~ Days", tables, draws=50, seed=3, processes=2, folder=tmp_path, progress=False)
    here = bm.fit_many(**few)
    assert list(both.failures) == ["bad"]
    for name, one in here.items():
        assert both[name].posterior.equals(one.posterior)
