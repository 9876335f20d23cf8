"""Units left out by weights, some at a time: as of all at once, in less memory."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.draws import pieces

LIMITED = """
import sys, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")
import resource
import numpy as np, pandas as pd
from fixed_draws import fit_at
import bayesmixed as bm
from bayesmixed.cross_validation.integrated_rows import compile_integrals
from bayesmixed.draws import pieces

pieces.KEPT = 1_000_000
compile_integrals()  # which takes more memory than the verbs

def made(rows, family):
    generator = np.random.default_rng(1)
    group = np.arange(rows) % 40
    x = generator.normal(size=rows)
    y = x + generator.normal(size=rows)
    if family == "poisson":
        y = generator.poisson(np.exp(0.2 * y))
    data = pd.DataFrame({"y": y, "x": x, "g": group.astype(str)})
    design = bm.prepare(bm.from_formula("y ~ x + (1 | g)", family=family), data)
    return fit_at(design, {"beta": [0.0, 0.3], "sd_g": 0.5, "sigma": 1.0}, jitter=0.02, draws=200)

for family in ("gaussian", "poisson"):
    fits = made(400, family), made(15_000, family)
    for rows in VERBS:
        exec(rows, {"bm": bm, "fit": fits[0]})
    held = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmSize:"))
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + 110 * 2**20, limits[1]))
    for verb in VERBS:
        exec(verb, {"bm": bm, "fit": fits[1]})
    resource.setrlimit(resource.RLIMIT_AS, limits)
"""
VERBS = ("bm.loo(fit, unit='observation')", "bm.residuals(fit)", "bm.check_residuals(fit)", "bm.influence(fit, 'g')")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.slow
def test_many_rows_need_little_memory():
    """All draws of all rows are 48 MB, of which each of these verbs once held several copies."""
    code = LIMITED.replace("VERBS", repr(VERBS))
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parents[1])], capture_output=True, text=True, env=environment
    )
    assert ran.returncode == 0, ran.stderr[-2000:]


@pytest.mark.parametrize("unit", ["observation", "herd"])
def test_weights_are_those_of_all_units_at_once(unit, monkeypatch):
    fit = bm.load_fit("herd_period")
    whole = bm.loo(fit, unit=unit, match=False)
    monkeypatch.setattr(pieces, "NUMBERS", 10_000)
    some = bm.loo(fit, unit=unit, match=False)
    monkeypatch.setattr(pieces, "KEPT", 1)
    streamed = bm.loo(fit, unit=unit, match=False)
    assert whole.log_weights is not None
    assert streamed.log_weights is None
    for other in (some, streamed):
        np.testing.assert_allclose(other.elpd_i, whole.elpd_i, atol=1e-6)
        np.testing.assert_allclose(other.pareto_k, whole.pareto_k, atol=1e-4)
        assert other.elpd_i.attrs["mcse"] == pytest.approx(whole.elpd_i.attrs["mcse"], abs=1e-6)


def test_what_is_said_of_residuals_does_not_depend_on_how_many_rows_are_kept(monkeypatch):
    design = bm.prepare("herd_period", bm.datasets.load("cbpp"))

    def said():
        fit = fit_at(design, {"beta": [-1.0, -0.5, -0.5, -1.0], "sd_herd": 0.6}, jitter=0.2)
        return bm.check_residuals(fit), bm.residuals(fit)

    whole = said()
    monkeypatch.setattr(pieces, "NUMBERS", 2_000)
    monkeypatch.setattr(pieces, "KEPT", 1)
    checks, residuals = said()
    np.testing.assert_allclose(residuals, whole[1], atol=1e-5)
    assert list(checks["says"]) == list(whole[0]["says"])
