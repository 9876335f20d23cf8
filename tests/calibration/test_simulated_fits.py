"""Fits to simulated data: what is drawn anew, what has a rank, and what a data set depends on."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from exact_samplers import (
    MODEL,
    PRIORS,
    ROWS,
    VALUES,
    right,
)

import bayesmixed as bm
from bayesmixed.calibration.ranks import lay_out_rows
from bayesmixed.calibration.simulated_fits import Task, _rank, fit_simulated
from bayesmixed.prior_distributions import Prior


def test_data_that_cannot_be_fitted_are_drawn_anew():
    priors = {"beta[Intercept]": "Normal(-2, 2)"}
    found = bm.calibrate(
        bm.from_formula("y ~ 1", family="poisson", priors=priors),
        data={"y": [0, 1, 2]},
        n=8,
        seed=1,
        sampler=lambda design, **settings: (_ for _ in ()).throw(ValueError(np.ptp(design.response))),
        progress=False,
    )
    assert found.rejected["the same value in all rows"] > 0
    assert not any(fit.problem.endswith(": 0.0") for fit in found.fits)
    assert "Drawn anew" in str(found)


def test_priors_without_possible_data_are_refused():
    spec = bm.from_formula("y ~ 1", family="poisson", priors={"beta[Intercept]": "Normal(-60, 0.1)"})
    with pytest.raises(bm.SpecError, match="no data that can be fitted"):
        bm.calibrate(spec, data={"y": [0, 1, 2]}, n=2, seed=1, progress=False)


def test_all_data_sets_share_priors_realised_once():
    seen = []

    def look(design, **settings):
        seen.append(design.priors)
        raise ValueError("nothing more is needed")

    data = {"y": 1000 + 50 * np.random.default_rng(1).normal(size=ROWS)}
    bm.calibrate("y ~ 1", data=data, n=3, seed=1, sampler=look, progress=False)
    assert len(seen) == 3
    expected = bm.prepare("y ~ 1", data).priors
    assert all(priors == expected for priors in seen)
    assert expected["sigma"].prior != Prior(name="HalfStudentT", arguments=(4.0, 1.0))


def test_a_data_set_depends_on_its_number_only():
    design = lay_out_rows(bm.from_formula("y ~ 1", priors=PRIORS), VALUES, 3)
    passed = bm.calibrate(**MODEL | {"n": 8}, sampler=right)
    assert fit_simulated(Task(design, right, {}, 3), 7) == passed.fits[7]


def test_the_rank_of_a_true_value_is_the_number_of_smaller_draws_among_those_that_are_kept():
    draws = np.arange(100.0)
    rank = _rank(30.5, draws, 50, np.random.default_rng(1))
    assert (rank.rank, rank.draws) == (16, 50)
    assert 16 / 51 <= rank.pit < 17 / 51


def test_ranks_of_correlated_draws_are_taken_among_as_many_as_are_nearly_independent():
    design = lay_out_rows(bm.from_formula("y ~ 1", priors=PRIORS), VALUES, 3)

    def slow(design, **settings):
        fit = right(design)
        draws = fit.draws["posterior"].to_dataset()
        draws["beta"] = draws["beta"].copy(data=np.repeat(draws["beta"].values[:, ::10], 10, axis=1))
        return replace(fit, draws=xr.DataTree.from_dict({"posterior": draws}))

    quick, sticky = (
        fit_simulated(Task(design, sampler, {}, 3), 0).ranks["beta[Intercept]"] for sampler in (right, slow)
    )
    assert quick.draws > 100
    assert sticky.draws < 60
