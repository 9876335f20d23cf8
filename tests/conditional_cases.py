"""Models whose effects are sought given their parameters."""

import numpy as np
import pandas as pd

N = 90


def table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"x": rng.normal(size=N), "z": rng.normal(size=N), "w": rng.integers(1, 4, N)})
    for name, levels in (("g", 9), ("h", 6), ("k", 5)):
        data[name] = [f"{name}{level}" for level in rng.permutation(np.arange(N) % levels)]
    data["inner"] = data["g"] + (np.arange(N) % 2).astype(str)
    eta = 0.3 + 0.5 * data["x"] + 0.6 * rng.normal(size=9)[data["g"].str[1:].astype(int)]
    data["y"] = eta + 0.7 * rng.normal(size=N)
    data["n"] = rng.poisson(np.exp(eta))
    data["b"] = rng.binomial(5, 1 / (1 + np.exp(-eta)))
    data["p"] = np.exp(data["y"])
    data["s"] = 1 / (1 + np.exp(-data["y"]))
    data["r"] = np.digitize(data["y"], [-0.5, 0.5, 1.2])
    return data


TABLE = table()


MODELS = {
    "slopes": ("y ~ x + (x | g)", {}),
    "slopes apart, a modelled sigma": ("y ~ x + (x || g)", {"sigma": "~ z"}),
    "crossed": ("b | trials(5) ~ x + (1 | g) + (x | h)", {"family": "binomial", "crossed": ["h"]}),
    "cloglog, nested": ("b | trials(5) ~ x + (1 | g/inner)", {"family": "binomial", "link": "cloglog"}),
    "rows": ("n ~ x + (1 | g) + obs()", {"family": "poisson"}),
    "members": ("n ~ x + (x | mm(g, h))", {"family": "negbin", "theta": "~ z"}),
    "curves": ("n ~ x + s(z, by=k) + (1 | g)", {"family": "negbin1"}),
    "a curve": ("p ~ s(z) + offset(0.3 * x) + (1 | g)", {"family": "gamma"}),
    "precision weights": ("y | weights(w, 'precision') ~ x + (1 | g)", {}),
    "frequency weights": ("n | weights(w, 'frequency') ~ k + (1 | g)", {"family": "poisson"}),
    "categories": ("r ~ x + (1 | g) + (1 | h)", {"family": "cumulative", "crossed": ["h"]}),
    "shares": ("s ~ x + (1 | g)", {"family": "beta", "phi": "~ z"}),
    "t": ("y ~ x + (1 | g)", {"family": "student"}),
    "zeros": ("n ~ x + (1 | g)", {"family": "zero_inflated_negbin", "zi": "~ z"}),
    "hurdle": ("n ~ x + (1 | g)", {"family": "hurdle_negbin"}),
    "fixed numbers": ("y ~ x + (x || g)", {"priors": {"sd_g[x]": 0.4, "beta[x]": 0.2, "sigma": 0.8}}),
    "no effects": ("n ~ x", {"family": "generalised_poisson"}),
}


def differences(value, point, step=1e-4):
    steps = step * np.eye(len(point))
    return np.array([(value(point + e) - value(point - e)) / (2.0 * step) for e in steps])
