"""Labels that start again in each group: nested, crossed, or asked about."""

import warnings

import numpy as np
import pandas as pd
import pytest
from good_tables import CLASSROOM

from bayesmixed.errors import DataError, StatisticsWarning
from bayesmixed.preparation.preparing import prepare
from bayesmixed.spec.model_spec import from_formula


@pytest.mark.parametrize("name", ["room", "letter", "stem"])
def test_labels_that_mean_the_same_everywhere_are_said_to_be_crossed(name):
    spec = from_formula(f"y ~ (1 | school) + (1 | {name})", crossed=name)
    with pytest.warns(StatisticsWarning, match="3 levels"):
        design = prepare(spec, CLASSROOM)
    assert [len(group.levels) for group in design.mu.groups] == [3, 3]


def test_nested_rooms_need_no_word():
    with pytest.warns(StatisticsWarning, match="'school' has 3 levels"):
        design = prepare("y ~ (1 | school/room)", CLASSROOM)
    assert len(design.mu.groups[1].levels) == 7


def test_labels_that_count_through_the_schools_are_not_suspected():
    own = CLASSROOM.assign(room=["1", "1", "2", "2", "3", "3", "4", "4", "5", "5", "6", "6", "7", "7"])
    with pytest.warns(StatisticsWarning, match="'school' has 3 levels") as notes:
        prepare("y ~ (1 | school) + (1 | room)", own)
    assert not any("labels" in str(note.message) for note in notes)


def labelled(kind, seed):
    """Return a right design of two factors whose labels are counted: outer, inner, several rows a pair."""
    generator = np.random.default_rng(seed)
    outer = generator.integers(6, 15)
    if kind == "crossed":
        pairs = [(a, b) for a in range(outer) for b in range(1, generator.integers(3, 9) + 1)]
        pairs = [(a, b) for a in range(outer) for b in range(1, max(p[1] for p in pairs) + 1)]
        copies = generator.integers(1, 4, len(pairs))
    elif kind == "sparse":
        whole = [(a, b) for a in range(outer) for b in range(1, 13)]
        pairs = [whole[i] for i in np.sort(generator.choice(len(whole), len(whole) // 2, replace=False))]
        copies = generator.integers(1, 4, len(pairs))
    else:
        pairs = [(a, b) for a in range(outer) for b in range(1, generator.integers(1, 9) + 1)]
        copies = generator.poisson(3.0, len(pairs)) + 1 if kind == "classes" else np.ones(len(pairs), dtype=int)
    a, b = np.repeat(np.array(pairs), copies, axis=0).T
    return pd.DataFrame({"y": generator.normal(size=len(a)), "a": [f"s{i}" for i in a], "b": b})


@pytest.mark.parametrize(
    ("kind", "refused", "noted"), [("crossed", 0, 0), ("sparse", 0, 0), ("classes", 40, 0), ("visits", 0, 40)]
)
def test_labels_used_again_raise_no_alarm_in_crossed_designs_and_one_in_nested_ones(kind, refused, noted):
    outcomes = []
    for seed in range(40):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                prepare("y ~ 1 + (1 | a) + (1 | b)", labelled(kind, seed))
            except DataError as error:
                outcomes.append("refused" if "start again" in str(error) else str(error))
            else:
                outcomes.append(
                    "noted" if any("up to different numbers" in str(w.message) for w in caught) else "silent"
                )
    assert (outcomes.count("refused"), outcomes.count("noted")) == (refused, noted)
