"""prior_predictive takes one model or several."""

import pytest
from joint_models import FORMULAS, table

import bayesmixed as bm


def test_one_formula_has_one_response_and_a_list_several():
    data = table()
    assert isinstance(bm.prior_predictive(FORMULAS[0], data, draws=20), bm.PriorPredictive)
    several = bm.prior_predictive(FORMULAS, data, draws=20, priors={"sd_g_y2": "HalfNormal(1)"})
    assert isinstance(several, bm.JointPriorPredictive)
    assert str(several.design["y2"].priors["sd_g[Intercept]"].prior) == "HalfNormal(1)"
    with pytest.raises(bm.SpecError, match="Prior for 'sd_g': several responses have it"):
        bm.prior_predictive(FORMULAS, data, priors={"sd_g": "HalfNormal(1)"})
