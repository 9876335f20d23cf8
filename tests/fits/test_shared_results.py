"""Results that answers about one fit share."""

import gc

from fixed_draws import fit_at
from unit_tables import design_of

import bayesmixed as bm
from bayesmixed.cross_validation import left_out_rows
from bayesmixed.fits import shared_results


def some_fit():
    return fit_at(design_of("y ~ x + (1 | g)", "gaussian"), {"beta": 0.2, "sd_g": 0.5, "sigma": 0.7}, jitter=0.1)


def test_results_are_those_of_one_fit_and_forgotten_with_it():
    first, second = some_fit(), some_fit()
    before = len(shared_results._RESULTS)
    shared_results.shared_results(first)["a"] = 1
    assert shared_results.shared_results(first) == {"a": 1}
    assert shared_results.shared_results(second) == {}
    del first
    gc.collect()
    assert len(shared_results._RESULTS) == before + 1


def test_rows_are_left_out_once_for_all_answers_about_a_fit(monkeypatch):
    calls = []
    predict = left_out_rows.leave_rows_out
    monkeypatch.setattr(
        "bayesmixed.summaries.checks.left_out.leave_rows_out", lambda *given: calls.append(1) or predict(*given)
    )
    fit = some_fit()
    bm.check_residuals(fit)
    bm.residuals(fit, seed=2)
    bm.plot_residuals(fit)
    bm.plot_residuals(fit, "g")
    bm.plot_loo_pit(fit)
    assert len(calls) == 1
    bm.residuals(fit, draws=30)
    assert len(calls) == 2
