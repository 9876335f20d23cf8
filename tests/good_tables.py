"""Tables in which everything is in order, and with one thing wrong."""

import numpy as np
import pandas as pd

N = 24


BINOMIAL = {"family": "binomial"}


POISSON = {"family": "poisson"}


BERNOULLI = {"family": "bernoulli"}


def table(**columns):
    """Return 24 rows in which everything is in order, with the given columns put in their place."""
    generator = np.random.default_rng(11)
    base = {
        "y": generator.normal(size=N).round(3),
        "x": generator.normal(size=N).round(3),
        "z": generator.normal(size=N).round(3),
        "year": np.tile([2019, 2020, 2021], N // 3),
        "g": np.repeat(np.arange(1, 9), 3),
        "between": np.repeat(generator.normal(size=8), 3),
        "f": np.tile(["a", "b", "c", "d"], N // 4),
        "count": generator.poisson(4, N),
        "size": np.full(N, 30),
        "e": generator.uniform(1, 2, N),
        "yes": np.tile(["no", "yes"], N // 2),
        "event": np.tile([0, 1, 1], N // 3),
    }
    return pd.DataFrame({**base, **columns})


def with_value(name, row, value):
    """Return the good table with one value changed."""
    data = table()
    data[name] = data[name].astype(object if isinstance(value, str) else float)
    data.loc[row, name] = value
    return data


def with_name(old, new):
    return table().rename(columns={old: new})


def twice(name):
    data = table()
    return pd.concat([data, data[[name]]], axis=1)


CLASSROOM = pd.DataFrame(
    {
        "y": np.arange(14.0) ** 0.5,
        "school": np.repeat([1, 2, 3], [4, 6, 4]),
        "room": [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 1, 1, 2, 2],
        "letter": list("aabbaabbccaabb"),
        "stem": [f"room{k}" for k in [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 1, 1, 2, 2]],
    }
)
