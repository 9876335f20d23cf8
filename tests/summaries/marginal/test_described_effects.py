"""Effects in sentences: right sizes, signs, and nothing said that the draws leave open."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm

GENERATOR = np.random.default_rng(1)
TABLE = pd.DataFrame(
    {
        "y": GENERATOR.normal(size=60),
        "day": np.tile(np.arange(6), 10),
        "dose": np.tile(np.linspace(0.001, 0.01, 6), 10),
        "treated": np.repeat(["no", "yes", "maybe"], 20),
        "unit": [f"u{i}" for i in np.repeat(np.arange(10), 6)],
    }
)


def describe(formula, beta, jitter=1e-6, family="gaussian"):
    table = TABLE.assign(y=TABLE["y"] > 0) if family == "bernoulli" else TABLE
    design = bm.prepare(bm.from_formula(formula, family=family), table)
    return bm.describe_effects(fit_at(design, {"beta": beta, "sigma": 1.0, "sd_unit": 1.0}, jitter=jitter))


def sentence(found, start):
    return next(one for one in found.sentences if one.startswith(start))


@pytest.mark.parametrize(("slope", "word"), [(2.0, "higher"), (-2.0, "lower")])
def test_the_sign_of_an_effect_is_a_word_and_its_size_a_number(slope, word):
    found = describe("y ~ day + (1 | unit)", [0.0, slope])
    assert sentence(found, "day, 1 higher").startswith(f"day, 1 higher: expected y is {word} by ")
    assert "-" not in found.sentences[0]
    size = found.table["mean"].iloc[0]
    assert size == pytest.approx(slope, abs=1e-4)


def test_an_interval_with_zero_inside_is_not_given_a_sign():
    found = describe("y ~ day + (1 | unit)", [0.0, 0.0], jitter=0.1)
    assert "may be lower or higher" in found.sentences[0]
    assert "(95 % interval -" in found.sentences[0]


def test_a_number_that_is_no_count_changes_by_one_sd_in_any_unit():
    found = describe("y ~ dose + (1 | unit)", [0.0, 100.0])
    spread = TABLE["dose"].std()
    assert found.table["mean"].iloc[0] == pytest.approx(100 * spread, rel=1e-3)
    assert " instead of " in found.sentences[0]
    assert "(sd)" not in found.sentences[0]


def test_each_level_is_compared_with_the_first():
    found = describe("y ~ treated + (1 | unit)", [0.0, 1.0, 3.0])
    assert [one.partition(":")[0] for one in found.sentences] == [
        "treated, no instead of maybe",
        "treated, yes instead of maybe",
    ]
    assert found.table["mean"].tolist() == pytest.approx([1.0, 3.0], abs=1e-3)


def test_effects_of_other_links_are_on_the_scale_of_the_response():
    found = describe("y ~ day", [0.0, 0.5], family="bernoulli")
    low, high = (1 / (1 + np.exp(-0.5 * x)) for x in (2.5, 3.5))
    assert found.table["mean"].iloc[0] == pytest.approx(high - low, abs=1e-4)


def test_a_model_without_columns_says_what_it_expects():
    found = describe("y ~ 1 + (1 | unit)", [7.0])
    assert found.sentences[0].startswith("Expected y: 7.0000")
    assert "unit" in str(found)
