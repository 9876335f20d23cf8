"""The engine "marginal": what it refuses, and its posteriors beside exact ones."""

import signal
import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import read_reference
from exact_margins import assert_law, exact_margins
from exact_one_way import KNOWN, simulate_one_way

import bayesmixed as bm
from bayesmixed.engines import choose, marginal, marginal_estimates, proposal_weights
from bayesmixed.engines.marginal import supports
from bayesmixed.engines.marginal_estimates import Estimates, draw_rest

EXACT = read_reference("exact_posteriors")["models"]
TABLE = pd.DataFrame(
    {
        "y": np.tile([0, 1, 1, 3, 2, 5, 0, 2], 6),
        "x": np.tile([0.1, -1.0, 0.4, 2.0, 1.1, 0.3], 8),
        "g": np.repeat(list("abcdefgh"), 6),
        "h": np.tile(list("pqrs"), 12),
        "w": np.cos(np.arange(48.0)),
        "n": 7,
    }
)


def prepared(formula, family="poisson", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, family=family, **options), TABLE)


@pytest.mark.parametrize(
    ("formula", "options", "reason"),
    [
        ("y ~ x", {}, "no factor of which each row takes one level"),
        ("y ~ s(x, k=5)", {}, "no factor of which each row takes one level"),
        ("y ~ x + (x + w + I(x^2) | g)", {}, "4 effects for a level"),
        ("y ~ x + (1 | g)", {"family": "negbin1"}, "not known to be concave"),
        ("y ~ x + (1 | g)", {"link": "sqrt"}, "link 'sqrt'"),
        ("y ~ x + (1 | g)", {"family": "negbin", "theta": "~ x"}, "'theta' has a predictor"),
        ("y ~ x + (1 | g)", {"priors": {"sd_g": 0.5}}, "every SD is fixed"),
    ],
)
def test_a_model_beyond_the_engine_is_refused_with_the_obstacle(formula, options, reason):
    assert reason in supports(prepared(formula, **options))


@pytest.mark.parametrize(
    ("family", "link", "reason"),
    [
        ("cumulative", "logit", ""),
        ("cumulative", "probit", "are not events at one threshold each"),
        ("sratio", "cloglog", ""),
        ("cratio", "probit", ""),
        ("acat", "logit", "are not events at one threshold each"),
    ],
)
def test_ordered_categories_are_taken_where_they_are_events_at_single_thresholds(family, link, reason):
    table = TABLE.assign(y=TABLE["y"].rank(method="dense").astype(int))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(bm.from_formula("y ~ x + (1 | g)", family=family, link=link), table)
    assert reason in (supports(design) or "")
    assert bool(supports(design)) == bool(reason)


