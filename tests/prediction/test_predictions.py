"""Prediction for known groups, new groups, the average and the typical group."""

import numpy as np
import pytest
from conftest import CHECKS, classic
from fixed_draws import fit_at
from scipy import special

import bayesmixed as bm

CBPP, SLEEP = classic("lme4", "cbpp"), classic("lme4", "sleepstudy")
EFFECTS = np.linspace(-1, 1, 15)[:, None]


@pytest.fixture(scope="module")
def herd():
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial")
    return fit_at(bm.prepare(spec, CBPP), {"beta": -2.0, "sd_herd": 0.8, "b_herd": EFFECTS})


@pytest.fixture(scope="module")
def slopes():
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", SLEEP)
    effects = np.column_stack([np.linspace(-30, 30, 18), np.linspace(-5, 5, 18)])
    corr = [[1, -0.5], [-0.5, 1]]
    return fit_at(
        design,
        {"beta": [250.0, 10.0], "sd_Subject": [25.0, 6.0], "corr_Subject": corr, "b_Subject": effects, "sigma": 20.0},
    )


def test_known_groups_have_their_own_probability(herd):
    mean = bm.predict(herd)["mean"]
    np.testing.assert_allclose(mean.values[0, 0], special.expit(-2 + EFFECTS[CBPP["herd"] - 1, 0]))
    assert bm.predict(herd).attrs["estimand"] == "expected incidence / size; herd: the groups of the fit"


def test_new_rows_of_known_groups_need_neither_response_nor_trials(herd):
    mean = bm.predict(herd, {"herd": ["15", "1"]})["mean"]
    np.testing.assert_allclose(mean.values[0, 0], special.expit([-1.0, -3.0]))


def test_the_typical_group_has_no_effect(herd):
    np.testing.assert_allclose(bm.predict(herd, groups="typical")["mean"], special.expit(-2.0))


def test_the_average_integrates_over_the_groups(herd):
    points = np.linspace(-10, 10, 20001)
    density = np.exp(-0.5 * (points / 0.8) ** 2) / (0.8 * np.sqrt(2 * np.pi))
    expected = np.trapezoid(special.expit(-2 + points) * density, points)
    np.testing.assert_allclose(bm.predict(herd, groups="average")["mean"], expected, rtol=1e-7)


def test_unseen_labels_are_an_error_for_existing_groups(herd):
    with pytest.raises(bm.DataError, match=r"'herd' holds '99'.*groups=\"new\""):
        bm.predict(herd, {"herd": ["1", "99"]})


def test_new_groups_differ_from_each_other_and_share_one_draw_within(slopes):
    rows = {"Days": [0.0, 4.0, 0.0, 4.0, 8.0], "Subject": ["x", "x", "y", "y", "y"]}
    linear = bm.predict(slopes, rows, groups="new", kind="linear", seed=1)["linear"].values.reshape(-1, 5)
    assert np.std(linear[:, 0] - linear[:, 2]) > 20
    # Three rows of one group lie on one line: one draw of intercept and slope for all its rows.
    np.testing.assert_allclose(linear[:, 4] - linear[:, 3], linear[:, 3] - linear[:, 2], rtol=1e-9)


def test_new_groups_have_the_covariance_of_the_population(slopes):
    # 4,000 groups in each of 100 draws: the sampling error of an SD is below 1 %.
    rows = {"Days": np.tile([0.0, 1.0], 4000), "Subject": np.repeat([f"new{i}" for i in range(4000)], 2)}
    linear = bm.predict(slopes, rows, groups="new", kind="linear", seed=2)["linear"].values.reshape(-1, 4000, 2)
    intercept, slope = linear[..., 0] - 250, linear[..., 1] - linear[..., 0] - 10
    assert intercept.std() == pytest.approx(25.0, rel=0.01)
    assert slope.std() == pytest.approx(6.0, rel=0.01)
    assert np.corrcoef(intercept.ravel(), slope.ravel())[0, 1] == pytest.approx(-0.5, abs=0.01)


