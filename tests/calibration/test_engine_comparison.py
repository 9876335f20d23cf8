"""Two engines on one posterior: what is compared, how far apart right draws are, and which engine is the second."""

from dataclasses import replace

import numpy as np
import pytest
from exact_one_way import exact_fit, simulate_one_way
from exact_samplers import PRIORS, VALUES, normal_fit
from fixed_draws import changed, fit_at

import bayesmixed as bm
from bayesmixed.calibration import engine_comparison
from bayesmixed.calibration.engine_comparison import check_engine, compare_draws, other_engines, sample_by_another
from bayesmixed.calibration.rank_tests import joint
from bayesmixed.calibration.simulated_fits import LOG_LIKELIHOOD
from bayesmixed.engines.settings import EngineRecord

DATA = simulate_one_way("poisson", 12, 6, 1)


@pytest.fixture(scope="module")
def pair():
    return [exact_fit("poisson", DATA, seed) for seed in (1, 2)]


def test_every_number_and_the_log_likelihood_are_compared_in_monte_carlo_errors(pair):
    table = compare_draws(*pair)
    assert list(dict.fromkeys(table["quantity"])) == ["beta[Intercept]", "sd_g[Intercept]", LOG_LIKELIHOOD]
    rows = table.set_index(["quantity", "statistic"])
    first, second = (fit.posterior["sd_g"].values.ravel() for fit in pair)
    row = rows.loc["sd_g[Intercept]", "sd"]
    assert row[["fit", "other"]].tolist() == pytest.approx([first.std(ddof=1), second.std(ddof=1)])
    row = rows.loc["beta[Intercept]", "97.5 %"]
    assert row["other"] == pytest.approx(np.quantile(pair[1].posterior["beta"], 0.975))
    assert row["z"] == pytest.approx((row["fit"] - row["other"]) / row["mcse"])
    row = rows.loc["beta[Intercept]", "mean"]
    independent = np.hypot(*(np.std(fit.posterior["beta"].values) / np.sqrt(1000) for fit in pair))
    assert row["mcse"] == pytest.approx(independent, rel=0.15)
    assert joint(table["p"].to_numpy()) > 0.05


def test_the_differences_do_not_depend_on_the_unit_of_a_parameter():
    design = bm.prepare(bm.from_formula("y ~ 1", priors=PRIORS), VALUES)
    pair = [changed(normal_fit(design), beta=lambda b, s=s: b.copy(data=np.roll(b.values, s, 1) ** 3)) for s in (0, 7)]
    for unit in (1e100, 1e-100):
        tables = [
            compare_draws(*(changed(fit, beta=lambda b, u=u: b * u) for fit in pair)).iloc[:4] for u in (1.0, unit)
        ]
        assert np.allclose(tables[0]["z"], tables[1]["z"], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("beta", lambda b: b + 0.3 * b.std()),
        ("beta", lambda b: b.mean() + 1.25 * (b - b.mean())),
        ("sd_g", lambda s: s.mean() + 1.25 * (s - s.mean())),
        ("b_g", lambda b: b.isel(g=slice(None, None, -1)).assign_coords(g=b["g"])),
        ("b_g", lambda b: b.mean() + 1.3 * (b - b.mean(("chain", "draw")))),
        ("beta", lambda b: b * 0.0),
    ],
)
def test_wrong_draws_of_one_engine_show(pair, name, change):
    assert joint(compare_draws(changed(pair[0], **{name: change}), pair[1])["p"].to_numpy()) < 0.005


def test_the_logarithm_of_a_parameter_without_a_mean_is_compared_and_fixed_numbers_are_not():
    data = {"y": [0, 3, 5, 1, 9, 2], "g": list("aabbcc")}
    spec = bm.from_formula("y ~ 1 + (1 | g)", family="negbin", priors={"sd_g": 0.5})
    fit = fit_at(bm.prepare(spec, data), {"sd_g": 0.5, "theta": 3.0}, jitter=0.01)
    fit = changed(fit, sd_g=lambda sd: sd * 0 + 0.5, theta=abs)
    names = set(compare_draws(fit, fit)["quantity"])
    assert names == {"beta[Intercept]", "log(theta)", LOG_LIKELIHOOD}
    assert compare_draws(fit, None).empty


def test_draws_without_a_density_of_the_data_are_compared_without_it():
    design = bm.prepare('y | weights(w, "likelihood") ~ 1', {"y": [1.0, 2.0, 4.0], "w": [1.0, 2.0, 3.0]})
    fit = fit_at(design, {"sigma": 1.0}, jitter=0.1)
    assert set(compare_draws(fit, fit)["quantity"]) == {"beta[Intercept]", "sigma"}


def test_other_engines_are_named_with_the_reasons_of_those_that_cannot(pair):
    kernel = replace(pair[0], engine=EngineRecord("kernel", ""))
    able, reasons = other_engines(kernel)
    assert able == ("marginal", "pymc")
    assert reasons[0].startswith("collapsed: family 'poisson'")
    for engine, message in (
        ("kernel", "already"),
        ("collapsed", "cannot sample"),
        ("kernels", "Did you mean 'kernel'"),
    ):
        with pytest.raises(bm.SpecError, match=message):
            check_engine(kernel, engine)


def test_an_engine_that_leaves_the_model_or_does_not_converge_is_followed_by_the_next(pair, monkeypatch):
    kernel, tried = replace(pair[0], engine=EngineRecord("kernel", "")), []

    def sample(design, *, engine, chains, draws, **_):
        tried.append((engine, chains, draws))
        if engine == "marginal":
            return replace(pair[1], engine=EngineRecord("kernel", "asked for; marginal was left: k-hat 0.8"))
        return replace(pair[1], engine=EngineRecord(engine, ""))

    monkeypatch.setattr(engine_comparison, "sample", sample)
    found, reasons = sample_by_another(kernel, None, 1, False)
    assert (found.engine.name, reasons[-1]) == ("pymc", "marginal: k-hat 0.8")
    assert tried == [("marginal", 4, 1000), ("pymc", 4, 1000)]
    assert sample_by_another(kernel, "marginal", 1, False) == (None, reasons)
    stuck = changed(pair[1], beta=lambda b: b.copy(data=np.sort(b.values, axis=None).reshape(b.shape)))
    monkeypatch.setattr(
        engine_comparison, "sample", lambda *_, engine, **__: replace(stuck, engine=EngineRecord(engine, ""))
    )
    found, reasons = sample_by_another(kernel, None, 1, False)
    assert found is None
    assert [reason.partition(":")[0] for reason in reasons] == ["collapsed", "marginal", "pymc"]
    assert "chains disagree" in reasons[-1]
