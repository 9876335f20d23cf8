"""Our engines and a peer side by side on the same models, as one table.

    python3 -m uv run --group bench python tests/benchmarks/run.py [MODEL ...] [--peer bambi|rstanarm|brms|none]

Times are those of the whole call that fits, 4 chains of 1,000 kept draws on 2 cores after each package's own number of
tuning draws, in a process that has fitted a small model of the same family before; medians of up to three fits. "refit"
is a fit of cbpp with another prior after a first fit, "response" one with another response. Of "negbin" Bambi tunes and
keeps 400 draws.

A number is comparable with the others of the same run only. "bulk" and "tail" are the smallest effective sample sizes
over population parameters and SDs, "effects" the smallest bulk one over group effects, "gradients" those of the kept
draws, "ESS/s" is bulk / s.

PyTensor keeps compiled functions on disk, so a peer that was run before compiles less. With --cold each process begins
without them, as for a model that is new on the machine.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from models import MODELS

FOLDER = Path(__file__).parent
HEADINGS = (
    f"{'model':<15}{'package':<22}{'fits':>5}{'s':>8}{'bulk':>7}{'tail':>7}{'effects':>9}{'R-hat':>8}{'div.':>6}"
    f"{'gradients':>11}{'MiB':>7}{'ESS/s':>9}{'time ratio':>12}{'ESS/s ratio':>13}"
)
Row = Mapping[str, float | str]


def main() -> None:
    """Print the table, a line as soon as it is known."""
    chosen = read_arguments()
    print(HEADINGS, flush=True)
    repeats = 1 if chosen.cold else chosen.repeats
    for name in chosen.models:
        peer = run_peer(chosen.peer, name, repeats, chosen.patience, chosen.cold)
        if peer is not None:
            print(line(name, peer, None), flush=True)
        for engine in chosen.engine:
            print(line(name, run_worker(engine, name, repeats, chosen.patience, chosen.cold), peer), flush=True)


def read_arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(MODELS)}; all by default")
    parser.add_argument("--peer", choices=["bambi", "rstanarm", "brms", "none"], default="bambi")
    parser.add_argument("--engine", nargs="+", default=["auto"], help="our engines; the one that auto takes by default")
    parser.add_argument("--repeats", type=int, default=3, help="fits of which the median is shown")
    parser.add_argument("--patience", type=float, default=25.0, help="seconds after which no further fit begins")
    parser.add_argument("--cold", action="store_true", help="begin without PyTensor's compiled functions; one fit each")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.models if name not in MODELS]
    if unknown:
        parser.error(f"model '{unknown[0]}' is not one of {', '.join(MODELS)}")
    possible = [name for name, model in MODELS.items() if model.in_r or chosen.peer in ("bambi", "none")]
    chosen.models = chosen.models or possible
    impossible = [name for name in chosen.models if name not in possible]
    if impossible:
        parser.error(f"model '{impossible[0]}' is fitted by Bambi only, not by {chosen.peer}")
    return chosen


def run_peer(peer: str, name: str, repeats: int, patience: float, cold: bool) -> Row | None:
    """Return the measurements of a peer, None for "none"."""
    if peer == "none":
        return None
    if peer == "bambi":
        return run_worker("bambi", name, repeats, patience, cold)
    model = MODELS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        model.data().to_csv(path, index=False)
        labels = ",".join(model.text)
        formula = model.formula if peer == "brms" else _for_rstanarm(model.formula)
        formula = formula.replace("obs()", "(1 | INDEX)")
        arguments = [peer, str(path), labels, formula, model.family]
        return collect(peer, ["Rscript", str(FOLDER / "peer.R"), *arguments])


def run_worker(package: str, name: str, repeats: int, patience: float, cold: bool) -> Row:
    """Return the measurements of one package on one model, from a fresh process."""
    arguments = [package, name, str(repeats), str(patience)]
    command = [sys.executable, str(FOLDER / "worker.py"), *arguments]
    if not cold:
        return collect(package, command)
    with tempfile.TemporaryDirectory() as folder:
        return collect(package, command, {"PYTENSOR_FLAGS": f"base_compiledir={folder}"})


def collect(package: str, command: list[str], environment: Mapping[str, str] | None = None) -> Row:
    """Return medians over the JSON lines that a command prints; the first peak of memory."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}
    )
    found = list(_json_lines(done.stdout))
    if not found:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    numbers = {key: statistics.median(float(one[key]) for one in found) for key in found[0] if key != "engine"}
    engine = found[0].get("engine", "")
    label = f"{package} {engine}" if package in ("bambi", "auto") else package
    return {**numbers, "fits": len(found), "peak": found[0].get("peak", math.nan), "label": label}


def line(model: str, row: Row, peer: Row | None) -> str:
    """Return one line of the table."""
    values = {key: float(value) for key, value in row.items() if key != "label"}
    speed = values["bulk"] / values["seconds"]
    label = str(row["label"]) if str(row["label"]).startswith(("bambi", "rst", "brms")) else f"ours, {row['label']}"
    ratios = ""
    if peer is not None:
        theirs = float(peer["bulk"]) / float(peer["seconds"])
        ratios = f"{'1/' + format(float(peer['seconds']) / values['seconds'], '.1f'):>12}{speed / theirs:>12.1f}x"
    return (
        f"{model:<15}{label:<22}{values['fits']:>5.0f}{values['seconds']:>8.2f}{values['bulk']:>7.0f}{values['tail']:>7.0f}"
        f"{values.get('bulk_effects', math.nan):>9.0f}{values['rhat']:>8.3f}{values['divergences']:>6.0f}"
        f"{values.get('gradients', math.nan):>11.0f}{values['peak']:>7.0f}{speed:>9.1f}{ratios}"
    )


def _json_lines(text: str) -> Iterator[dict[str, float | str]]:
    for one in text.splitlines():
        if one.startswith("{"):
            yield json.loads(one)


def _for_rstanarm(formula: str) -> str:
    left, _, right = formula.partition("~")
    success, trials, total = left.partition("| trials(")
    if not trials:
        return formula
    return f"cbind({success.strip()}, {total.strip().rstrip(')')} - {success.strip()}) ~{right}"


if __name__ == "__main__":
    main()
