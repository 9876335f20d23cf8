"""Fits on disk."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm

SHIPPED = Path(bm.__file__).parent / "data" / "herd_period.nc"
GROUPED = {
    "y": [3.1, 2.7, 4.0, 5.2, 4.9, 1.0, 1.8, 2.2, 2.9, 3.3, 3.6],
    "g": list("aaabbccddee"),
    "x y": [1.0, 2, 3, 1, 2, 1, 2, 3, 4, 2, 5],
}


@pytest.fixture
def small_fit():
    design = bm.prepare("y ~ `x y` + (1 | g)", GROUPED)
    return fit_at(design, {"beta": [3.0, 0.1], "sd_g": 1.2, "sigma": 0.8}, jitter=0.01)


def test_a_loaded_fit_gives_the_same_tables_and_predictions(small_fit, tmp_path):
    loaded = bm.load_fit(bm.save_fit(small_fit, tmp_path / "fit.nc"))
    xr.testing.assert_equal(loaded.posterior, small_fit.posterior)
    assert loaded.design.spec == small_fit.design.spec
    assert loaded.design.priors == small_fit.design.priors
    assert (loaded.settings, loaded.engine) == (small_fit.settings, small_fit.engine)
    for function in (bm.population_effects, bm.group_effects, bm.variance_components, bm.icc, bm.shrinkage):
        assert function(loaded).equals(function(small_fit)), function
    new = {"g": ["a", "z"], "x y": [0.5, 0.5]}
    xr.testing.assert_equal(
        bm.predict(loaded, new, groups="new", seed=1), bm.predict(small_fit, new, groups="new", seed=1)
    )
    assert str(bm.summary(loaded)) == str(bm.summary(small_fit))


@pytest.mark.parametrize(
    ("formula", "options", "data"),
    [
        ("incidence | trials(size) ~ C(period) + (1 | herd)", {"family": "binomial"}, lambda: classic("lme4", "cbpp")),
        ("Reaction ~ poly(Days, 2) + (Days | Subject)", {}, lambda: classic("lme4", "sleepstudy")),
        ("sqrt(strength) ~ 1 + (1 | batch/cask)", {}, lambda: classic("lme4", "Pastes")),
        (
            "total.fruits ~ status*amd + (1 | gen) + obs()",
            {"family": "poisson"},
            lambda: classic("lme4", "Arabidopsis"),
        ),
        (
            "(strength > 60) ~ 1 + (1 | sample_name)",
            {"family": "bernoulli"},
            lambda: classic("lme4", "Pastes").rename(columns={"sample": "sample_name"}),
        ),
    ],
)
def test_every_kind_of_column_survives_the_file(formula, options, data, tmp_path):
    design = bm.prepare(bm.from_formula(formula, **options), data())
    fit = fit_at(design, {"sigma": 1.0}, jitter=0.01)
    loaded = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc")).design
    for name, predictor in design.predictors.items():
        again = loaded.predictors[name]
        np.testing.assert_allclose(again.population.matrix, predictor.population.matrix)
        assert again.population.labels == predictor.population.labels
        assert [g.levels for g in again.groups] == [g.levels for g in predictor.groups]
    np.testing.assert_allclose(loaded.response, design.response)
    assert loaded.priors == design.priors


def test_names_with_slashes_survive_the_file(tmp_path):
    data = {"y": GROUPED["y"], "g": GROUPED["g"], "dose (mg/l)": GROUPED["x y"]}
    fit = fit_at(bm.prepare("y / 2 ~ `dose (mg/l)` + (1 | g)", data), {"sigma": 1.0})
    loaded = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    assert "dose (mg/l)" in loaded.design.table.data.columns


def test_a_missing_folder_is_named(small_fit, tmp_path):
    with pytest.raises(bm.DataError, match="does not exist; make it"):
        bm.save_fit(small_fit, tmp_path / "nowhere" / "fit.nc")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(bm.DataError, match="There is no file"):
        bm.load_fit(tmp_path / "fit.nc")


def test_a_name_finds_the_shipped_fit_and_a_folder_tells_which_files_it_holds(small_fit, tmp_path):
    assert bm.load_fit("herd_period").design.spec == bm.load_spec("herd_period")
    with pytest.raises(bm.DataError, match="only shipped fit is 'herd_period'"):
        bm.load_fit("herdperiod")
    path = bm.save_fit(small_fit, tmp_path / "fit.nc")
    with pytest.raises(bm.DataError, match=re.escape(f"is a folder; a fit is one file that ends in .nc ('{path}')")):
        bm.load_fit(tmp_path)


def test_a_damaged_file_is_refused(small_fit, tmp_path):
    path = bm.save_fit(small_fit, tmp_path / "fit.nc")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(bm.DataError, match="damaged or not a netCDF"):
        bm.load_fit(path)


def test_a_foreign_file_is_refused(tmp_path):
    xr.Dataset({"x": 1}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(bm.DataError, match="not a fit of bayesmixed"):
        bm.load_fit(tmp_path / "other.nc")


def _change(path, edit):
    tree = xr.open_datatree(path, engine="h5netcdf").load()
    tree.close()
    edit(tree)
    path.unlink()
    tree.to_netcdf(path, engine="h5netcdf")


def test_a_newer_format_is_refused(small_fit, tmp_path):
    path = bm.save_fit(small_fit, tmp_path / "fit.nc")
    _change(path, lambda tree: tree.attrs.update(bayesmixed_format=99))
    with pytest.raises(bm.DataError, match="has format 99"):
        bm.load_fit(path)


def _replace_setting(tree, name, value):
    tree.attrs["settings"] = json.dumps(json.loads(tree.attrs["settings"]) | {name: value})


def _put(array):
    array.values.flat[0] += 1


CHANGES = {
    "variable beta of group posterior": lambda tree: _put(tree["posterior"]["beta"]),
    "variable lp of group sample_stats": lambda tree: _put(tree["sample_stats"]["lp"]),
    "variable y of group constant_data": lambda tree: _put(tree["constant_data"]["y"]),
    "variable y of group observed_data": lambda tree: _put(tree["observed_data"]["y"]),
    "attributes of the file": lambda tree: tree.attrs.pop("versions"),
    "attributes of group posterior": lambda tree: tree["posterior"].attrs.update(note="better"),
    "variable frozen_priors of the file": lambda tree: tree.update({"frozen_priors": xr.DataArray("{}")}),
    "the checksums": lambda tree: tree.attrs.pop("sha256"),
}


@pytest.mark.parametrize("damage", CHANGES)
def test_what_was_changed_in_a_file_is_named(small_fit, tmp_path, damage):
    path = bm.save_fit(small_fit, tmp_path / "fit.nc")
    _change(path, CHANGES[damage])
    with pytest.raises(bm.DataError, match=f"damaged or was changed: '{damage}"):
        bm.load_fit(path)


def test_a_changed_file_can_be_rescued_with_a_warning(small_fit, tmp_path):
    path = bm.save_fit(small_fit, tmp_path / "fit.nc")
    _change(path, CHANGES["variable beta of group posterior"])
    with pytest.warns(bm.StatisticsWarning, match="variable beta of group posterior"):
        rescued = bm.load_fit(path, verify=False)
    assert float(rescued.posterior["beta"][0, 0, 0]) == float(small_fit.posterior["beta"][0, 0, 0]) + 1


def _as_format_1(tree):
    tree.attrs.pop("sha256")
    tree.attrs["bayesmixed_format"] = 1
    priors = json.loads(str(tree["frozen_priors"].item()))["priors"]
    tree["frozen_priors"] = xr.DataArray(json.dumps({"priors": priors, "centres": {}}))


def test_a_file_of_format_1_loads_with_a_note(small_fit, tmp_path):
    path = bm.save_fit(small_fit, tmp_path / "fit.nc")
    _change(path, _as_format_1)
    with pytest.warns(bm.StatisticsWarning, match="format 1, without checksums"):
        loaded = bm.load_fit(path)
    xr.testing.assert_equal(loaded.posterior, small_fit.posterior)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda tree: _replace_setting(tree, "chains", -5), "chains=-5 is impossible"),
        (lambda tree: _replace_setting(tree, "draws", "x"), "draws"),
        (lambda tree: _replace_setting(tree, "draws", 49), "2 chains of 49 draws"),
        (lambda tree: _replace_setting(tree, "complete", "perhaps"), "complete"),
        (lambda tree: tree.attrs.update(settings="[1, 2]"), "'settings'"),
        (lambda tree: tree.attrs.update(engine="{}"), "'engine'"),
        (lambda tree: tree.attrs.update(engine=5), "'engine'"),
        (lambda tree: tree.attrs.update(timing='{"sample": "long"}'), "'timing'"),
        (lambda tree: tree.attrs.update(dropped="three"), "'dropped'"),
        (lambda tree: tree.attrs.update(dropped=-3), "'dropped'"),
        (lambda tree: tree.attrs.update(spec="family = 5"), "response"),
        (lambda tree: tree.attrs.pop("spec"), "spec"),
        (lambda tree: tree.update({"frozen_priors": xr.DataArray("{}")}), "priors"),
        (lambda tree: tree["posterior"].update({"beta": xr.DataArray(1.0)}), "other"),
        (lambda tree: _put(tree["constant_data"]["y"]), "not those that the model was fitted to"),
    ],
)
def test_values_of_an_old_file_are_checked_as_when_they_were_made(small_fit, tmp_path, edit, said):
    path = bm.save_fit(small_fit, tmp_path / "fit.nc")
    _change(path, lambda tree: (_as_format_1(tree), edit(tree)))
    with pytest.raises(bm.BayesMixedError, match=said):
        bm.load_fit(path)


@pytest.mark.parametrize("path", ["x" * 5_000, "a\0b", 5, None, b"fit.nc", ["fit.nc"]])
def test_an_impossible_path_is_refused(path):
    for function in (bm.load_fit, bm.read_table):
        with pytest.raises((bm.DataError, bm.SpecError), match=r"path must be|cannot be at"):
            function(path)
    with pytest.raises((bm.DataError, bm.SpecError), match=r"path must be|cannot be written to"):
        bm.save_fit(bm.load_fit("herd_period"), path)


def test_the_attributes_are_plain_text(small_fit, tmp_path):
    path = bm.save_fit(small_fit, tmp_path / "fit.nc")
    attributes = xr.open_datatree(path, engine="h5netcdf").attrs
    assert json.loads(attributes["settings"])["chains"] == 2
    assert attributes["spec"].startswith("formula = ") or "formula = " in attributes["spec"]