def test_known_and_unseen_labels_stand_in_one_table(slopes):
    rows = {"Days": [0, 5, 5, 5], "Subject": ["308", "308", "a", "b"]}
    known = bm.predict(slopes, {"Days": [0, 5], "Subject": ["308", "308"]}, kind="linear")["linear"].values
    linear = bm.predict(slopes, rows, groups="any", kind="linear", seed=1)["linear"].values
    np.testing.assert_allclose(linear[..., :2], known, rtol=1e-12)
    effects = linear[..., 2:] - (250.0 + 5 * 10.0)
    # Variance of u0 + 5 u1 with SDs 25 and 6 and correlation -0.5.
    assert effects.std() == pytest.approx(np.sqrt(625 + 25 * 36 - 2 * 0.5 * 25 * 5 * 6), rel=0.15)
    assert abs(np.corrcoef(effects[..., 0].ravel(), effects[..., 1].ravel())[0, 1]) < 0.3


def test_any_label_may_be_of_the_fit_throughout(slopes):
    existing, either = (bm.predict(slopes, groups=groups)["mean"] for groups in ("existing", "any"))
    np.testing.assert_allclose(either, existing, rtol=1e-12)


def test_a_known_label_is_a_fresh_group_under_new(herd):
    mean = bm.predict(herd, {"herd": ["15"]}, groups="new", seed=3)["mean"].values
    assert np.std(mean) > 0.02


def test_modes_can_differ_between_factors():
    data = {"y": np.arange(24) % 5 + 0.5, "block": np.repeat(list("abcdef"), 4), "plot": np.tile(list("pqrs"), 6)}
    spec = bm.from_formula("y ~ 1 + (1 | block/plot)", priors={"sigma": 1.0})
    blocks = np.linspace(-5, 5, 6)[:, None]
    with pytest.warns(bm.StatisticsWarning, match="one row in each level"):
        design = bm.prepare(spec, data)
    fit = fit_at(design, {"beta": 10.0, "sd_block": 3.0, "b_block": blocks, "sd_block:plot": 0.5, "sigma": 1.0})
    rows = {"block": ["a", "f"], "plot": ["t", "t"]}
    linear = bm.predict(fit, rows, groups={"block": "existing", "block:plot": "new"}, kind="linear", seed=1)
    np.testing.assert_allclose(linear["linear"].mean(("chain", "draw")), [5, 15], atol=0.2)
    assert float(linear["linear"].std()) > 0
    with pytest.raises(bm.DataError, match="'block:plot' holds"):
        bm.predict(fit, rows, groups="existing")


def test_responses_have_the_mean_and_spread_of_the_family(herd):
    response = bm.predict(herd, kind="response", seed=1)["response"].values.reshape(-1, 56)
    mean = special.expit(-2 + EFFECTS[CBPP["herd"] - 1, 0])
    np.testing.assert_allclose(response.mean(axis=0), CBPP["size"] * mean, atol=0.9)
    assert np.all(response == np.floor(response))
    assert np.all(response <= CBPP["size"].to_numpy())


def test_responses_of_new_rows_need_the_trials(herd):
    with pytest.raises(bm.DataError, match="needs the trials column 'size'"):
        bm.predict(herd, {"herd": ["1"]}, kind="response")


def test_a_response_averaged_over_groups_is_refused(herd):
    with pytest.raises(bm.SpecError, match="use groups='new'"):
        bm.predict(herd, kind="response", groups="average")


def test_parameters_can_be_predicted(slopes):
    assert np.all(bm.predict(slopes, kind="sigma")["sigma"] == 20.0)