def test_many_effects_outside_of_the_largest_factor_are_refused():
    table = pd.DataFrame({"y": np.arange(1200) % 3, "g": np.arange(1200) // 2, "h": np.arange(1200) % 500}).astype(
        {"g": str, "h": str}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design, other = (
            bm.prepare(bm.from_formula("y ~ 1 + (1 | g) + (1 | h)", family=family), table)
            for family in ("negbin", "poisson")
        )
    assert "501 coefficients and effects remain" in supports(design)
    # Here one normal model serves all points, and one factor of its border.
    assert supports(other) is None
    assert "marginal" in choose(other)


def fit_table(formula="y ~ x + (1 | g) + (1 | h)", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        given = {"family": "poisson", "engine": "marginal", "draws": 200, "seed": 1, "progress": False}
        return bm.fit(formula, TABLE, **given | options)


@pytest.mark.slow
def test_a_fit_works_like_those_of_other_engines(tmp_path):
    fit = fit_table()
    assert fit.engine.name == "marginal"
    integrated, sampled = fit.engine.decisions
    assert "effects of 'g' integrated by quadrature" in integrated
    assert "acceptance" in sampled
    assert fit.draws["sample_stats"].attrs["evaluations"] > 800
    assert "divergences" not in str(bm.diagnose(fit))
    assert fit_table(cores=1).posterior.equals(fit.posterior)
    assert not fit_table(seed=2).posterior.equals(fit.posterior)
    loaded = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    assert loaded.posterior.equals(fit.posterior)
    longer = bm.extend(loaded, 100, progress=False)
    assert longer.posterior.sizes["draw"] == 300
    assert longer.draws["sample_stats"].sizes["draw"] == 300
    assert bm.extend(fit, 100, progress=False).posterior.equals(longer.posterior)
    assert bm.refit(fit, priors={"beta[x]": "Normal(0, 0.1)"}, progress=False).engine.name == "marginal"
    assert "marginal" in str(bm.summary(fit))


@pytest.mark.slow
def test_a_large_border_is_drawn_by_one_factor_saved_and_gone_on_with(tmp_path, monkeypatch):
    whole = fit_table(draws=500)
    monkeypatch.setattr(marginal_estimates, "LARGE", 0)
    fit = fit_table(draws=500)
    assert not fit.posterior.equals(whole.posterior)
    loaded = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    assert bm.extend(fit, 100, progress=False).posterior.equals(bm.extend(loaded, 100, progress=False).posterior)
    for name in ("beta", "sd_g", "sd_h", "b_g", "b_h"):
        one, other = whole.posterior[name], fit.posterior[name]
        error = np.hypot(*(x.std(("chain", "draw")) for x in (one, other))) / np.sqrt(500)
        assert bool((abs(one.mean(("chain", "draw")) - other.mean(("chain", "draw"))) < 5.0 * error).all()), name
    monkeypatch.setattr(marginal_estimates, "_LEAST_SHARE", 1.1)
    refused = fit_table(draws=20, tune=20, chains=1)
    assert refused.engine.name == "kernel"
    assert "are worth" in refused.engine.why


@pytest.mark.slow
def test_where_proposals_suit_badly_the_kernel_samples_and_the_record_says_why(monkeypatch):
    monkeypatch.setattr(proposal_weights, "SMALLEST_ACCEPTANCE", 1.1)
    fit = fit_table()
    assert fit.engine.name == "kernel"
    assert "acceptance" in fit.engine.why
    monkeypatch.setattr(Estimates, "evaluate", lambda self, points, stream: (np.full(len(points), np.nan), 0.0))
    assert "finite at none of its first points" in fit_table(draws=20).engine.why
    assert fit.settings.tune == bm.ENGINES["kernel"].TUNE
    assert "diverging" in fit.draws["sample_stats"]


@pytest.mark.slow
def test_effects_of_rows_are_drawn_and_saved_and_go_on(tmp_path):
    fit = fit_table("y ~ x + (1 | g) + obs()")
    assert "those of 'obs' within these" in fit.engine.decisions[0]
    effects = fit.posterior["b_obs"].mean(("chain", "draw")).values.ravel()
    assert np.all(np.isfinite(fit.posterior["b_obs"]))
    # Those of rows with more counts than their group are positive.
    rest = TABLE["y"] - TABLE.groupby("g")["y"].transform("mean")
    assert np.corrcoef(effects, rest)[0, 1] > 0.8
    loaded = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    assert bm.extend(loaded, 50, progress=False).posterior.equals(bm.extend(fit, 50, progress=False).posterior)


by_hand = pytest.mark.calibration
ONE_WAY = [
    ("poisson", 8, 3, 0.0),
    ("bernoulli", 6, 3, 2.0),
    pytest.param("poisson", 5, 4, 0.8, marks=by_hand),
    pytest.param("bernoulli", 12, 4, 0.0, marks=by_hand),
    pytest.param("binomial", 7, 2, 0.4, marks=by_hand),
    pytest.param("negbin", 6, 5, 0.5, marks=by_hand),
    pytest.param("gamma", 4, 3, 0.0, marks=by_hand),
]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "groups", "size", "sd"), ONE_WAY)
def test_posteriors_of_one_factor_are_exact(family, groups, size, sd):
    trials = " | trials(n)" if bm.FAMILIES[family].has_trials else ""
    data = simulate_one_way(family, groups, size, 3, sd=sd)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        spec = bm.from_formula(f"y{trials} ~ 1 + (1 | g)", family=family, priors=dict(KNOWN[family]))
        design = bm.prepare(spec, data)
    fit = bm.sample(design, engine="marginal", draws=2000, seed=4, progress=False)
    assert fit.engine.name == "marginal"
    for name, law in zip(("beta", "sd_g"), exact_margins(design, KNOWN[family]), strict=True):
        assert_law(fit.posterior[name].values[..., 0], law)


@pytest.mark.slow
def test_the_posterior_of_the_herds_is_that_of_quadrature():
    exact = EXACT["cbpp_re"]["posterior"]
    priors = {"beta[Intercept]": "Normal(0, 2.5)", "sd_herd": "HalfNormal(1)"}
    fit = bm.fit("herd", bm.datasets.load("cbpp"), priors=priors, engine="marginal", draws=4000, seed=2, progress=False)
    for name, key in (("beta", "Intercept"), ("sd_herd", "sd_group")):
        values, truth = fit.posterior[name].values.ravel(), exact[key]
        assert values.mean() == pytest.approx(truth["mean"], abs=4.5 * truth["sd"] / np.sqrt(8000))
        assert values.std() == pytest.approx(truth["sd"], rel=0.05)
        for level in ("q2.5", "q97.5"):
            probability = float(level[1:]) / 100
            assert np.mean(values < truth[level]) == pytest.approx(probability, abs=4.5 * np.sqrt(0.025 / 8000))


@pytest.mark.parametrize(
    ("formula", "rows", "reason"),
    [
        ("y ~ x + (1 | g)", 240, ""),
        ("y ~ x + (1 | g) + (1 | h)", 240, ""),
        ("y ~ x + (1 | g)", 48, "48 rows are few"),
        ("y ~ x + (x | g)", 240, "the 2 effects of each level of 'g'"),
        ("y ~ x + (1 | g) + obs()", 240, ""),
        ("y ~ x + (1 | g) + (1 | h) + (1 | each)", 240, ""),
        ("y ~ x + obs()", 240, "effects of rows suit it badly"),
        ("y ~ x + (x + w + I(x^2) | g) + obs()", 240, "effects of rows suit it badly"),
        ("y ~ x + (1 | k) + (1 | l)", 240, "are many"),
    ],
)
def test_it_is_chosen_where_it_was_measured_to_be_the_faster(formula, rows, reason):
    i = np.arange(rows)
    table = pd.concat([TABLE] * 5, ignore_index=True).iloc[:rows].assign(k=(i // 3).astype(str), l=(i % 70).astype(str))
    table["each"] = i.astype(str)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        name, why = choose(bm.prepare(bm.from_formula(formula, family="poisson"), table))
    assert name == ("kernel" if reason else "marginal")
    assert reason in why


@pytest.mark.slow
def test_a_target_acceptance_is_said_to_mean_nothing():
    assert "nothing to a sampler without steps" in fit_table(target_accept=0.9, draws=50).engine.decisions[-1]


@pytest.mark.slow
def test_an_interrupt_after_the_last_draw_loses_nothing(monkeypatch):
    def interrupted(*given):
        signal.raise_signal(signal.SIGINT)
        return draw_rest(*given)

    monkeypatch.setattr(marginal, "draw_rest", interrupted)
    fit = fit_table(draws=50)
    assert fit.settings.complete
    assert np.all(np.isfinite(fit.posterior["b_g"]))
