"""One model by GPBoost's maximum likelihood: prints one JSON line. Argument: model."""

import json
import sys
import time

import gpboost
import numpy as np
import pandas as pd
from formulaic import model_matrix
from models import MODELS, Benchmark, small
from worker import tables

from bayesmixed.formulas.notation import split_top

LIKELIHOODS = {
    "gaussian": "gaussian",
    "poisson": "poisson",
    "bernoulli": "bernoulli_logit",
    "binomial": "binomial_logit",
}


def fit(model: Benchmark) -> float:
    """Return the processor seconds of the fit."""
    table = tables(model)
    left, _, right = model.formula.partition("~")
    parts = [part.strip() for part in split_top(right, "+")]
    population = " + ".join(part for part in parts if not part.startswith(("(", "obs")))
    columns = np.asarray(model_matrix(population, table), dtype=float)
    groups = [
        np.arange(len(table)) if part == "obs()" else table[part.strip("()").split("|")[1].strip()]
        for part in parts
        if part.startswith(("(", "obs"))
    ]
    response, _, trials = left.strip().partition(" | trials(")
    y, options = table[response].to_numpy(float), {}
    if trials:
        options["weights"] = table[trials.rstrip(") ")].to_numpy(float)
        y = y / options["weights"]
    labels = pd.DataFrame({str(i): np.asarray(one).astype(str) for i, one in enumerate(groups)}).to_numpy()
    started = time.process_time()
    found = gpboost.GPModel(group_data=labels, likelihood=LIKELIHOODS[model.family], **options)
    found.fit(y=y, X=columns, params={"trace": False})
    return time.process_time() - started


if __name__ == "__main__":
    fit(small(MODELS[sys.argv[1]].family))
    print(json.dumps({"cpu": fit(MODELS[sys.argv[1]])}))
