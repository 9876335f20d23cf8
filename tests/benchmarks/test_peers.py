"""What the benchmark asks of R, and what it makes of the answer, with a stand-in where there is no R."""

import math
import re

import models
import pandas as pd
import pytest
import run

IN_R = [name for name, model in models.MODELS.items() if model.in_r]
TEMPLATE = re.search(r"sprintf\('(.*)\\n'", (run.FOLDER / "peer.R").read_text())[1]
ANSWER = TEMPLATE % ("rstanarm", 12.5, 1500, 1200, 1600, 1300, 1.002, 3, 90000)
RSCRIPT = """#!/bin/sh
cd "$(dirname "$0")"
printf '%s\\n' "$@" > call
cp "$3" data.csv
echo 'chatter of the packages'
cat answer
"""


@pytest.fixture
def called(tmp_path, monkeypatch):
    """Put a stand-in for Rscript on the path that answers by peer.R's own template; return what it was asked."""
    (tmp_path / "answer").write_text(ANSWER + "\n")
    stand_in(RSCRIPT, tmp_path, monkeypatch)
    return lambda: ((tmp_path / "call").read_text().splitlines(), pd.read_csv(tmp_path / "data.csv"))


def stand_in(text, folder, monkeypatch):
    """Put a program named Rscript first on the path."""
    (folder / "Rscript").write_text(text)
    (folder / "Rscript").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.parametrize("peer", ["rstanarm", "brms"])
@pytest.mark.parametrize("name", IN_R)
def test_r_is_asked_for_a_model_of_columns_that_it_is_given(peer, name, called):
    row = run.run_peer(peer, name, 1, 1.0, False)
    (script, package, _, labels, formula, family), data = called()
    assert (script, package, family) == (str(run.FOLDER / "peer.R"), peer, models.MODELS[name].family)
    words = set(re.findall(r"[A-Za-z_.]+", formula)) - {"cbind", "trials"}
    assert words <= set(data.columns)
    assert set(labels.split(",")) <= set(data.columns)
    assert len(data) == len(models.MODELS[name].data())
    assert (row["label"], row["seconds"], row["bulk"], row["divergences"], row["fits"]) == (peer, 12.5, 1500, 3, 1)
    assert math.isnan(row["peak"])


@pytest.mark.parametrize(
    ("peer", "formula"),
    [
        ("rstanarm", "cbind(incidence, size - incidence) ~ period + (1 | herd)"),
        ("brms", "incidence | trials(size) ~ period + (1 | herd)"),
    ],
)
def test_trials_are_said_as_each_package_wants_them(peer, formula, called):
    run.run_peer(peer, "cbpp", 1, 1.0, False)
    assert called()[0][4] == formula


def test_a_peer_and_we_have_lines_of_the_same_columns(called):
    peer = run.run_peer("brms", "cbpp", 1, 1.0, False)
    ours = {**peer, "label": "auto kernel", "seconds": 0.5}
    assert len(run.line("cbpp", peer, None)) == len(run.HEADINGS) - 25
    assert len(run.line("cbpp", ours, peer)) == len(run.HEADINGS)
    assert run.line("cbpp", ours, peer).split()[-2:] == ["1/25.0", "25.0x"]


def test_r_that_fails_ends_the_benchmark_with_what_it_said(tmp_path, monkeypatch):
    stand_in("#!/bin/sh\necho 'there is no package called brms' >&2\nexit 1\n", tmp_path, monkeypatch)
    with pytest.raises(SystemExit, match="no package called brms"):
        run.run_peer("brms", "cbpp", 1, 1.0, False)
