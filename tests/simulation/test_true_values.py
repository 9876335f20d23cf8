import numpy as np
import pytest

import bayesmixed as bm


def test_effects_of_groups_have_the_stated_sds_and_correlation():
    rows = {"x": np.tile([0.0, 1.0, 2.0], 4000), "g": np.repeat(np.arange(4000), 3)}
    truth = {
        "beta[Intercept]": 1.0,
        "beta[x]": 2.0,
        "sd_g[Intercept]": 2.0,
        "sd_g[x]": 0.5,
        "corr_g": -0.6,
        "sigma": 1.0,
    }
    made = bm.simulate("y ~ x + (x | g)", data=rows, truth=truth, seed=1)
    effects = made.truth["b_g"].values.reshape(4000, 2)
    assert np.std(effects, axis=0) == pytest.approx([2.0, 0.5], rel=0.04)
    assert np.corrcoef(effects.T)[0, 1] == pytest.approx(-0.6, abs=0.04)


def test_a_parameter_of_a_covariance_without_a_true_value_is_named_as_missing():
    data = {"y": np.arange(12.0) % 5, "t": np.arange(12) % 4, "g": np.arange(12) // 4}
    truth = {"beta[Intercept]": 1.0, "sigma": 1.0, "sd_g[ar1(t)]": 1.0}
    spec = bm.from_formula("y ~ 1 + ar1(0 + t | g)")
    with pytest.raises(bm.SpecError, match="No true value for 'ar1_g'"):
        bm.simulate(spec, truth=truth, data=data)
    with pytest.raises(bm.SpecError, match="'ar1_g' is 1, outside its range"):
        bm.simulate(spec, truth=truth | {"ar1_g": 1.0}, data=data)


def test_what_has_no_true_value_is_named_once_for_every_kind_of_curve():
    data = {"x": np.arange(40.0) % 9, "z": np.arange(40.0) % 7, "g": np.arange(40) % 4}
    for formula in ("y ~ te(x, z, k=4)", 'y ~ s(x, g, bs="fs", k=5)', "y ~ gp(x, k=6)"):
        with pytest.raises(bm.SpecError, match="No true value for") as said:
            bm.simulate(formula, data=data, truth={"sigma": 1.0})
        names = str(said.value).split("'")[1::2]
        assert len(names) == len(set(names)) > 2


@pytest.mark.parametrize("family", [one for one in bm.FAMILIES.values() if not one.has_categories])
def test_what_has_no_true_value_is_named_whatever_the_range_of_a_parameter(family):
    spec = bm.from_formula("y | trials(n) ~ 1" if family.has_trials else "y ~ 1", family=family.name)
    with pytest.raises(bm.SpecError, match="No true value for"):
        bm.simulate(
            spec, data={"n": np.ones(5), "x": np.arange(5.0)}, truth={"beta": 0.0} if family.parameters[1:] else {}
        )
