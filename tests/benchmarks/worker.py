"""One package on one model, in a process of its own: prints one JSON line per fit.

Arguments: package (an engine of ours, "auto", or "bambi"), model, number of fits, seconds after which no further fit begins.
"""

import json
import resource
import sys
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from models import MODELS, Benchmark, small

CORES = 2


def fit_ours(model: Benchmark, engine: str, seed: int) -> tuple[Any, Any]:
    """Return the draws of bayesmixed and the engine it took."""
    import bayesmixed as bm

    spec = bm.from_formula(model.formula, family=model.family)
    fit = bm.fit(spec, tables(model), engine=engine, seed=seed, cores=CORES, progress=False)
    return fit.draws, fit.engine.name


def fit_bambi(model: Benchmark, _engine: str, seed: int) -> tuple[Any, Any]:
    """Return the draws of Bambi by nutpie, at its defaults."""
    import bambi

    built = bambi.Model(model.peer_formula, tables(model), family=model.family)
    settings = {"draws": 1000, "tune": 1000, "chains": 4, "cores": CORES, "progressbar": False}
    return built.fit(inference_method="nutpie", random_seed=seed, **settings), "nutpie"


def tables(model: Benchmark) -> Any:
    """Return the data with its labels as text."""
    table = model.data()
    return table.assign(**{name: table[name].astype(str) for name in model.text})


def measure(draws: Any) -> Mapping[str, float]:
    """Return the smallest effective sample sizes, the largest R-hat, divergences, and gradients of the kept draws.

    Group effects are the variables that have a level of a factor as a dimension: `b_herd` of ours, `1|herd` of Bambi.
    """
    import arviz_stats

    posterior, stats = draws["posterior"].to_dataset(), draws["sample_stats"].to_dataset()
    effects = [name for name in posterior if name.startswith("b_") or ("|" in name and not name.endswith("_sigma"))]
    varying = posterior.map(_without_constants)
    others = [name for name in varying if name not in effects]
    bulk, tail = arviz_stats.ess(varying, method="bulk"), arviz_stats.ess(varying, method="tail")
    return {
        "bulk": _extreme(bulk[others], np.nanmin),
        "bulk_effects": _extreme(bulk[effects], np.nanmin),
        "tail": _extreme(tail[others], np.nanmin),
        "tail_effects": _extreme(tail[effects], np.nanmin),
        "rhat": _extreme(arviz_stats.rhat(varying), np.nanmax),
        "divergences": float(stats["diverging"].sum()),
        "gradients": float(stats["n_steps"].sum()) if "n_steps" in stats else float("nan"),
    }


def _without_constants(variable: xr.DataArray) -> xr.DataArray:
    """Return NaN for elements that never move: the ones of correlation matrices."""
    return variable.where(variable.std(("chain", "draw")) > 1e-10)


def _extreme(values: xr.Dataset, of: Any) -> float:
    return float(of([of(v.values) for v in values.data_vars.values()])) if len(values) else float("nan")


def main() -> None:
    """Fit a small model first, then the model itself, and print what was measured."""
    package, name, repeats, patience = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    warnings.simplefilter("ignore")
    fit = fit_bambi if package == "bambi" else fit_ours
    fit(small(MODELS[name].family), package, 0)
    begun = time.perf_counter()
    for seed in range(1, repeats + 1):
        started = time.perf_counter()
        draws, engine = fit(MODELS[name], package, seed)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"engine": engine, "seconds": seconds, "peak": peak, **measure(draws)}), flush=True)
        if time.perf_counter() - begun > patience:
            return


if __name__ == "__main__":
    main()
