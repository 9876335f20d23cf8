"""The ladder of ways to integrate effects out."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic

import bayesmixed as bm


def test_a_ladder_shows_each_rung_that_applies_and_says_why_others_do_not():
    found = bm.ladder("herd", bm.datasets.load("cbpp"), posterior=False, draws=200)
    assert list(found.rungs.index) == ["pql", "joint", "laplace", "agq", "mc"]
    assert found.rungs.index[found.rungs["finest"]].tolist() == ["agq"]
    assert np.isnan(found.rungs.loc["pql", "log_likelihood"])
    errors = found.table.set_index(["rung", "parameter"])
    agq, joint = (errors.loc[(rung, "sd_herd[Intercept]")] for rung in ("agq", "joint"))
    assert agq["difference"] == 0.0
    assert joint["difference"] == pytest.approx((joint["estimate"] - agq["estimate"]) / agq["error"])
    assert "Difference from agq" in str(found)
    crossed = bm.ladder("diameter ~ 1 + (1 | plate) + (1 | sample)", classic("lme4", "Penicillin"), posterior=False)
    assert list(crossed.rungs.index) == ["pql", "joint", "laplace"]
    assert sum("is left out" in note for note in crossed.notes) == 2
    assert any("the same maximum" in note for note in crossed.notes)


@pytest.mark.slow
def test_the_posterior_stands_beside_the_rungs():
    found = bm.ladder("herd", bm.datasets.load("cbpp"), draws=100, seed=1, progress=False)
    assert found.fit is not None
    posterior = found.table[found.table["rung"] == "posterior"].set_index("parameter")
    assert posterior.loc["beta[Intercept]", "estimate"] == float(
        found.fit.posterior["beta"].sel(beta_effect="Intercept").median()
    )
    assert np.all(np.abs(posterior["difference"]) < 0.6)
    assert [axes.get_title() for axes in bm.plot_ladder(found).axes] == ["beta[Intercept]", "sd_herd[Intercept]"]


def test_a_model_that_no_rung_takes_is_refused():
    data = pd.DataFrame({"y": np.arange(24.0), "g": np.tile(list("abcdef"), 4)})
    with pytest.raises(bm.SpecError, match="Effects on 'sigma'"):
        bm.ladder("y ~ 1", data, sigma="~ (1 | g)", posterior=False)
