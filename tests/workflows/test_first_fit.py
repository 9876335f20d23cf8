"""The first fit of a process: nothing is compiled again, and nothing is imported that a fit does not need."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
from numba.core import event
compiled = []
class Listener(event.Listener):
    def on_start(self, one):
        compiled.append(one.data["dispatcher"].py_func.__qualname__)
    def on_end(self, one):
        pass
event.register("numba:compile", Listener())
import numpy as np, pandas as pd
import bayesmixed as bm
rng = np.random.default_rng(1)
g = np.repeat(np.arange(30), 8)
table = pd.DataFrame({"y": rng.poisson(np.exp(1 + 0.5 * rng.normal(size=30)[g])), "g": [f"g{i}" for i in g]})
short = {"draws": 20, "tune": 100, "chains": 2, "seed": 1, "progress": False}
for engine, family in (("kernel", "poisson"), ("collapsed", "gaussian"), ("marginal", "poisson")):
    fit = bm.fit("y ~ 1 + (1 | g)", table, family=family, engine=engine, **short)
    assert fit.engine.name == engine
slow = ("matplotlib.pyplot", "arviz", "arviz_plots", "pymc", "IPython", "scipy.stats")
imported = [name for name in slow if name in sys.modules]
import arviz
size = float(arviz.ess(fit.draws)["sd_g"].values.min())
print(json.dumps({"compiled": compiled, "imported": imported, "size": size}))
"""


def run():
    """Return what a fresh process compiled and imported."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_first_fits_of_a_process_compile_nothing_and_import_no_pictures():
    found = run()
    if found["compiled"]:  # these kernels were new on the machine
        found = run()
    assert found["compiled"] == []
    assert found["imported"] == []
    assert found["size"] > 1
