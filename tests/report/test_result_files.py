"""The files of results, and where a fit goes that cannot be saved."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.report.result_files import save_or_rescue, write_results
from bayesmixed.report.result_folders import FIT


def test_a_fit_that_cannot_be_saved_where_it_should_is_saved_elsewhere_and_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fit = bm.load_fit("herd_period")
    with pytest.raises(bm.DataError, match="It was saved in another place") as caught:
        save_or_rescue(fit, tmp_path / "nowhere" / FIT)
    kept = Path(str(caught.value).split("'")[-2])
    assert kept.is_relative_to(tmp_path)
    assert bm.load_fit(kept).posterior.equals(fit.posterior)


def test_factors_whose_names_look_alike_in_file_names_have_files_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(bm, "write_report", lambda fit, path: path.write_text(""))
    row = np.arange(48)
    data = {"y": np.sin(row), "a": np.array(list("pq"))[row // 24], "b": np.array(list("uvw"))[row // 8 % 3]}
    data |= {"a_b": np.array(list("cdefgh"))[row % 6], "A_B": np.array(list("ijklmno"))[row % 7]}
    spec = bm.from_formula("y ~ 1 + (1 | a:b) + (1 | a_b) + (1 | A_B)", crossed=["a_b", "A_B"])
    fit = fit_at(bm.prepare(spec, data), {"sd_a:b": 1.0, "sd_a_b": 0.5, "sd_A_B": 0.5, "sigma": 1.0}, jitter=0.05)
    files = [name for name in write_results(fit, tmp_path).files if name.endswith(".csv")]
    assert len({name.lower() for name in files}) == len(files)
    terms = {pd.read_csv(tmp_path / name)["term"][0] for name in files if name.startswith("shrinkage")}
    assert terms == {"a:b", "a_b", "A_B"}


def test_tables_in_files_are_those_of_the_functions(tmp_path, monkeypatch):
    monkeypatch.setattr(bm, "write_report", lambda fit, path: path.write_text(""))
    fit = bm.load_fit("herd_period")
    results = write_results(fit, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(results.files)
    for name, table in (
        ("icc", bm.icc(fit)),
        ("shrinkage_herd", bm.shrinkage(fit)),
        ("group_effects", bm.group_effects(fit)),
    ):
        np.testing.assert_allclose(pd.read_csv(tmp_path / f"{name}.csv")["mean"], table["mean"], rtol=1e-6)
    assert results.summary in (tmp_path / "summary.txt").read_text(encoding="utf-8")
