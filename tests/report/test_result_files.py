"""The files of results, and where a fit goes that cannot be saved."""

from pathlib import Path

import pytest

import bayesmixed as bm
from bayesmixed.report.result_files import save_or_rescue
from bayesmixed.report.result_folders import FIT


def test_a_fit_that_cannot_be_saved_where_it_should_is_saved_elsewhere_and_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fit = bm.load_fit("herd_period")
    with pytest.raises(bm.DataError, match="It was saved in another place") as caught:
        save_or_rescue(fit, tmp_path / "nowhere" / FIT)
    kept = Path(str(caught.value).split("'")[-2])
    assert kept.is_relative_to(tmp_path)
    assert bm.load_fit(kept).posterior.equals(fit.posterior)
