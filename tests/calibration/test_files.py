"""A stopped calibration goes on from its file, and only its own."""

import json

import pytest
from exact_samplers import (
    MODEL,
    PRIORS,
    VALUES,
    normal_fit,
    right,
    too_wide,
)

import bayesmixed as bm
from bayesmixed.calibration.files import identify, load_fits, save_fits
from bayesmixed.calibration.ranks import lay_out_rows
from bayesmixed.calibration.simulated_fits import Rank, SimulatedFit, Task


@pytest.mark.parametrize("stop", [4, 7])
def test_a_stopped_and_resumed_run_has_the_ranks_of_one_run(tmp_path, stop):
    path, calls = tmp_path / "ranks.json", []

    def interrupted(design, **settings):
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt
        return normal_fit(design)

    interrupted.__module__, interrupted.__qualname__ = right.__module__, right.__qualname__
    given = MODEL | {"n": 12, "resume": path, "save_every": 3}
    first = bm.calibrate(**given, sampler=interrupted)
    assert len(first.fits) == stop - 1
    assert "STOPPED" in str(first)
    again = bm.calibrate(**given, sampler=right)
    assert again.ranks.equals(bm.calibrate(**MODEL | {"n": 12}, sampler=right).ranks)
    assert [child.name for child in tmp_path.iterdir()] == ["ranks.json"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 4}, "seed"),
        ({"priors": {**PRIORS, "sigma": 1.4}}, "'spec', 'priors'"),
        ({"draws": 77}, "settings"),
        ({"sampler": too_wide}, "sampler"),
    ],
)
def test_another_calibration_is_not_resumed(tmp_path, change, named):
    given = MODEL | {"n": 2, "resume": tmp_path / "ranks.json"}
    bm.calibrate(**given | {"sampler": right})
    with pytest.raises(bm.DataError, match=f"another calibration: '?{named}"):
        bm.calibrate(**{**given, "sampler": right, **change})


@pytest.mark.parametrize("text", ["", "[]", json.dumps({"a": 1})])
def test_a_file_that_is_no_calibration_is_refused(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(bm.DataError, match="damaged or was not written"):
        bm.calibrate(**MODEL | {"n": 2, "resume": path}, sampler=right)


def test_fits_come_back_from_a_file_as_they_were(tmp_path):
    fits = [
        SimulatedFit(0, {"beta": Rank(0.25, 3, 10, 0.31)}, 2, 1.01, ("too large",), ""),
        SimulatedFit(1, {}, 0, 1.0, (), "ValueError: no"),
    ]
    path = tmp_path / "ranks.json"
    save_fits(path, {"seed": "1"}, fits)
    assert load_fits(path, {"seed": "1"}) == fits
    assert load_fits(tmp_path / "none.json", {"seed": "1"}) == []
    with pytest.raises(bm.DataError, match=r"'?seed'? differ"):
        load_fits(path, {"seed": "2"})


def test_a_file_of_a_later_version_is_refused(tmp_path):
    path = tmp_path / "ranks.json"
    path.write_text(json.dumps({"bayesmixed_calibration": 99, "identity": {}, "fits": []}))
    with pytest.raises(bm.DataError, match="has format 99"):
        load_fits(path, {})


def test_the_number_of_cores_is_no_part_of_what_a_calibration_is():
    design = lay_out_rows(bm.from_formula("y ~ 1", priors=PRIORS), VALUES, 3)
    one, other = (identify(Task(design, right, {"draws": 50, "cores": cores}, 3)) for cores in (1, 4))
    assert one == other
    assert one != identify(Task(design, right, {"draws": 60, "cores": 1}, 3))
