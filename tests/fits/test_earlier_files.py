"""Fits of earlier versions: `reference/earlier_fit.nc` was written before default priors were stated on a basis."""

import json
import warnings
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.design.earlier_coordinates import origins_of
from bayesmixed.fits.earlier_files import refuse_changed_columns
from bayesmixed.fits.refitting import change_design

FILE = Path(__file__).parents[1] / "reference" / "earlier_fit.nc"


THEN = json.loads(FILE.with_suffix(".json").read_text())


@pytest.fixture(scope="module")
def earlier():
    with warnings.catch_warnings(action="ignore"):
        return bm.load_fit(FILE)


def priors_of(fit):
    return {key: [entry.prior.to_text(), entry.source, entry.about] for key, entry in fit.design.priors.items()}


def new_rows():
    return pd.DataFrame(THEN["new"]).assign(day=pd.to_datetime(THEN["new"]["day"]))


def test_a_file_of_format_1_is_loaded_with_a_note_that_nothing_guards_it_and_that_its_priors_are_its_own():
    with pytest.warns(bm.StatisticsWarning, match=r"damage or changes cannot be detected.*It keeps its priors"):
        bm.load_fit(FILE)


def test_an_earlier_fit_keeps_its_priors_and_where_they_are_stated(earlier):
    assert priors_of(earlier) == THEN["priors"]
    mu = earlier.design.mu
    np.testing.assert_allclose(mu.centred_matrix[:3], THEN["columns_at_centre"], atol=1e-9)
    np.testing.assert_allclose(mu.groups[0].centred_matrix[:3], THEN["group_columns_at_centre"], atol=1e-9)
    assert mu.groups[0].levels[0] == "2024-03-01"


@pytest.mark.parametrize("function", [bm.icc, bm.variance_components, bm.population_effects])
def test_an_earlier_fit_gives_the_numbers_that_it_gave(earlier, function):
    then, now = THEN[function.__name__], function(earlier)
    table = pd.DataFrame(then["data"], columns=then["columns"])
    pd.testing.assert_frame_equal(now[list(table.columns)], table, check_dtype=False)


def test_an_earlier_fit_predicts_what_it_predicted(earlier):
    found = bm.predict(earlier, new_rows(), seed=1)["mean"].mean(("chain", "draw"))
    np.testing.assert_allclose(found, THEN["predictions"])


def test_an_earlier_fit_that_is_saved_again_keeps_its_priors_without_a_note(earlier, tmp_path):
    again = bm.load_fit(bm.save_fit(earlier, tmp_path / "fit.nc"))
    assert priors_of(again) == THEN["priors"]
    assert again.draws.identical(earlier.draws)
    np.testing.assert_array_equal(again.design.mu.centred_matrix, earlier.design.mu.centred_matrix)


def test_a_refit_of_an_earlier_fit_changes_the_named_prior_only_and_says_that_rules_have_changed(earlier):
    design, notes = change_design(earlier.design, {"beta[x]": "Normal(0, 1)"})
    assert "have changed since this fit was made" in notes[0]
    assert {key for key, entry in design.priors.items() if entry != earlier.design.priors[key]} == {"beta[x]"}
    np.testing.assert_array_equal(design.mu.centred_matrix, earlier.design.mu.centred_matrix)
    as_written, _ = change_design(earlier.design, {"beta[Intercept]": "Normal(0, 1)"})
    np.testing.assert_array_equal(as_written.mu.transform, np.eye(len(as_written.mu.keys)))
    other = {"y": [1.0, 2, 3, 4, 6, 5], "x": [1, 2, 3, 1, 2, 4], "a": list("pqpqpq"), "day": [1, 1, 2, 2, 3, 3]}
    with warnings.catch_warnings(action="ignore"):
        renewed, _ = change_design(earlier.design, {}, other)
    assert not origins_of(renewed.mu).keys() & {"beta"}, "other columns have the coordinates of today"
    assert renewed.priors["sigma"] == earlier.design.priors["sigma"]


def test_a_spline_that_makes_other_columns_today_is_refused():
    x = np.linspace(0.0, 1.0, 30)
    design = bm.prepare("y ~ cr(x, df=4)", {"y": np.sin(5 * x), "x": x})
    with pytest.raises(bm.DataError, match=r"made different columns in the version that wrote it"):
        refuse_changed_columns(design)
    refuse_changed_columns(
        bm.prepare("y ~ bs(x, df=4) + `cr(z)`", {"y": np.sin(5 * x), "x": x, "cr(z)": np.sin(40 * x)})
    )


def test_a_file_of_today_that_says_it_is_of_format_1_is_refused(tmp_path):
    path = bm.save_fit(bm.load_fit("herd_period"), tmp_path / "fit.nc")
    with h5py.File(path, "a") as file:
        file.attrs["bayesmixed_format"] = 1
        file["posterior"]["beta"][0, 0, 0] += 1.0
    with pytest.raises(bm.DataError, match="it holds what only later formats have"):
        bm.load_fit(path)
    with h5py.File(path, "a") as file:
        del file.attrs["sha256"]
    with pytest.raises(bm.DataError, match="it holds what only later formats have"):
        bm.load_fit(path)
    with pytest.warns(bm.StatisticsWarning, match="do not rely on this fit"):
        bm.load_fit(path, verify=False)
