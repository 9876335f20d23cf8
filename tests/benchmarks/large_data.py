"""Time and memory of fits to simulated tables that are larger than one wants in memory, each goal beside its figure.

    python tests/benchmarks/large_data.py crossed            ten million trials of 60 persons with 5,000 words, one file
    python tests/benchmarks/large_data.py lexicon            78 persons x 28,730 words, 2.17 million trials
    python tests/benchmarks/large_data.py trials             rows of 200 groups in a folder of files, `--rows`, 10 million
    python tests/benchmarks/large_data.py trials --family bernoulli --source duckdb

The table is written in pieces to the folder `--folder`, unless it is there, and fitted by path in a process of its own, so
that its peak memory is that of the fit. Goals for ten million rows: a minute of processor time and 2 GiB.
"""

import argparse
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PIECE = 500_000
FORMULA = "rt ~ frequency + lexical + (frequency | person) + (1 | word)"
TRIALS = {
    "gaussian": "y ~ x + z + arm + (1 | g)",
    "bernoulli": "hit ~ z + arm + (1 | g)",
    "poisson": "count ~ z + arm + (1 | g)",
}
TRUTH = {
    "beta[Intercept]": 600.0,
    "beta[frequency]": -20.0,
    "beta[lexical[T.word]]": -40.0,
    "sd_person[Intercept]": 80.0,
    "sd_person[frequency]": 8.0,
    "sd_word[Intercept]": 30.0,
    "sigma": 150.0,
}
TRIALS_TRUTH = {
    "beta[Intercept]": -1.0,
    "beta[x]": 0.2,
    "beta[z]": 0.3,
    "beta[arm[T.b]]": 0.5,
    "sd_g": 0.5,
    "sigma": 1.0,
}
GOAL_SECONDS, GOAL_MEMORY = 6.0, 2.0
"""Processor seconds for each million rows, and GiB."""


@dataclass(frozen=True)
class Shape:
    """Numbers of persons, words and rows; `once`: every person meets a word at most once."""

    persons: int
    words: int
    rows: int
    once: bool


SHAPES = {"crossed": Shape(60, 5_000, 10_000_000, False), "lexicon": Shape(78, 28_730, 2_170_000, True)}


def write(shape, path, seed=1):
    """Write simulated trials, a piece at a time."""
    generator = np.random.default_rng(seed)
    intercepts, slopes = generator.normal(0, [[80.0], [8.0]], (2, shape.persons))
    frequency = generator.normal(0, 1, shape.words)
    words = generator.normal(0, 30.0, shape.words)
    lexical = np.array(["nonword", "word"])[np.arange(shape.words) % 2]
    persons, names = (
        np.array([f"{stem}{i + 1}" for i in range(n)]) for stem, n in (("p", shape.persons), ("w", shape.words))
    )
    cells = generator.permutation(shape.persons * shape.words)[: shape.rows] if shape.once else None
    schema = pa.schema(
        [("rt", pa.float32()), ("frequency", pa.float32()), *((n, pa.string()) for n in ("lexical", "person", "word"))]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, shape.rows, PIECE):
            count = min(PIECE, shape.rows - start)
            drawn = (
                generator.integers(shape.persons * shape.words, size=count)
                if cells is None
                else cells[start : start + count]
            )
            p, w = np.divmod(drawn, shape.words)
            rt = (
                600
                + intercepts[p]
                + (slopes[p] - 20) * frequency[w]
                - 40 * (w % 2)
                + words[w]
                + generator.normal(0, 150, count)
            )
            columns = [rt.astype("f4"), frequency[w].astype("f4"), lexical[w], persons[p], names[w]]
            writer.write_table(pa.table(columns, schema=schema))


def write_trials(folder, rows, seed=1):
    """Write rows of 200 groups with a normal response, hits and counts to the files of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    effects = generator.normal(0, 0.5, 200)
    for start in range(0, rows, 2 * PIECE):
        count = min(2 * PIECE, rows - start)
        g, arm, z = (generator.integers(0, most, count) for most in (200, 2, 10))
        x, eta = generator.normal(size=count), -1.0 + 0.5 * arm + 0.03 * z + effects[g]
        table = {
            "y": eta + 0.2 * x + generator.normal(size=count),
            "hit": (generator.uniform(size=count) < 1.0 / (1.0 + np.exp(-eta))).astype("i1"),
            "count": generator.poisson(np.exp(eta)).astype("i4"),
            "x": x,
            "z": z / 10.0,
            "arm": np.array(["a", "b"])[arm],
            "g": np.char.add("g", g.astype(str)),
        }
        pq.write_table(pa.table(table), folder / f"part{start // (2 * PIECE)}.parquet")


def fit(spec, data, tune, draws, truth):
    """Fit a source and print what it took beside the goals, and what was found."""
    import bayesmixed as bm

    started, work = time.perf_counter(), time.process_time()
    design = bm.prepare(spec, data, stream=True)
    rows = int(design.observed.row_counts.sum())
    print(f"prepare {time.perf_counter() - started:.0f} s", flush=True)
    started = time.perf_counter()
    found = bm.sample(design, seed=1, chains=4, tune=tune, draws=draws, progress=False)
    stages = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in found.timing.items())
    print(f"sample {time.perf_counter() - started:.0f} s ({stages})")
    say("processor time, s", time.process_time() - work, GOAL_SECONDS * rows / 1e6)
    say("peak memory, GiB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, GOAL_MEMORY)
    print(f"{rows:,} rows, engine {found.engine.name} ({found.engine.why})")
    print(bm.summary(found))
    print("truth", truth)


def say(what, figure, goal):
    """Print a figure beside its goal."""
    print(f"{what:<28}{figure:>9.2f}   goal {goal:>7.2f}   {'met' if figure <= goal else 'MISSED'}", flush=True)


def as_data(path, kind):
    """Return the files of a folder as a source of some kind."""
    if kind == "files":
        return path
    if kind == "dask":
        import dask.dataframe

        return dask.dataframe.read_parquet(str(path))
    import duckdb

    return duckdb.connect().read_parquet(str(path / "*.parquet"))


def main():
    """Write the table if it is not there, and fit it in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=[*SHAPES, "trials"])
    parser.add_argument("--folder", type=Path, default=Path("/tmp"))
    parser.add_argument("--rows", type=int, default=10_000_000, help="of trials")
    parser.add_argument("--family", choices=TRIALS, default="gaussian", help="of trials")
    parser.add_argument("--source", choices=("files", "dask", "duckdb"), default="files", help="of trials")
    parser.add_argument("--tune", type=int, default=500)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--alone", action="store_true", help="fit the table, which is there, in this process")
    chosen = parser.parse_args()
    trials = chosen.shape == "trials"
    path = chosen.folder / (f"trials{chosen.rows}" if trials else f"{chosen.shape}.parquet")
    if not chosen.alone:
        if not path.exists():
            write_trials(path, chosen.rows) if trials else write(SHAPES[chosen.shape], path)
        subprocess.run([sys.executable, *sys.argv, "--alone"], check=True)
        return
    import bayesmixed as bm

    if trials:
        spec = bm.from_formula(TRIALS[chosen.family], family=chosen.family)
        fit(spec, as_data(path, chosen.source), chosen.tune, chosen.draws, TRIALS_TRUTH)
    else:
        fit(bm.from_formula(FORMULA, crossed=("person", "word")), path, chosen.tune, chosen.draws, TRUTH)


if __name__ == "__main__":
    main()
