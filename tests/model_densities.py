"""Rows for small models, and the density of a `pm.Model` at values in the constrained space."""

import numpy as np
import pandas as pd


def rows(n=24):
    generator = np.random.default_rng(8)
    return pd.DataFrame(
        {
            "y": generator.normal(3, 2, n),
            "x": generator.normal(5, 1, n),
            "z": generator.normal(0, 1, n),
            "g": np.repeat(np.arange(1, 7), n // 6),
            "h": np.tile(["a", "b"], n // 2),
            "count": generator.poisson(3, n),
            "e": generator.uniform(1, 4, n),
        }
    )


DATA = rows()


def log_density(model, values):
    """Return the joint log density at values of the free variables in the constrained space."""
    import pytensor.tensor as pt

    assert {variable.name for variable in model.free_RVs} == set(values)
    point = {}
    for variable in model.free_RVs:
        value, transform = model.rvs_to_values[variable], model.rvs_to_transforms[variable]
        free = np.asarray(values[variable.name], dtype=float)
        if transform is not None:
            free = transform.forward(pt.as_tensor_variable(free), *variable.owner.inputs).eval(mode="FAST_COMPILE")
        point[value.name] = free
    return float(model.compile_logp(jacobian=False, mode="FAST_COMPILE")(point))
