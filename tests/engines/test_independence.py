"""Independence sampling: proposals have their densities, chains their target, whatever runs beside them."""

import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from exact_margins import assert_law
from scipy import stats

import bayesmixed as bm
from bayesmixed.engines import proposals
from bayesmixed.engines.independence import sample_independently
from bayesmixed.engines.proposals import Scales
from bayesmixed.engines.settings import Settings

ONE = Scales(np.ones(1), np.ones(1))


@dataclass
class Target:
    """A density of positive numbers v, in x = log v."""

    law: Any
    noise: float = 0.0
    scales: Scales = ONE
    kept: int = 1
    before: list[Any] = field(default_factory=list)

    def evaluate(self, points, stream):
        for act in self.before:
            act()
        noise = self.noise * stream.normal(size=len(points)) - 0.5 * self.noise**2
        logs = (self.law(np.exp(points)) + points).sum(axis=1) + noise
        return logs, points[:, :1] + 1.0


def settings(**options):
    return Settings(**{"chains": 4, "draws": 1000, "tune": 300, "cores": 2, "target_accept": 0.0, "seed": 3} | options)


def run(target, mode=0.0, spread=1.0, ends=(), **options):
    size = len(target.scales.powers)
    return sample_independently(
        target, np.full(size, mode), spread**2 * np.eye(size), settings(**options), lambda share: None, ends
    )


@pytest.mark.parametrize("noise", [0.0, 0.7])
def test_chains_have_an_sd_near_zero_as_its_law_says(noise):
    found = run(Target(stats.halfnorm.logpdf, noise))
    assert found.refusal is None
    assert_law(np.exp(found.points[..., 0]), stats.halfnorm)
    # What is kept belongs to its point.
    assert np.all(found.kept == found.points + 1.0)


def _two_regions(v):
    """Return the log-density of a law with three tenths between 0 and .3, and the rest near 1."""
    return np.logaddexp(np.log(0.3) + stats.uniform.logpdf(v, 0.0, 0.3), np.log(0.7) + stats.norm.logpdf(v, 1.0, 0.02))


@pytest.mark.parametrize("heavy", [True, False])
def test_a_region_at_zero_that_pareto_k_does_not_see_is_found_by_heavy_tails(heavy, monkeypatch):
    if not heavy:
        monkeypatch.setattr(proposals, "FIRST_HEAVY", 0.0)
        monkeypatch.setattr(proposals, "CORNER", 0.0)
        monkeypatch.setattr(proposals, "SHARES", (0.0, 1.0, 0.0, 0.0))
        monkeypatch.setattr(proposals, "LEAST", (0.0, 0.0, 0.0, 0.0))
    found = run(Target(_two_regions), spread=0.02)
    share = float(np.mean(np.exp(found.points) < 0.5))
    if heavy:
        assert found.refusal is None
        assert share == pytest.approx(0.3, abs=0.04)
    else:
        assert found.k < 0.5
        assert share < 0.05


def test_proposals_that_suit_badly_are_refused_with_their_reason():
    many = Scales(np.zeros(12), np.ones(12))

    @dataclass
    class Needle(Target):
        def evaluate(self, points, stream):
            return stats.cauchy.logpdf(points, scale=1e-3).sum(axis=1), np.zeros((len(points), 1))

    assert "is " in run(Needle(None, scales=many), draws=200).refusal


@pytest.mark.parametrize("seed", [1, 2])
def test_chains_with_uneven_weights_are_run_again_with_proposals_fitted_to_all_points(seed):
    """A pilot of 75 points does not see how this law bends; the first runs have weights of more than ten times the mean."""

    def bent(v):
        x = np.log(v)
        return stats.norm.logpdf(np.column_stack([x[:, 0], x[:, 1] - 0.5 * (x[:, 0] ** 2 - 1.0)])) - x

    found = run(Target(bent, scales=Scales(np.zeros(2), np.ones(2))), tune=50, seed=seed)
    assert found.refusal is None
    assert found.evaluations == 4 * (50 + 25) + 2 * 4 * 1025
    first, second = found.points[..., 0].ravel(), found.points[..., 1].ravel()
    np.testing.assert_allclose([first.mean(), second.mean()], 0.0, atol=0.15)
    np.testing.assert_allclose([first.std(), second.std()], np.sqrt([1.0, 1.5]), rtol=0.08)
    # Who goes on begins with the second proposals.
    more = run(Target(bent, scales=Scales(np.zeros(2), np.ones(2))), ends=found.ends, seed=9)
    assert more.evaluations == 4000
    assert more.k < 0.9


