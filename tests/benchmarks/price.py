"""What full Bayes costs beside a maximum of the likelihood, in processor seconds, as one table.

    python3 -m uv run --group bench python tests/benchmarks/price.py [MODEL ...] [--bambi]

"fit" is the processor time of the whole `bm.fit`, 4 chains of 1,000 kept draws, in a process that has fitted a small model of
the same family before; "1,000" what 1,000 effective draws of the worst population parameter, SD or dispersion cost at that
rate. "R" is the second of two maximum likelihood fits by glmmTMB, lme4 or ordinal, "GPBoost" one fit by GPBoost after a
small one.
The ratios divide our "1,000" by theirs. With --bambi, "Bambi" is how many times more effective draws per processor second
there are here than from Bambi with nutpie.

A tool that is not installed, or has no such model, leaves its columns empty. Of each of ours the median of three fits is
shown (one where a fit takes longer than --patience seconds); numbers are comparable within one run only.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from models import MODELS, Benchmark
from run import FOLDER, Row, collect, run_worker

HEADINGS = (
    f"{'model':<16}{'engine':<12}{'fit':>7}{'ESS':>7}{'MiB':>7}{'1,000':>8}"
    f"{'R':>8}{'ratio':>7}{'GPBoost':>9}{'ratio':>7}{'Bambi':>8}"
)
PRICED = [name for name, model in MODELS.items() if model.maximum or model.boost]


def main() -> None:
    """Print the table, a line as soon as it is known."""
    chosen = read_arguments()
    print(HEADINGS, flush=True)
    for name in chosen.models:
        ours = run_worker("auto", name, 3, chosen.patience, cold=False)
        bambi = run_worker("bambi", name, 1, chosen.patience, cold=False) if chosen.bambi else None
        print(line(name, ours, by_r(MODELS[name]), by_gpboost(name), bambi), flush=True)


def read_arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(PRICED)}; all by default")
    parser.add_argument("--bambi", action="store_true", help="fit by Bambi too, where it takes the model")
    parser.add_argument("--patience", type=float, default=25.0, help="seconds after which no further fit begins")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.models if name not in PRICED]
    if unknown:
        parser.error(f"model '{unknown[0]}' is not one of {', '.join(PRICED)}")
    chosen.models = chosen.models or PRICED
    return chosen


def by_r(model: Benchmark) -> float:
    """Return the processor seconds of R's fit, NaN without R or the package."""
    if not model.maximum or shutil.which("Rscript") is None:
        return math.nan
    package = model.maximum.partition("::")[0]
    if subprocess.run(["Rscript", "-e", f"library({package})"], capture_output=True, check=False).returncode:
        return math.nan
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        model.data().to_csv(path, index=False)
        command = ["Rscript", str(FOLDER / "maximum.R"), str(path), ",".join(model.text), package, model.maximum]
        return float(collect(package, command)["cpu"])


def by_gpboost(name: str) -> float:
    """Return the processor seconds of GPBoost's fit, NaN where it is not installed or has no such likelihood."""
    if not MODELS[name].boost:
        return math.nan
    command = [sys.executable, str(FOLDER / "boost.py"), name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named 'gpboost'" in done.stderr:
        return math.nan
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return float(json.loads(done.stdout.splitlines()[-1])["cpu"])


def line(name: str, ours: Row, maximum: float, boosted: float, bambi: Row | None) -> str:
    """Return one line of the table."""
    used, bulk = float(ours["cpu"]), float(ours["bulk"])
    price = 1000 * used / bulk
    engine = str(ours["label"]).removeprefix("auto ")
    lead = math.nan if bambi is None else 1000 * float(bambi["cpu"]) / float(bambi["bulk"]) / price
    return (
        f"{name:<16}{engine:<12}{used:>7.2f}{bulk:>7.0f}{float(ours['peak']):>7.0f}{price:>8.2f}"
        f"{_or_empty(maximum, 8, 2)}{_or_empty(price / maximum, 7, 1)}"
        f"{_or_empty(boosted, 9, 2)}{_or_empty(price / boosted, 7, 1)}{_or_empty(lead, 7, 0)}{'' if math.isnan(lead) else 'x'}"
    )


def _or_empty(value: float, width: int, digits: int) -> str:
    return " " * width if math.isnan(value) else f"{value:>{width}.{digits}f}"


if __name__ == "__main__":
    main()