def test_observation_effects_of_new_rows_are_averaged_over():
    data = {"y": np.arange(20) % 6, "g": np.repeat(list("abcde"), 4)}
    design = bm.prepare(bm.from_formula("y ~ 1 + (1 | g) + obs()", family="poisson"), data)
    fit = fit_at(design, {"beta": 1.0, "sd_g": 0.5, "sd_obs": 0.7})
    np.testing.assert_allclose(bm.predict(fit, {"g": ["a"]})["mean"], np.exp(1 + 0.245))
    np.testing.assert_allclose(bm.predict(fit, {"g": ["a"]}, kind="linear")["linear"], 1.0)
    np.testing.assert_allclose(bm.predict(fit)["mean"], np.exp(1.0))


def test_fewer_draws_are_spread_over_all_chains(herd):
    thinned = bm.predict(herd, draws=10)["mean"]
    assert dict(thinned.sizes) == {"chain": 2, "draw": 5, "row": 56}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "means"}, "Did you mean 'mean'"),
        ({"groups": "exisiting"}, "Did you mean 'existing'"),
        ({"groups": {"hert": "new"}}, "Did you mean 'herd'"),
        ({"draws": 0}, "draws=0 is impossible"),
    ],
)
def test_unknown_options_are_refused(herd, options, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.predict(herd, **options)


P2, O1 = CHECKS["P2"], CHECKS["O1"]


@pytest.mark.parametrize(("family", "key"), [("bernoulli", "average"), ("poisson", "log_link_average_same_eta")])
def test_the_average_over_correlated_slopes_is_the_sharp_one(family, key):
    data = {"y": np.arange(40) % 2, "x": np.tile(np.arange(8.0), 5), "g": np.repeat(list("abcde"), 8)}
    design = bm.prepare(bm.from_formula("y ~ x + (x | g)", family=family), data)
    sigma = np.array(P2["inputs"]["Sigma"])
    sds = np.sqrt(np.diag(sigma))
    fit = fit_at(design, {"beta": [-1.0, 0.4], "sd_g": sds, "corr_g": sigma / np.outer(sds, sds)})
    found = bm.predict(fit, {"x": [2.0], "g": ["new"]}, groups="average")["mean"]
    np.testing.assert_allclose(found, P2["expected"][key], atol=P2["tolerance"])
    if family == "bernoulli":
        typical = bm.predict(fit, {"x": [2.0], "g": ["new"]}, groups="typical")["mean"]
        np.testing.assert_allclose(typical, P2["expected"]["typical"], atol=P2["tolerance"])


def test_new_rows_with_observation_effects_have_the_sharp_moments():
    design = bm.prepare(bm.from_formula("y ~ 1 + obs()", family="poisson"), {"y": np.arange(20) % 6})
    inputs, expected = O1["inputs"], O1["expected"]
    fit = fit_at(design, {"beta": inputs["eta"], "sd_obs": inputs["sd_obs"]})
    np.testing.assert_allclose(bm.predict(fit, {"row": [1]})["mean"], expected["mean"], rtol=1e-9)
    responses = bm.predict(fit, {"row": np.arange(4000)}, kind="response", seed=1)["response"].values
    # 400,000 responses: the standard errors are .0006 for the share of zeros and .016 for the mean.
    assert np.mean(responses == 0) == pytest.approx(np.exp(expected["log_p"]["0"]), abs=0.003)
    assert np.mean(responses == 5) == pytest.approx(np.exp(expected["log_p"]["5"]), abs=0.003)
    assert responses.mean() == pytest.approx(expected["mean"], abs=0.08)


@pytest.fixture(scope="module")
def two_predictors():
    y = np.random.default_rng(1).normal(size=40)
    data = {"y": y, "x": np.tile(np.arange(8.0), 5), "g": np.repeat(list("abcde"), 8)}
    design = bm.prepare(bm.from_formula("y ~ x + (1 | g)", sigma="~ 1 + x + (1 | g)"), data)
    known = np.linspace(-1, 1, 5)[:, None]
    values = {"beta": [1.0, 0.5], "sd_g": 0.9, "beta_sigma": [0.2, -0.1], "sd_g_sigma": 0.4, "b_g_sigma": known}
    return fit_at(design, values)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [("existing", np.exp(0.2 - 0.4 - 1.0)), ("typical", np.exp(0.2 - 0.4)), ("average", np.exp(0.2 - 0.4 + 0.08))],
)
def test_a_modelled_parameter_has_its_own_groups(two_predictors, groups, expected):
    found = bm.predict(two_predictors, {"x": [4.0], "g": ["a"]}, groups=groups, kind="sigma")["sigma"]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_effects_of_sigma_do_not_move_the_mean(two_predictors):
    np.testing.assert_allclose(bm.predict(two_predictors, {"x": [4.0], "g": ["a"]}, groups="average")["mean"], 3.0)


