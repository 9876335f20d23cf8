"""Every engine keeps the contract: a new one is tested by being there."""

import inspect

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.engines import ENGINES, choose, refusal
from bayesmixed.engines.contract import Engine

ROWS = pd.DataFrame({"x": np.tile([0.0, 1.0, 2.0], 8), "g": np.repeat(list("abcdefgh"), 3)}).assign(
    y=lambda d: d["x"] + np.repeat(np.linspace(-1.0, 1.0, 8), 3) + np.tile([0.3, -0.5, 0.2, 0.1], 6)
)


@pytest.mark.parametrize("engine", ENGINES.values(), ids=list(ENGINES))
def test_an_engine_has_the_names_of_the_contract(engine):
    assert engine.TUNE >= 1
    assert 0 < engine.TARGET < 1
    assert isinstance(engine.NEEDS_ROWS, bool)
    own, wanted = (inspect.signature(one).parameters for one in (engine.sample, Engine.sample))
    assert list(own) == [name for name in wanted if name != "self"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_draws_what_the_design_says_from_its_seed(name):
    # Known SDs make the posterior of the slope normal: a second way to its mean and SD.
    design = bm.prepare("y ~ x + (1 | g)", ROWS, priors={"sigma": 0.5, "beta": "Normal(0, 100)"})
    options = {"engine": name, "chains": 2, "draws": 500, "seed": 5, "progress": False}
    fit = bm.sample(design, **options)
    assert fit.engine.name == name
    assert (fit.settings.chains, fit.settings.draws, fit.settings.tune) == (2, 500, ENGINES[name].TUNE)
    posterior = fit.posterior
    assert dict(posterior.sizes) == {"chain": 2, "draw": 500, "beta_effect": 2, "g": 8, "g_effect": 1}
    assert {*posterior.data_vars} == {"beta", "sd_g", "b_g", "sigma"}
    assert np.all(posterior["sigma"] == 0.5)
    slopes = posterior["beta"].sel(beta_effect="x")
    within = ROWS["x"] - ROWS.groupby("g")["x"].transform("mean")
    mean, sd = (within * ROWS["y"]).sum() / (within**2).sum(), 0.5 / np.sqrt((within**2).sum())
    assert float(slopes.mean()) == pytest.approx(mean, abs=5 * sd / np.sqrt(400))
    assert float(slopes.std()) == pytest.approx(sd, rel=0.15)
    assert bm.sample(design, **options).posterior.equals(posterior)


@pytest.mark.parametrize("name", ENGINES)
def test_a_design_that_an_engine_cannot_sample_is_refused_with_its_reason(name, tmp_path):
    ROWS.to_parquet(tmp_path / "rows.parquet")
    streamed = bm.prepare("y ~ x + (1 | g)", tmp_path / "rows.parquet", stream=True)
    reason = refusal(ENGINES[name], streamed)
    assert (reason is None) != ENGINES[name].NEEDS_ROWS
    if reason is None:
        assert choose(streamed, name) == (name, "asked for")
    else:
        with pytest.raises(bm.SpecError, match="its rows are streamed"):
            choose(streamed, name)
