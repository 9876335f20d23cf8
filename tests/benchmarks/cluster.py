"""A table of many million rows on a dask cluster of two workers of this machine, each goal beside its figure.

    python tests/benchmarks/cluster.py [--rows 10000000] [--family gaussian|bernoulli|poisson]

The rows are those of `large_data.py trials`. Goals: 6 s for each million rows (100 million in ten minutes) and 2 GiB in
each worker; priors and estimates are those of one process.
"""

import argparse
import resource
import time
from pathlib import Path

from large_data import GOAL_MEMORY, TRIALS, as_data, say, write_trials


def peak():
    """Return the peak memory of this process in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main():
    """Fit on the cluster, then here, and compare."""
    import distributed

    import bayesmixed as bm

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--family", choices=TRIALS, default="gaussian")
    parser.add_argument("--folder", type=Path, default=Path("/tmp"))
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--only-cluster", action="store_true", help="without the comparison")
    chosen = parser.parse_args()
    path = chosen.folder / f"trials{chosen.rows}"
    if not path.exists():
        write_trials(path, chosen.rows)
    spec = bm.from_formula(TRIALS[chosen.family], family=chosen.family)
    options = {"seed": 1, "chains": 4, "tune": 200, "draws": chosen.draws, "progress": False}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        started = time.perf_counter()
        design = bm.prepare(spec, as_data(path, "dask"), stream=True)
        prepared = time.perf_counter() - started
        fit = bm.sample(design, **options)
        say(f"{chosen.rows:,} rows, wall s", time.perf_counter() - started, 6.0 * chosen.rows / 1e6)
        print(f"of which prepare {prepared:.0f} s")
        say("largest worker, GiB", max(client.run(peak).values()), GOAL_MEMORY)
        say("this process, GiB", peak(), GOAL_MEMORY)
    if chosen.only_cluster:
        return
    here = bm.prepare(spec, path, stream=True)
    for key, entry in here.priors.items():
        own = design.priors[key].prior.arguments
        assert all(abs(a - b) <= 1e-9 * max(abs(a), 1e-6) for a, b in zip(entry.prior.arguments, own, strict=True)), key
    one, other = bm.population_effects(fit), bm.population_effects(bm.sample(here, **options))
    say("largest difference, SDs", float(((one["mean"] - other["mean"]).abs() / other["sd"]).max()), 0.2)


if __name__ == "__main__":
    main()
