"""write_report takes fits of one response or of several."""

import pytest
from joint_models import fit_of_both

import bayesmixed as bm


def test_a_file_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    for fit in (fit_of_both(), bm.load_fit("herd_period")):
        with pytest.raises(bm.DataError):
            bm.write_report(fit, tmp_path / "nowhere" / "report.html")
