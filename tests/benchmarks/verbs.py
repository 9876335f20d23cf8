"""What the answers of a fit cost on large tables: processor seconds and memory, verb by verb, as one table.

    python tests/benchmarks/verbs.py [--shape wide|many|medium|small] [--family gaussian|bernoulli] [VERB ...]

"wide" has 1,000,000 rows in 500 groups (goals: 5 s and 1 GiB a verb), "many" 150,000 rows in 30,000 groups (3 s). Every
row has a value of x of its own, so that no two rows are alike. The 400 draws are given, not sampled. Each verb runs in a
process of its own, forked from one that has the fit, after a run on a tiny table, so that imports do not count: "MiB" is
what its peak adds. Beside each figure stands its goal. A verb that needs more than --patience processor seconds or 6 GiB
is stopped.
"""

import argparse
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

SHAPES = {
    "wide": (1_000_000, 500, 5.0),
    "many": (150_000, 30_000, 3.0),
    "medium": (100_000, 200, 2.0),
    "small": (20_000, 50, 1.0),
    "tiny": (600, 20, 1.0),
}
FEW = 100
"""Draws of results that have a value for each draw and row."""
MOST_MEMORY, GOAL_MEMORY = 6 * 2**30, 2**10


def make_fit(shape, family):
    """Return a fit whose draws lie around the values that made its table."""
    from fixed_draws import fit_at

    import bayesmixed as bm

    rows, groups, _ = SHAPES[shape]
    generator = np.random.default_rng(1)
    x, arm = generator.normal(size=rows), generator.integers(0, 2, rows)
    group = generator.permutation(np.arange(rows) % groups)
    effects = generator.normal(0.0, 0.5, groups)
    eta = 0.2 + 0.3 * x + 0.4 * arm + effects[group]
    y = eta + generator.normal(size=rows)
    if family == "bernoulli":
        y = (generator.uniform(size=rows) < 1.0 / (1.0 + np.exp(-eta))).astype(int)
    data = pd.DataFrame({"y": y, "x": x, "arm": np.array(["a", "b"])[arm], "g": np.char.add("g", group.astype(str))})
    design = bm.prepare(bm.from_formula("y ~ x + arm + (1 | g)", family=family), data)
    levels = [int(level[1:]) for level in design.mu.groups[0].levels]
    values = {"beta": [0.2, 0.3, 0.4], "sd_g": 0.5, "sigma": 1.0, "b_g": effects[levels][:, None]}
    return fit_at(design, values, jitter=0.02, draws=200)


def name_verbs():
    """Return the verbs by name, each a function of a fit."""
    import bayesmixed as bm

    rows = {"x": [0.0, 1.0], "arm": ["a", "b"]}
    named = {
        "predict": lambda fit: bm.predict(fit, draws=FEW, seed=1),
        "predict response": lambda fit: bm.predict(fit, kind="response", draws=FEW, seed=1),
        "predict average": lambda fit: bm.predict(fit, draws=FEW, groups="average"),
        "predict new rows": lambda fit: bm.predict(fit, rows, groups="average"),
        "posterior_predictive": lambda fit: bm.posterior_predictive(fit, draws=FEW, seed=1),
        "slopes": lambda fit: bm.slopes(fit, "x"),
        "comparisons": lambda fit: bm.comparisons(fit, "arm"),
        "marginal_means": lambda fit: bm.marginal_means(fit, "arm"),
        "influence": lambda fit: bm.influence(fit, "g"),
        "loo rows": lambda fit: bm.loo(fit, unit="observation"),
        "loo groups": lambda fit: bm.loo(fit, unit="g"),
        "plot_residuals": lambda fit: bm.plot_residuals(fit),
        "plot_conditional_effects": lambda fit: bm.plot_conditional_effects(fit, "x"),
        "report": lambda fit: bm.write_report(fit, Path("/dev/null")),
    }
    plain = (
        "summary tidy diagnose describe_effects population_effects group_effects variance_components icc r2 "
        "implied_covariance effective_groups variance_dossier shrinkage posterior_checks residuals check_residuals "
        "half_normal future_group group_ranks plot_posterior_checks plot_shrinkage plot_effects plot_forest "
        "plot_variance_shares plot_loo_pit plot_future_group prior_sensitivity"
    )
    return named | {name: getattr(bm, name) for name in plain.split()}


def measure(verb, fit, tiny, patience):
    """Return processor seconds, MiB and what went wrong of one verb in a process of its own."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiving)
        resource.setrlimit(resource.RLIMIT_CPU, (patience, patience + 5))
        signal.signal(signal.SIGXCPU, lambda *_: os._exit(1))
        warnings.simplefilter("ignore")
        held = read_memory("VmSize")
        resource.setrlimit(resource.RLIMIT_AS, (held + MOST_MEMORY, held + MOST_MEMORY))
        problem = ""
        try:
            verb(tiny)
            before, started = read_memory("VmRSS"), time.process_time()
            verb(fit)
        except BaseException as error:
            problem = f"{type(error).__name__}: {error}".splitlines()[0][:90]
            if "--verbose" in sys.argv:
                traceback.print_exc()
        seconds = time.process_time() - started
        added = (read_memory("VmHWM") - before) / 2**20
        os.write(sending, f"{seconds}\n{added}\n{problem}".encode())
        os._exit(0)
    os.close(sending)
    with os.fdopen(receiving) as answer:
        lines = answer.read().splitlines()
    os.waitpid(child, 0)
    if not lines:
        return float("inf"), float("nan"), f"stopped after {patience} s"
    return float(lines[0]), float(lines[1]), lines[2] if len(lines) > 2 else ""


def read_memory(name):
    """Return an entry of /proc/self/status in bytes."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def main():
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verbs", nargs="*")
    parser.add_argument("--shape", choices=SHAPES, default="wide")
    parser.add_argument("--family", choices=("gaussian", "bernoulli"), default="gaussian")
    parser.add_argument("--patience", type=int, default=60)
    parser.add_argument("--verbose", action="store_true", help="with the traceback of what went wrong")
    chosen = parser.parse_args()
    started = time.process_time()
    fit, tiny = make_fit(chosen.shape, chosen.family), make_fit("tiny", chosen.family)
    rows, groups, goal = SHAPES[chosen.shape]
    print(
        f"{rows:,} rows x {groups:,} groups, {chosen.family}; prepared in {time.process_time() - started:.1f} s,",
        end="",
    )
    print(f" {read_memory('VmRSS') / 2**20:.0f} MiB; goals {goal:.0f} s, {GOAL_MEMORY} MiB")
    print(f"{'verb':<26}{'CPU s':>8}{'goal':>6}{'MiB':>8}{'goal':>6}", flush=True)
    import matplotlib

    matplotlib.use("Agg")
    verbs = name_verbs()
    for name in chosen.verbs or verbs:
        seconds, added, problem = measure(verbs[name], fit, tiny, chosen.patience)
        missed = "  MISSED" if seconds > goal or added > GOAL_MEMORY else "  refused" if problem else "  met"
        print(f"{name:<26}{seconds:>8.1f}{goal:>6.0f}{added:>8.0f}{GOAL_MEMORY:>6}{missed}  {problem}", flush=True)


if __name__ == "__main__":
    main()
