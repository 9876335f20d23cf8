"""Simulated responses vary together as their true values say."""

import numpy as np
import pytest
from joint_models import CORRELATIONS, FORMULAS, RESCOR, SDS, SIGMAS, table

import bayesmixed as bm

TRUTH = {
    **{"beta_y1[Intercept]": 1.0, "beta_y1[x]": 0.5, "beta_y2[Intercept]": 0.3, "beta_y2[z]": -0.4},
    **{"sd_g_y1[Intercept]": 1.0, "sd_g_y1[x]": 0.5, "sd_g_y2": 0.8, "sigma_y1": 0.7, "sigma_y2": 1.2},
    **{"corr_g[y1[Intercept], y1[x]]": 0.3, "corr_g[y1[Intercept], y2[Intercept]]": 0.7},
    **{"corr_g[y1[x], y2[Intercept]]": -0.4, "rescor": RESCOR},
}


def simulated(truth=TRUTH, rescor=True, data=None, **options):
    data = table() if data is None else data
    return bm.simulate(list(FORMULAS), data=data, truth=truth, rescor=rescor, seed=1, **options)


def test_effects_and_residuals_have_the_true_correlations():
    data = table(levels=3000, rows=2)
    made = simulated(data=data)
    effects = np.column_stack([made.truth["b_g_y1"], made.truth["b_g_y2"]])
    np.testing.assert_allclose(np.corrcoef(effects.T), CORRELATIONS, atol=0.06)
    np.testing.assert_allclose(effects.std(axis=0), SDS, rtol=0.06)
    places = {level: place for place, level in enumerate(made.truth["g"].values)}
    g = data["g"].map(places).to_numpy()
    first = made.data["y1"] - 1.0 - 0.5 * data["x"] - effects[g, 0] - effects[g, 1] * data["x"]
    second = made.data["y2"] - 0.3 + 0.4 * data["z"] - effects[g, 2]
    np.testing.assert_allclose([first.std(), second.std()], list(SIGMAS.values()), rtol=0.04)
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(RESCOR, abs=0.05)
    assert {*made.truth.data_vars} == {
        *("beta_y1", "sd_g_y1", "b_g_y1", "sigma_y1", "beta_y2", "sd_g_y2", "b_g_y2", "sigma_y2", "corr_g", "rescor")
    }


def test_families_differ_and_a_plan_lays_out_the_rows(tmp_path):
    truth = {"beta_a": 1.0, "sd_g_a": 0.5, "sigma_a": 1.0, "beta_b": 0.5, "sd_g_b": 0.4, "corr_g": -0.5}
    spec = bm.JointSpec(
        models=["a ~ 1 + (1 |p| g)", bm.from_formula("b ~ 1 + (1 |p| g)", family="poisson")],
        simulation={"groups": {"g": {"count": 6, "rows": 5}}, "missing": {"b": 2}, "truth": truth},
    )
    bm.save_spec(spec, tmp_path / "both.toml")
    made = bm.simulate(tmp_path / "both.toml", seed=3)
    assert list(made.data) == ["g", "a", "b"]
    assert made.data["b"].isna().sum() == 2
    assert np.all(made.data["b"].dropna() % 1 == 0)
    assert made.truth["corr_g"].values[0, 1] == -0.5
    assert bm.prepare_joint(spec, made.data, missing="drop")["b"].rows == 28


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"foo": 1.0}, "The model has no parameter 'foo'. Accepted: corr_g, rescor"),
        ({"sd_h_y1": 1.0}, "Response 'y1': The model has no parameter 'sd_h_y1'. Did you mean 'sd_g_y1'"),
        ({"rescor": None}, r"No true value for 'rescor\[y1, y2\]'"),
        ({"sigma_y1": None}, "Response 'y1': No true value for 'sigma_y1'"),
        ({"corr_g[y1[x], y2[Intercept]]": 0.9}, "The true correlations 'corr_g' are not those of any effects"),
    ],
)
def test_true_values_are_checked_by_their_names_in_the_joint_draws(changed, said):
    truth = {key: value for key, value in {**TRUTH, **changed}.items() if value is not None}
    with pytest.raises(bm.SpecError, match=said):
        simulated(truth)


def test_a_response_in_the_formula_of_another_is_refused():
    with pytest.raises(bm.SpecError, match=r"'y1' stands in the formula of 'y2'.*Simulate 'y1' first"):
        bm.simulate(["y1 ~ x", "y2 ~ y1"], data=table(), truth={})