def test_chains_depend_on_the_seed_alone():
    one, other, third = (
        run(Target(stats.halfnorm.logpdf), draws=120, **o) for o in ({"cores": 1}, {"cores": 4}, {"seed": 4})
    )
    assert np.array_equal(one.points, other.points)
    assert not np.array_equal(one.points, third.points)
    longer = run(Target(stats.halfnorm.logpdf), draws=120, chains=5)
    assert np.array_equal(one.points, longer.points[:4])


def interrupt_after(calls, seconds):
    """Return what interrupts the program once, after some calls, each of which takes a while."""
    counted, gate = [], threading.Lock()

    def act():
        counted.append(0)
        if len(counted) > calls and gate.acquire(blocking=False):
            signal.raise_signal(signal.SIGINT)
        time.sleep(seconds)

    return act


def test_an_interruption_keeps_the_draws_that_all_chains_have():
    found = run(Target(stats.halfnorm.logpdf, before=[interrupt_after(40, 0.005)]), draws=20_000, cores=4)
    assert not found.complete
    assert 0 < found.points.shape[1] < 20_000
    used = found.settings(settings(draws=20_000))
    assert (used.chains, used.draws, used.complete) == (*found.points.shape[:2], False)


def test_an_interruption_before_any_draw_says_so():
    with pytest.raises(bm.SamplingError, match="there are no draws to keep"):
        run(Target(stats.halfnorm.logpdf, before=[interrupt_after(0, 0.2)]))


def test_a_density_that_is_nowhere_finite_is_an_error_of_ours():
    with pytest.raises(bm.SamplingError, match="cannot start"):
        run(Target(lambda v: np.full(v.shape, np.nan)))


def test_an_error_in_a_chain_is_passed_on():
    def fail():
        raise ZeroDivisionError("own")

    with pytest.raises(ZeroDivisionError, match="own"):
        run(Target(stats.halfnorm.logpdf, before=[fail]))


def test_without_tuning_the_first_proposal_is_enough_for_a_start():
    found = run(Target(stats.halfnorm.logpdf), tune=0, draws=50)
    assert found.points.shape == (4, 50, 1)


def test_chains_go_on_where_they_ended_with_the_proposals_that_they_had():
    counted = []
    target = Target(stats.halfnorm.logpdf)
    first = run(target, draws=400)
    more = run(Target(stats.halfnorm.logpdf, before=[lambda: counted.append(0)]), draws=400, ends=first.ends, seed=9)
    assert more.evaluations == more.points.shape[0] * 400 - np.isinf(more.statistics["log_weight"].values).sum()
    assert [end.proposal for end in more.ends] == [end.proposal for end in first.ends]
    # A step that stays in place at once shows where the chain was.
    stays = more.points[:, 0, 0] == first.points[:, -1, 0]
    assert np.all(stays | (more.statistics["mean_tree_accept"].values[:, 0] > 0.0))
    assert_law(np.exp(np.concatenate([first.points, more.points], axis=1)[..., 0]), stats.halfnorm)


def test_a_chain_whose_proposals_are_never_taken_stays_at_its_last_state():
    first = run(Target(stats.halfnorm.logpdf), draws=50)
    more = run(Target(lambda v: np.full(v.shape, -np.inf)), draws=5, ends=first.ends)
    assert np.all(more.points[:, :, 0] == first.points[:, -1:, 0])
    assert np.all(more.kept == first.kept[:, -1:])
