"""The report on several responses: a page of what they have in common, with links to a page of each."""

from joint_models import fit_of_both

import bayesmixed as bm
from bayesmixed.report.joint_documents import page_names


def test_pages_of_responses_are_linked_from_the_common_one(tmp_path):
    joint = fit_of_both(rescor=True)
    path = bm.write_report(joint, tmp_path / "both.html")
    page = path.read_text(encoding="utf-8")
    for said in (
        'href="both-y1.html"',
        'href="both-y2.html"',
        "corr_g",
        "bm.fit(",
        "<math",
        "correlations between responses",
    ):
        assert said in page
    own = (tmp_path / "both-y2.html").read_text(encoding="utf-8")
    assert "It was fitted together with y1, in one model of several responses." in own


def test_names_of_pages_differ_on_all_systems():
    assert list(page_names("r", ["log(y)", "log_y_", "Y", "y"]).values()) == ["r-log_y_", "r-log_y__2", "r-Y", "r-y_2"]