def test_a_new_group_is_the_same_group_for_the_mean_its_sigma_and_its_responses(two_predictors):
    rows = {"x": np.zeros(4000), "g": ["new"] * 4000}
    kinds = {
        kind: bm.predict(two_predictors, rows, groups="new", kind=kind, seed=5)[kind]
        for kind in ("mean", "sigma", "response")
    }
    one = {kind: found.values[1, 7] for kind, found in kinds.items()}
    assert np.ptp(one["mean"]) == 0
    assert np.ptp(one["sigma"]) == 0
    # Standard errors of a mean and an SD of 4,000 rows: 1.6 % and 1.1 % of sigma.
    assert one["response"].mean() == pytest.approx(one["mean"][0], abs=0.08 * one["sigma"][0])
    assert one["response"].std() == pytest.approx(one["sigma"][0], rel=0.06)


# Defects of other packages, as regressions: new groups that are copies of each other, or of groups of the data.
def test_no_draw_of_a_new_group_is_the_effect_of_another_group(herd):
    rows = {"herd": ["16", "17", "3"]}
    effects = bm.predict(herd, rows, groups="new", kind="linear", seed=4)["linear"].values.reshape(-1, 3) + 2.0
    assert len(np.unique(effects)) == effects.size
    assert not np.isclose(effects[..., None], EFFECTS[:, 0], atol=1e-9).any()
    assert abs(np.corrcoef(effects[:, 0], effects[:, 1])[0, 1]) < 0.4


def test_a_new_plot_in_an_old_block_keeps_the_effect_of_the_block():
    data = {
        "y": np.arange(72) % 5 + 0.5,
        "block": np.repeat(list("abcdef"), 12),
        "plot": np.tile(np.repeat(list("pqr"), 4), 6),
    }
    design = bm.prepare("y ~ 1 + (1 | block/plot)", data)
    blocks = np.linspace(-5, 5, 6)[:, None]
    fit = fit_at(design, {"beta": 10.0, "sd_block": 3.0, "b_block": blocks, "sd_block:plot": 0.5})
    rows = {"block": ["a", "a", "f", "f"], "plot": ["new", "new", "new", "p"]}
    modes = {"block": "existing", "block:plot": "new"}
    linear = bm.predict(fit, rows, groups=modes, kind="linear", seed=1)["linear"].values.reshape(-1, 4)
    plots = linear - [5, 5, 15, 15]
    np.testing.assert_array_equal(plots[:, 0], plots[:, 1])
    assert plots.std() == pytest.approx(0.5, rel=0.2)
    assert np.std(plots[:, 0] - plots[:, 2]) == pytest.approx(0.5 * np.sqrt(2), rel=0.25)
    assert np.std(plots[:, 3]) > 0.3


@pytest.mark.filterwarnings("ignore:'Days' lies far from 0")
@pytest.mark.parametrize("groups", ["existing", "new", "average"])
def test_adding_2000_to_a_covariate_changes_no_prediction(groups):
    data = SLEEP[SLEEP["Subject"] < 336]
    moved = data.assign(Days=data["Days"] + 2000)
    fits = [
        bm.fit("Reaction ~ Days + (Days | Subject)", d, seed=3, chains=2, draws=200, progress=False)
        for d in (data, moved)
    ]
    found = [bm.predict(f, d, groups=groups, seed=1)["mean"] for f, d in zip(fits, (data, moved), strict=True)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
