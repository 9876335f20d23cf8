"""The tail of weights, and which of them chains are not made of."""

import numpy as np
import pytest
from scipy import stats

from bayesmixed.engines.proposal_weights import explain_refusal, judge, largest_weight, pareto_k


@pytest.mark.parametrize("shape", [-0.3, 0.2, 0.9])
def test_pareto_k_is_that_of_arviz(shape):
    from arviz_stats.base import array_stats

    logs = np.log(stats.genpareto.rvs(shape, size=3000, random_state=1))
    assert pareto_k(logs) == pytest.approx(float(array_stats.psislw(-logs)[1]), abs=1e-6)
    assert pareto_k(np.full(10, -np.inf)) == np.inf
    assert pareto_k(np.zeros(100)) == 0.0


@pytest.mark.parametrize(
    ("k", "largest", "acceptance", "said"),
    [
        (0.6, 11.0, 0.8, "Pareto k 0.60"),
        (0.6, 9.0, 0.8, None),
        (0.4, 50.0, 0.8, None),
        (0.4, 2.0, 0.1, "acceptance 0.10"),
    ],
)
def test_weights_are_refused_if_they_are_heavy_and_large_or_hardly_taken(k, largest, acceptance, said):
    reason = explain_refusal(k, largest, acceptance)
    assert reason is None if said is None else said in reason


def test_statistics_say_what_is_wrong_with_weights():
    logs = np.log(stats.genpareto.rvs(0.9, size=(2, 1500), random_state=1))
    said = judge(logs, 0.5, 4000)
    assert said["evaluations"] == 4000
    assert said["pareto_k"] == pareto_k(logs.ravel()) > 0.5
    assert "Pareto k" in said["refused"]
    assert largest_weight(logs.ravel()) == pytest.approx(np.exp(logs).max() / np.exp(logs).mean())
    assert judge(np.zeros((2, 100)), 0.5, 4000)["refused"] == ""
    assert judge(np.append(logs, np.nan), 0.5, 4000) == judge(logs, 0.5, 4000)
