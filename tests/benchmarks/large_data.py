"""Time and memory of fits to simulated tables that are larger than one wants in memory.

    python tests/benchmarks/large_data.py crossed            ten million trials of 60 persons with 5,000 words
    python tests/benchmarks/large_data.py lexicon            78 persons x 28,730 words, 2.17 million trials

The table is written in pieces to a Parquet file in the folder `--folder`, unless it is there, and fitted by path in a
process of its own, so that its peak memory is that of the fit.
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
TRUTH = {
    "beta[Intercept]": 600.0,
    "beta[frequency]": -20.0,
    "beta[lexical[T.word]]": -40.0,
    "sd_person[Intercept]": 80.0,
    "sd_person[frequency]": 8.0,
    "sd_word[Intercept]": 30.0,
    "sigma": 150.0,
}


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


def fit(path, tune, draws):
    """Fit the file and print what it took and what was found."""
    import bayesmixed as bm

    spec = bm.from_formula(FORMULA, crossed=("person", "word"))
    started = time.perf_counter()
    design = bm.prepare(spec, path)
    print(f"prepare {time.perf_counter() - started:.0f} s", flush=True)
    started = time.perf_counter()
    found = bm.sample(design, seed=1, chains=4, tune=tune, draws=draws, progress=False)
    stages = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in found.timing.items())
    print(f"sample {time.perf_counter() - started:.0f} s ({stages})")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
    steps = int(found.draws["sample_stats"]["n_steps"].sum())
    print(f"{steps} gradients for kept draws, engine {found.engine.name} ({found.engine.why})")
    print(bm.summary(found))
    print("truth", TRUTH)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("--folder", type=Path, default=Path("/tmp"))
    parser.add_argument("--tune", type=int, default=500)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--alone", action="store_true", help="fit the file, which is there, in this process")
    chosen = parser.parse_args()
    file = chosen.folder / f"{chosen.shape}.parquet"
    if chosen.alone:
        fit(file, chosen.tune, chosen.draws)
    else:
        if not file.is_file():
            write(SHAPES[chosen.shape], file)
        subprocess.run([sys.executable, *sys.argv, "--alone"], check=True)
