"""verify: right fits pass, wrong ones do not, and the page says why and what to try."""

from dataclasses import replace

import numpy as np
import pytest
from exact_one_way import KNOWN, exact_fit, simulate_one_way
from exact_samplers import PRIORS, VALUES, normal_fit, right, too_wide
from fixed_draws import changed, fit_at

import bayesmixed as bm
from bayesmixed.calibration import verification
from bayesmixed.calibration.certificates import LEVEL
from bayesmixed.engines.settings import EngineRecord
from bayesmixed.errors import SamplingError

DATA = simulate_one_way("poisson", 12, 6, 1)


def by(fit, engine):
    return replace(fit, engine=EngineRecord(engine, "asked for"))


@pytest.fixture
def exact(monkeypatch):
    """Return a function that verifies an exact fit, changed by functions of its variables, by another exact one."""
    first, second = (exact_fit("poisson", DATA, seed) for seed in (1, 2))

    def verify(refits=0, sampler=None, fit=first, other=second, **functions):
        monkeypatch.setattr(
            verification, "sample_by_another", lambda *_: (other and by(other, "marginal"), ("pymc: none",))
        )
        monkeypatch.setattr(verification, "sample", sampler)
        return bm.verify(by(changed(fit, **functions), "kernel"), refits=refits, seed=1, progress=False)

    return verify


def test_right_draws_are_verified(exact):
    found = exact()
    assert found.ok
    assert found.verdict == "Verified: 'marginal' draws from the same posterior as 'kernel'."
    assert (found.advice, found.disagreements, found.refits) == ((), (), ())
    assert found.seeds[1] == 1
    assert found.resolution.between(0.1, 0.5).all()


@pytest.mark.parametrize(
    ("functions", "named"),
    [
        ({"beta": lambda b: b + 0.3 * b.std()}, "beta[Intercept]"),
        ({"sd_g": lambda s: s.mean() + 1.25 * (s - s.mean())}, "sd_g[Intercept]"),
        ({"b_g": lambda b: 1.3 * b}, "log likelihood"),
    ],
)
def test_draws_of_a_wrong_engine_are_not_verified(exact, functions, named):
    found = exact(**functions)
    assert not found.ok
    assert named in found.disagreements
    assert found.verdict.startswith("NOT VERIFIED: the engines 'kernel' and 'marginal' disagree about")
    assert "third engine" in str(found)


def test_a_fit_that_was_stopped_far_too_early_is_not_verified(exact):
    fit = exact_fit("poisson", DATA, 1, draws=20)
    walk = {"beta": lambda b: b.copy(data=np.cumsum(0.05 * b.values, axis=1))}
    found = exact(fit=fit, **walk)
    assert found.verdict.startswith("NOT VERIFIED: its draws cannot be used: chains disagree")
    assert any("run longer" in text for text in found.advice)


def test_without_a_second_engine_there_is_no_verdict_unless_refits_can_do(exact, monkeypatch):
    assert exact(other=None).verdict == "NO VERDICT: no second engine checked it (pymc: none)."
    monkeypatch.setattr(verification, "other_engines", lambda fit: ((), ()))
    design = bm.prepare(bm.from_formula("y ~ 1", priors=PRIORS), VALUES)
    found = exact(fit=normal_fit(design), other=None, sampler=right, refits=5)
    assert (found.p, len(found.resolution)) == (1.0, 0)
    assert "no second engine" in found.notes[0]
    assert "5 refits of simulated data find the true values" in found.verdict or not found.diagnosis.ok


def test_too_few_draws_to_see_errors_give_no_verdict(exact, monkeypatch):
    monkeypatch.setattr(verification, "COARSEST", 0.1)
    found = exact()
    assert found.verdict.startswith("NO VERDICT: a mean may be wrong by 0.")
    assert found.advice[0] == "more draws: bm.extend(fit, 4000)"


def test_refits_find_the_true_values_or_are_named(exact):
    design = bm.prepare(bm.from_formula("y ~ 1", priors=PRIORS), VALUES)
    fit, other = normal_fit(design), normal_fit(design)
    passed = exact(fit=fit, other=other, sampler=right, refits=20)
    assert passed.suspicious == ()
    assert list(passed.rank_table["n"]) == [20, 20]
    assert len(passed.ranks) == 40
    assert "20 refits of the data together with as many rows" in str(passed)
    wrong = exact(fit=fit, other=other, sampler=too_wide, refits=40)
    assert "beta[Intercept]" in wrong.suspicious
    assert "do not find the true values of 'beta[Intercept]'" in wrong.verdict
    assert any("calibrate" in text for text in wrong.advice)


def test_refits_can_be_stopped_and_failures_are_counted(exact):
    design = bm.prepare(bm.from_formula("y ~ 1", priors=PRIORS), VALUES)
    fit = normal_fit(design)
    calls = []

    def stopped(design, **_):
        calls.append(design)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return right(design)

    found = exact(fit=fit, other=fit, sampler=stopped, refits=9)
    assert len(found.refits) == 2
    assert "the run was stopped after 2 of 9 refits" in found.unclear

    def failing(design, **_):
        raise SamplingError("no start")

    found = exact(fit=fit, other=fit, sampler=failing, refits=2)
    assert found.unclear == ("2 of 2 refits failed (SamplingError: no start)",)
    assert not found.ok


def test_weights_that_simulate_nothing_leave_the_second_engine(exact):
    data = {"y": [1.0, 2.0, 4.0, 3.0], "w": [1, 2, 3, 2]}
    fit = fit_at(bm.prepare('y | weights(w, "frequency") ~ 1', data), {"sigma": 1.0}, jitter=0.1)
    found = exact(fit=fit, other=fit, refits=3)
    assert found.notes[0].startswith("no data were simulated: Simulation from the posterior")
    assert not any("simulated" in reason for reason in found.unclear)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"refits": -1}, "refits=-1 is impossible; it must be at least 0"),
        ({"engine": "kernel"}, "already"),
        ({"engine": "nuts"}, "nuts"),
        ({"drawz": 3}, "verify has no setting 'drawz'. Did you mean 'draws'"),
    ],
)
def test_what_cannot_be_verified_is_refused(arguments, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.verify(bm.load_fit("herd_period"), **arguments)


@pytest.mark.slow
def test_a_stored_fit_is_verified_by_another_engine_and_by_refits():
    found = bm.verify(bm.load_fit("herd_period"), refits=3, progress=False)
    assert found.ok
    assert found.other == "marginal"
    assert set(found.rank_table["quantity"]) == set(found.table["quantity"])


@pytest.mark.calibration
def test_right_draws_alarm_no_more_often_than_is_stated(exact):
    families, runs = tuple(KNOWN), 300
    alarms = []
    for number in range(runs):
        family = families[number % len(families)]
        data = simulate_one_way(family, 12, 6, number)
        pair = [exact_fit(family, data, 2 * number + k, draws=500) for k in (0, 1)]
        alarms.append(exact(fit=pair[0], other=pair[1]).p < LEVEL)
    print(sum(alarms), "of", runs)
    assert sum(alarms) <= 6  # with a rate of 0.5 % more of 300 are a matter of one in a thousand
