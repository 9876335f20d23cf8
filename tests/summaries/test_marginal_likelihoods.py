"""Marginal likelihoods beside algebra and brute-force integration, and what makes no Bayes factor."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import integrate, interpolate, special, stats

import bayesmixed as bm
from bayesmixed.engines import proposal_weights
from bayesmixed.errors import SpecError
from bayesmixed.fits.refitting import change_design
from bayesmixed.summaries.marginal_likelihoods import log_evidence
from bayesmixed.summaries.priors.reweighting import weigh_by_priors

GROUPS, EACH = 8, 5
PRIORS = {"beta[Intercept]": "Normal(0, 2)", "sd_g": "HalfNormal(1)"}
SDS = {"sd_g": "HalfNormal(0.5)", "sd_obs": "HalfNormal(0.5)"}


def table():
    stream = np.random.default_rng(3)
    g = np.repeat(np.arange(GROUPS), EACH)
    effects, x = stream.normal(0, 0.8, GROUPS)[g], stream.normal(size=len(g))
    y = 1e6 * (2 + 0.5 * x + effects + 0.5 * stream.normal(size=len(g)))
    return pd.DataFrame({"y": y, "x": x, "count": stream.poisson(np.exp(0.5 + effects)), "g": g.astype(str)})


def fitted(formula, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.fit(formula, table(), seed=1, progress=False, **{"engine": "marginal"} | options)


@pytest.fixture(scope="module")
def counts():
    return fitted("count ~ 1 + (1 | g)", family="poisson", priors=PRIORS)


def close(fit, expected):
    row = bm.evidence(fit).table.iloc[0]
    return abs(row["log_evidence"] - expected) < 4.0 * row["mcse"] < 0.1


@pytest.mark.slow
def test_the_evidence_of_counts_is_their_likelihood_integrated_over_effects_and_priors(counts):
    data = table()
    sums, constant = data.groupby("g")["count"].sum().to_numpy(), -special.gammaln(data["count"] + 1).sum()
    nodes, shares = np.polynomial.hermite_e.hermegauss(60)
    intercepts, sds = np.linspace(-3, 3, 201), np.linspace(1e-4, 5, 301)
    prior = stats.norm(0, 2).logpdf(intercepts)[:, None] + stats.halfnorm().logpdf(sds)
    eta = intercepts[:, None, None] + sds[:, None] * nodes
    rows = sums[:, None, None, None] * eta - EACH * np.exp(eta)
    logs = special.logsumexp(rows, b=shares / np.sqrt(2 * np.pi), axis=-1).sum(axis=0) + prior + constant
    top = logs.max()
    inner = integrate.simpson(integrate.simpson(np.exp(logs - top), x=sds), x=intercepts)
    assert close(counts, top + np.log(inner))


@pytest.mark.slow
def test_the_evidence_of_normal_data_is_a_normal_density_averaged_over_sds_in_any_unit():
    priors = {"beta[Intercept]": "Normal(0, 2e6)", "beta[x]": "Normal(0, 1e6)", "sd_g": "HalfNormal(1e6)"}
    fit = fitted("y ~ 1 + x + (1 | g)", priors=priors | {"sigma": "HalfNormal(1e6)"})
    data = table()
    design = np.column_stack([np.ones(len(data)), data["x"]])
    same = data["g"].to_numpy()[:, None] == data["g"].to_numpy()
    sds, sigmas = np.linspace(1e-3, 4, 120), np.linspace(0.25, 1.2, 90)
    logs = np.array(
        [
            [
                stats.multivariate_normal(
                    cov=design @ np.diag([4.0, 1.0]) @ design.T + sd**2 * same + sigma**2 * np.eye(len(data))
                ).logpdf(data["y"] / 1e6)
                + stats.halfnorm().logpdf([sd, sigma]).sum()
                for sigma in sigmas
            ]
            for sd in sds
        ]
    )
    inner = integrate.simpson(integrate.simpson(np.exp(logs - logs.max()), x=sigmas), x=sds)
    assert close(fit, logs.max() + np.log(inner) - len(data) * np.log(1e6))


@pytest.mark.slow
def test_a_bayes_factor_is_the_difference_of_two_logarithms_and_probabilities_add_up(counts):
    wide = fitted("count ~ 1 + (1 | g)", family="poisson", priors=PRIORS | {"beta[Intercept]": "Normal(0, 200)"})
    found = bm.evidence({"wide": wide, "narrow": counts})
    assert list(found.table.index) == ["narrow", "wide"]
    # A prior a hundred times as wide, where the data tell the intercept.
    assert found.table["log_bayes_factor"]["wide"] == pytest.approx(-np.log(100), abs=0.15)
    assert found.table["probability"].sum() == pytest.approx(1.0)
    assert found.notes == ()


@pytest.mark.slow
def test_the_evidence_with_effects_of_rows_is_their_likelihood_integrated_over_both_sds():
    """The intercept is known: nothing is left but the SDs."""
    fit = fitted("count ~ 1 + (1 | g) + obs()", family="poisson", priors={"beta[Intercept]": 0.5} | SDS)
    z, data = np.linspace(-7.0, 7.0, 113), table()
    weight = stats.norm.logpdf(z) + np.log(z[1] - z[0])
    nodes, shares = np.polynomial.legendre.leggauss(16)
    sds = 1.5 * (nodes + 1.0)
    logs = np.empty((16, 16))
    for i, own in enumerate(sds):
        at = np.linspace(-16.0, 16.0, 641)
        each = {
            count: interpolate.CubicSpline(
                at, special.logsumexp(stats.poisson.logpmf(count, np.exp(0.5 + at[:, None] + own * z)) + weight, axis=1)
            )
            for count in set(data["count"])
        }
        for k, sd in enumerate(sds):
            groups = [
                special.logsumexp(sum(each[c](sd * z) for c in g["count"]) + weight) for _, g in data.groupby("g")
            ]
            logs[i, k] = np.sum(groups) + stats.halfnorm(0, 0.5).logpdf([own, sd]).sum()
    assert close(fit, special.logsumexp(logs, b=2.25 * shares[:, None] * shares))


@pytest.mark.slow
def test_the_evidence_of_a_saved_fit_is_the_same(counts, tmp_path):
    bm.save_fit(counts, tmp_path / "fit.nc")
    pd.testing.assert_frame_equal(bm.evidence(bm.load_fit(tmp_path / "fit.nc")).table, bm.evidence(counts).table)


def without_proposals(fit):
    """Return a fit as earlier versions made it."""
    groups = {name: child.to_dataset() for name, child in fit.draws.children.items() if name != "proposals"}
    return replace(fit, draws=xr.DataTree.from_dict(groups))


@pytest.mark.slow
@pytest.mark.parametrize("stored", [True, False])
def test_more_draws_are_more_proposals_of_the_same_evidence(counts, stored, tmp_path):
    """Those of a fit that holds its proposals cost no pilot, and its chains go on; files of earlier versions hold none."""
    loaded = bm.load_fit(bm.save_fit(counts if stored else without_proposals(counts), tmp_path / "fit.nc"))
    longer = bm.extend(loaded, 1000, progress=False)
    stats = [fit.draws["sample_stats"] for fit in (counts, longer)]
    assert stats[1]["log_weight"].shape == (4, 2000)
    new, old = stats[1].attrs["evaluations"] - stats[0].attrs["evaluations"], stats[0].attrs["evaluations"]
    assert (new <= 4000) == stored
    assert new <= old
    one, more = (bm.evidence(fit).table.iloc[0] for fit in (counts, longer))
    assert more["mcse"] < 0.85 * one["mcse"]
    assert abs(more["log_evidence"] - one["log_evidence"]) < 4 * one["mcse"]
    assert longer.posterior["sd_g"].mean() == pytest.approx(float(counts.posterior["sd_g"].mean()), abs=0.05)


@pytest.mark.slow
def test_draws_by_which_another_engine_extends_a_fit_leave_its_evidence_and_are_recorded(counts, monkeypatch):
    monkeypatch.setattr(proposal_weights, "SMALLEST_ACCEPTANCE", 1.1)
    longer = bm.extend(without_proposals(counts), 50, progress=False)
    pd.testing.assert_frame_equal(bm.evidence(longer).table, bm.evidence(counts).table)
    assert "by the engine 'kernel'" in longer.engine.decisions[-1]
    assert "acceptance" in longer.engine.decisions[-1]


@pytest.mark.slow
def test_weighted_draws_have_no_evidence_until_they_are_extended(counts):
    """The ratio of the evidences of two prior sets, from weights, is that of two runs."""
    design = change_design(counts.design, {"sd_g": "Gamma(2, 4)"})[0]
    weights = weigh_by_priors(counts, design)
    with pytest.raises(SpecError, match="those of another prior set"):
        bm.evidence(weights.draw("first"))
    longer = bm.extend(weights.draw("first"), 500, progress=False)
    (value, first), (base, second) = log_evidence(longer), log_evidence(counts)
    assert weights.log_evidence_ratio == pytest.approx(value - base, abs=4 * np.hypot(first, second))
    assert longer.posterior.sizes["draw"] == 1500


@pytest.mark.slow
def test_default_priors_are_named_with_their_widths():
    fit = fitted("count ~ 1 + (1 | g)", family="poisson", draws=100)
    (note,) = bm.evidence(fit).notes
    assert "2 priors are defaults" in note
    assert all(f"{key} ~ {entry.prior}" in note for key, entry in fit.design.priors.items())
    assert "Lindley" in str(bm.evidence(fit))


@pytest.mark.slow
def test_no_fit_has_no_evidence():
    with pytest.raises(bm.SpecError, match="at least one fit"):
        bm.evidence({})


def test_models_of_other_rows_or_responses_have_no_bayes_factor(counts):
    other = fitted("y ~ 1 + (1 | g)", draws=100)
    with pytest.raises(SpecError, match="cannot be compared"):
        bm.evidence({"a": counts, "b": other})


@pytest.mark.slow
def test_a_fit_by_another_engine_is_refused_with_what_to_do():
    with pytest.raises(SpecError, match=r'bm.refit\(fit, engine="marginal"\)'):
        bm.evidence(bm.load_fit("herd_period"))
    with pytest.raises(SpecError, match=r"cannot sample it: .*not known to be concave"):
        bm.evidence(fitted("y ~ x + (1 | g)", family="student", engine="auto", draws=50, tune=100, chains=2))
    data = table().assign(w=2.0)
    weighted = bm.fit("y | weights(w, 'likelihood') ~ 1 + (1 | g)", data, draws=50, tune=100, progress=False)
    with pytest.raises(SpecError, match="not a density of the data"):
        bm.evidence(weighted)
