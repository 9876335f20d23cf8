"""Complete, no and partial pooling from one spec."""

import numpy as np
import pytest
from conftest import classic, read_reference

import bayesmixed as bm

MODELS = read_reference("mixed_models")["models"]


@pytest.fixture(scope="module")
def comparison():
    return bm.compare_pooling(
        "incidence | trials(size) ~ 1 + (1 | herd)", classic("lme4", "cbpp"), family="binomial", seed=1, progress=False
    )


@pytest.mark.slow
def test_each_pooling_agrees_with_its_own_reference(comparison):
    table = comparison.table.set_index(["pooling", "level"])
    for level in comparison.table["level"].unique():
        alone = MODELS["cbpp_re__glm_no_pooling"]["fixed"][f"herd{level}"]
        assert abs(table.loc[("no", level), "mean"] - alone[0]) < 0.5 * table.loc[("no", level), "sd"]
        complete = MODELS["cbpp_re__glm_complete_pooling"]["fixed"]["(Intercept)"]
        assert abs(table.loc[("complete", level), "mean"] - complete[0]) < 0.3 * complete[1]


@pytest.mark.slow
def test_partial_pooling_lies_between_the_two(comparison):
    table = comparison.table.pivot(index="level", columns="pooling", values="mean")
    spread = table.std()
    assert spread["complete"] < 1e-12 < spread["partial"] < spread["no"]
    sds = comparison.table.pivot(index="level", columns="pooling", values="sd").mean()
    assert sds["complete"] < sds["partial"] < sds["no"]


@pytest.mark.slow
def test_the_comparison_prints_one_row_per_group_and_the_verdicts(comparison):
    text = str(comparison)
    assert text.count("pooling: Converged") == 3
    assert len(comparison.wide()) == 15
    axes = bm.plot_poolings(comparison).axes[0]
    assert len(axes.get_yticklabels()) == 15
    assert np.isfinite(axes.get_xlim()).all()


def test_pooling_without_a_group_is_refused():
    with pytest.raises(bm.SpecError, match="needs a grouping factor"):
        bm.compare_pooling("incidence | trials(size) ~ 1", classic("lme4", "cbpp"), family="binomial")


def test_an_unknown_group_is_refused():
    with pytest.raises(bm.SpecError, match="Did you mean 'herd'"):
        bm.compare_pooling("herd_period", classic("lme4", "cbpp"), group="hert")
