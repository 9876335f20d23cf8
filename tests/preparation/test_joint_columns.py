"""What stands in formulas of several responses: the dot, and other responses."""

import pytest
from joint_models import table

import bayesmixed as bm
from bayesmixed.errors import SpecError

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def test_a_dot_is_no_response_also_of_a_file(tmp_path):
    data = table()
    data.to_csv(tmp_path / "rows.csv", index=False)
    for rows in (data, tmp_path / "rows.csv"):
        parts = bm.prepare_joint(["log(y1 + 99) ~ . + (1 |p| g)", "y2 ~ . + (1 |p| g)"], rows).parts
        assert [part.mu.population.labels for part in parts.values()] == [("Intercept", "x", "z")] * 2


def test_a_dot_does_not_leave_out_a_column_called_as_the_letter():
    with pytest.raises(SpecError, match="'p' is a column of the data"):
        bm.prepare_joint(["y1 ~ . + (1 |p| g)", "y2 ~ . + (1 |p| g)"], table().assign(p=lambda one: one["x"] ** 2))


@pytest.mark.parametrize(
    ("formulas", "circle"),
    [
        (["y1 ~ y2 + (1 |p| g)", "y2 ~ x + (0 + y1 |p| g)"], "'y1', 'y2'"),
        (["y1 ~ exp(y2)", "y2 ~ x", "x ~ z", "z ~ x"], "'x', 'z'"),
    ],
)
def test_responses_that_depend_on_each_other_in_a_circle_are_refused(formulas, circle):
    with pytest.raises(SpecError, match=f"^{circle} depend on each other in a circle"):
        bm.prepare_joint(formulas, table())


def test_a_response_in_the_formula_of_another_needs_an_instrument_beside_rescor():
    alike, instrument = ["y1 ~ y2 + x", "y2 ~ x"], ["y1 ~ y2 + x", "y2 ~ x + z"]
    with pytest.raises(SpecError, match="an instrument"):
        bm.prepare_joint(alike, table(), rescor=True)
    for formulas, options in ((alike, {}), (instrument, {"rescor": True}), (alike, {"priors": {"rescor": 0.2}})):
        assert [*bm.prepare_joint(formulas, table(), **{"rescor": "priors" in options} | options)] == ["y1", "y2"]
