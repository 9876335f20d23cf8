"""Functions of the user's own, wherever a formula or the name of a spec is taken."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm

FORMULA = "y ~ dose(x) + (1 | g)"
OWN = {"dose": np.sqrt}
generator = np.random.default_rng(0)
ROWS = pd.DataFrame({"x": generator.uniform(1, 9, 60), "g": np.resize(list("abcdefghij"), 60)})
ROWS["y"] = np.sqrt(ROWS["x"]) + generator.normal(size=60)
TRUTH = {"beta": 1.0, "sd_g": 0.5, "sigma": 1.0}

CALLS = {
    "prepare": lambda spec, **own: bm.prepare(spec, ROWS, **own),
    "check_data": lambda spec, **own: bm.check_data(spec, ROWS, **own).design.mu,
    "prior_table": lambda spec, **own: bm.prior_table(spec, ROWS, **own),
    "rules of prior_table": lambda spec, **own: bm.prior_table(spec, **own),
    "simulate": lambda spec, **own: bm.simulate(spec, data=ROWS, truth=TRUTH, seed=1, **own),
    "prior_predictive": lambda spec, **own: bm.prior_predictive(spec, ROWS, draws=5, seed=1, **own),
}


@pytest.mark.parametrize("call", CALLS)
def test_functions_are_taken_with_a_formula_a_spec_and_a_file(call, tmp_path):
    path = tmp_path / "spec.toml"
    bm.save_spec(bm.from_formula(FORMULA, functions=OWN), path)
    for spec in (FORMULA, path, bm.load_spec(path)):
        assert CALLS[call](spec, functions=OWN) is not None
    assert CALLS[call](bm.load_spec(path, functions=OWN)) is not None


@pytest.mark.parametrize("spec", [FORMULA, bm.from_formula(FORMULA)])
@pytest.mark.parametrize("call", ["prepare", "prior_table", "simulate"])
def test_without_its_function_a_formula_asks_for_it(call, spec):
    with pytest.raises(bm.SpecError, match="functions="):
        CALLS[call](spec)


def test_the_columns_are_those_of_the_function():
    design = bm.prepare(FORMULA, ROWS, functions={"dose": lambda v: 2 * v})
    np.testing.assert_allclose(design.mu.population.matrix[:, 1], 2 * ROWS["x"])


@pytest.mark.parametrize(
    "wrong", [["dose"], {"dose": 3}, "dose", {"log": np.sqrt}, {3: np.sqrt}, {"__import__": len}, {"eval": abs}]
)
def test_what_is_no_function_is_refused(wrong):
    with pytest.raises(bm.SpecError):
        bm.prepare(FORMULA, ROWS, functions=wrong)
