"""Growth of time and memory with the numbers of rows and of groups, as one table.

    python tests/benchmarks/growth.py [gaussian] [poisson] [--largest ROWS]

First 1,000 to 1,000,000 rows in 100 groups, then 10 to 100,000 groups of 10 rows, each fit in a process of its own with
2 chains of 200 tuning and 200 kept draws on 2 cores. No two rows are alike, so none are taken together. Poisson counts,
of which every gradient visits every row, stop at `--largest` rows (100,000). "us" is the sampler's time for a gradient
of one chain: it contains nutpie's own work, and assumes that both cores are free.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
import xarray as xr
from worker import measure

ROWS = [(rows, 100) for rows in (1_000, 10_000, 100_000, 1_000_000)]
GROUPS = [(10 * groups, groups) for groups in (10, 100, 1_000, 10_000, 100_000)]
SETTINGS = {"chains": 2, "draws": 200, "tune": 200, "cores": 2, "seed": 1, "progress": False}
HEADINGS = (
    f"{'family':<10}{'rows':>9}{'groups':>8}  {'engine':<10}{'prepare s':>10}{'sample s':>9}{'all s':>8}"
    f"{'bulk':>7}{'gradients':>11}{'us':>9}{'MiB':>7}"
)


def simulate(family: str, rows: int, groups: int) -> pd.DataFrame:
    """Return rows with a continuous covariate in groups of about equal size."""
    rng = np.random.default_rng(1)
    group, x = np.arange(rows) % groups, rng.normal(size=rows)
    eta = 1 + 0.3 * x + 0.5 * rng.normal(size=groups)[group]
    y = rng.poisson(np.exp(eta)) if family == "poisson" else eta + rng.normal(size=rows)
    return pd.DataFrame({"y": y, "x": x, "group": pd.Categorical.from_codes(group, [f"g{i}" for i in range(groups)])})


def fit(family: str, rows: int, groups: int) -> dict[str, float | str]:
    """Return the measurements of one fit."""
    import bayesmixed as bm

    warnings.simplefilter("ignore")
    spec = bm.from_formula("y ~ x + (1 | group)", family=family)
    bm.fit(spec, simulate(family, 100, 10), **SETTINGS)
    table = simulate(family, rows, groups)
    started = time.perf_counter()
    design = bm.prepare(spec, table)
    prepared = time.perf_counter()
    found = bm.sample(design, **SETTINGS)
    ended = time.perf_counter()
    kept = measure(_without_effects(found.draws))
    return {
        "engine": found.engine.name,
        "prepare": prepared - started,
        "sample": found.timing["sample"],
        "all": ended - started,
        "bulk": kept["bulk"],
        "gradients": kept["gradients"],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def line(family: str, rows: int, groups: int) -> str:
    """Return one line of the table, from a fit in a process of its own; tuning is taken to cost what kept draws do."""
    command = [sys.executable, __file__, family, "--alone", str(rows), str(groups)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row = json.loads(done.stdout.splitlines()[-1])
    each = 1e6 * row["sample"] / row["gradients"]
    return (
        f"{family:<10}{rows:>9}{groups:>8}  {row['engine']:<10}{row['prepare']:>10.2f}{row['sample']:>9.2f}{row['all']:>8.2f}"
        f"{row['bulk']:>7.0f}{row['gradients']:>11.0f}{each:>9.0f}{row['peak']:>7.0f}"
    )


def _without_effects(draws: xr.DataTree) -> dict[str, xr.DataTree]:
    """Return draws without those of groups: the diagnostics of 100,000 effects would take longer than the fit."""
    posterior = draws["posterior"].to_dataset().drop_vars("b_group", errors="ignore")
    return {"posterior": xr.DataTree(posterior), "sample_stats": draws["sample_stats"]}


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", choices=["gaussian", "poisson"], default=["gaussian", "poisson"])
    parser.add_argument("--largest", type=int, default=100_000, help="most rows of Poisson counts")
    parser.add_argument("--alone", nargs=2, type=int, metavar=("ROWS", "GROUPS"), help="one fit in this process")
    chosen = parser.parse_args()
    if chosen.alone:
        print(json.dumps(fit(chosen.families[0], *chosen.alone)))
        return
    print(HEADINGS, flush=True)
    for family in chosen.families:
        for rows, groups in ROWS + GROUPS:
            if family == "gaussian" or rows <= chosen.largest:
                print(line(family, rows, groups), flush=True)


if __name__ == "__main__":
    main()
