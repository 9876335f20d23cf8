"""One package on one model, in a process of its own: prints one JSON line per fit.

Arguments: package (an engine of ours, "auto", or "bambi"), model, number of fits, seconds after which no further fit begins.
"""

import json
import os
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


class Ours:
    """bayesmixed: a fit of its own each time, or a refit of the first one."""

    def __init__(self, model: Benchmark, engine: str) -> None:
        import bayesmixed as bm

        self.model, self.engine, self.first = model, engine, None
        self.spec = bm.from_formula(model.formula, family=model.family)
        if model.refit or model.again:
            self.first = self._fit(0)

    def fit(self, seed: int) -> tuple[Any, str]:
        """Return the draws, and the engine that was taken."""
        import bayesmixed as bm

        first = self.first
        found = bm.refit(first, **self._change(seed), seed=seed, progress=False) if first else self._fit(seed)
        return found.draws, found.engine.name

    def _change(self, seed: int) -> dict[str, Any]:
        if self.model.refit:
            return {"priors": {self.model.refit[0]: f"Normal(0, {1 + seed})"}}
        return {"data": tables(self.model, seed)}

    def _fit(self, seed: int) -> Any:
        import bayesmixed as bm

        return bm.fit(self.spec, tables(self.model), engine=self.engine, seed=seed, cores=CORES, progress=False)


class Bambi:
    """Bambi with nutpie, at its defaults."""

    def __init__(self, model: Benchmark, _engine: str) -> None:
        self.model = model
        if model.refit or model.again:
            self.fit(0)

    def fit(self, seed: int) -> tuple[Any, str]:
        """Return the draws, and the sampler."""
        import bambi

        model = self.model
        priors = {model.refit[1]: bambi.Prior("Normal", mu=0, sigma=1.0 + seed)} if model.refit else None
        family = model.peer_family or model.family
        built = bambi.Model(model.peer_formula, tables(model, seed), family=family, priors=priors)
        settings = {
            "draws": model.peer_draws,
            "tune": model.peer_draws,
            "chains": 4,
            "cores": CORES,
            "progressbar": False,
        }
        return built.fit(inference_method="nutpie", random_seed=seed, **settings), "nutpie"


def tables(model: Benchmark, seed: int = 0) -> Any:
    """Return the data with its labels as text; of a model that is fitted again, those of the seed."""
    table = model.again(seed) if model.again else model.data()
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
        "divergences": float(stats["diverging"].sum()) if "diverging" in stats else 0.0,
        "gradients": float(stats["n_steps"].sum())
        if "n_steps" in stats
        else stats.attrs.get("evaluations", float("nan")),
    }


def processor_seconds() -> float:
    """Return the processor time of this process and of its finished children."""
    return sum(os.times()[:4])


def _without_constants(variable: xr.DataArray) -> xr.DataArray:
    """Return NaN for elements that never move: the ones of correlation matrices."""
    return variable.where(variable.std(("chain", "draw")) > 1e-10)


def _extreme(values: xr.Dataset, of: Any) -> float:
    return float(of([of(v.values) for v in values.data_vars.values()])) if len(values) else float("nan")


def main() -> None:
    """Fit a small model first, of so many rows that `auto` chooses alike, then the model itself; print what was measured."""
    package, name, repeats, patience = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    warnings.simplefilter("ignore")
    kind = Bambi if package == "bambi" else Ours
    groups = 8 if len(MODELS[name].data()) < 200 else 48
    kind(small(MODELS[name].family, groups), package).fit(0)
    fitted = kind(MODELS[name], package)
    begun = time.perf_counter()
    for seed in range(1, repeats + 1):
        started, used = time.perf_counter(), processor_seconds()
        draws, engine = fitted.fit(seed)
        seconds, used = time.perf_counter() - started, processor_seconds() - used
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            json.dumps({"engine": engine, "seconds": seconds, "cpu": used, "peak": peak, **measure(draws)}), flush=True
        )
        if time.perf_counter() - begun > patience:
            return


if __name__ == "__main__":
    main()
