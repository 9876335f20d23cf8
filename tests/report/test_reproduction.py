"""What a report says for doing the same again."""

import ast
from dataclasses import replace

import pytest
from report_fits import fit_of_probabilities
from report_outlines import Outline

import bayesmixed as bm
from bayesmixed.fits.refitting import change_design
from bayesmixed.report.documents import write_document
from bayesmixed.report.reproduction import write_code
from bayesmixed.spec.files import spec_from_toml


def test_the_code_and_the_file_say_the_same_model():
    fit = fit_of_probabilities()
    outline = Outline(write_document(fit))
    shown = outline.text_of(**{"aria-label": "Model file"})
    assert spec_from_toml(shown) == fit.design.spec
    assert outline.text_of(**{"aria-label": "Python code"}) == write_code(fit, "data.csv")
    compile(write_code(fit, "data.csv"), "report", "exec")
    assert f"seed={fit.settings.seed}" in write_code(fit, "data.csv")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, ""),
        ({"target_accept": 0.97}, "target_accept=0.97"),
        ({"store": "all"}, "store='all'"),
        ({"parameterisation": "centred"}, "parameterisation='centred'"),
        ({"parameterisation": {"herd": "noncentred"}}, "parameterisation={'herd': 'noncentred'}"),
    ],
)
def test_the_code_asks_for_what_was_asked_for_and_for_nothing_else(asked, said):
    fit = bm.load_fit("herd_period")
    code = write_code(replace(fit, settings=replace(fit.settings, **asked)), "data.csv")
    assert said in code
    arguments = {keyword.arg for keyword in ast.parse(code).body[1].value.keywords}
    assert arguments == {"chains", "draws", "tune", "seed", "engine", *asked}


def test_the_code_names_the_file_that_the_rows_were_read_from_also_after_saving(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bm.datasets.load("cbpp").to_csv("my herds.csv", index=False)
    shipped = bm.load_fit("herd_period")
    fit = replace(shipped, design=bm.prepare("herd_period", "my herds.csv"))
    again = bm.load_fit(bm.save_fit(fit, "fit.nc"))
    changed = change_design(again.design, {"sd_herd": "HalfNormal(1)"})[0]
    for one in (fit, again, replace(fit, design=changed)):
        assert "'my herds.csv'" in Outline(write_document(one)).text_of(**{"aria-label": "Python code"})
    assert "'data.csv'" in Outline(write_document(shipped)).text_of(**{"aria-label": "Python code"})
