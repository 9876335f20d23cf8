"""What an approximation says: effects with their SDs, standard errors that exist and that do not."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic

import bayesmixed as bm

CBPP = bm.datasets.load("cbpp")


def test_effects_are_conditional_modes_with_their_sds():
    found = bm.approximate("herd", CBPP)
    first = found.effects.iloc[0]
    assert (first["term"], first["level"], first["effect"]) == ("herd", "1", "Intercept")
    assert first["estimate"] == pytest.approx(0.65928, abs=2e-3)
    assert first["sd"] == pytest.approx(0.35539, abs=1e-3)
    slopes = bm.approximate("sleepstudy", classic("lme4", "sleepstudy"), restricted=True).effects
    assert list(slopes["effect"][:2]) == ["Intercept", "Days"]
    assert slopes["estimate"][:2].to_numpy() == pytest.approx([2.2585, 9.1990], abs=2e-3)


def test_an_sd_of_zero_has_no_standard_error():
    found = bm.approximate("Yield ~ 1 + (1 | Batch)", classic("lme4", "Dyestuff2"))
    assert found.estimates["sd_Batch[Intercept]"] < 0.05
    assert np.isnan(found.standard_errors["sd_Batch[Intercept]"])
    assert found.standard_errors["beta[Intercept]"] > 0
    assert "not converged" not in str(found).lower()


def test_a_correlation_at_the_end_of_its_range_has_no_standard_error():
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"x": np.tile(np.arange(5.0), 8) - 2, "g": np.repeat(list("abcdefgh"), 5)})
    data["y"] = np.repeat(rng.normal(size=8), 5) * (1 + data["x"]) + rng.normal(size=40)
    found = bm.approximate("y ~ x + (x | g)", data)
    assert found.estimates["corr_g[Intercept, x]"] == pytest.approx(1.0, abs=1e-3)
    assert np.isnan(found.standard_errors["corr_g[Intercept, x]"])
