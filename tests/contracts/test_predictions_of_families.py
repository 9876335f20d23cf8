"""Predictions, effects and contrasts accept the fit of any family: a new one is tested by being there."""

import numpy as np
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.design.design import Design
from bayesmixed.families import FAMILIES, Family

ROWS, GROUPS = 60, 6
TRIALS = 12.0
SIGMAS = 5.0

# Categories without order have no mean, and no first predictor: see tests/workflows/test_nominal_fits.py.
MEANS = {name: family for name, family in FAMILIES.items() if not family.template}
each_family = pytest.mark.parametrize("family", MEANS.values(), ids=list(MEANS))


def middle(family: Family) -> dict[str, float]:
    """Return values of the parameters well inside their ranges."""
    found = {}
    for p in family.parameters:
        low = p.lower if np.isfinite(p.lower) else -2.0
        found[p.name] = low + 0.4 * (p.upper - low) if np.isfinite(p.upper) else low + 2.5
    found |= {family.no_average: 0.6} if family.no_average else {}
    return found if not family.cuts else {"mu": 0.5, "threshold[1|2]": -0.6, "threshold[2|3]": 1.4}


def make_design(family: Family, **predictors: str) -> Design:
    generator = np.random.default_rng(4)
    data = {
        "x": generator.normal(size=ROWS),
        "f": np.tile(["low", "mid", "high"], ROWS // 3),
        "g": np.repeat([f"g{j}" for j in range(GROUPS)], ROWS // GROUPS),
        "n": np.full(ROWS, TRIALS),
        "y": family.random(generator, middle(family), TRIALS if family.has_trials else 1.0, (ROWS,)),
    }
    formula = f"y{' | trials(n)' if family.has_trials else ''} ~ x + f + (x | g)"
    return bm.prepare(bm.from_formula(formula, family=family, **predictors), data)


def make_fit(family: Family, every_parameter: bool) -> bm.Fit:
    """Return a fit with small effects of everything; with group effects in every predictor if asked for."""
    others = (
        {p.name: "~ x + (1 | g)" for p in family.parameters[1:] if not (p.cut or p.onset)} if every_parameter else {}
    )
    design = make_design(family, **others)
    values: dict[str, object] = {name: middle(family)[name] for name in design.numbers}
    values["threshold"] = [middle(family)[name] for name in design.family.cuts]
    for number, (name, predictor) in enumerate(design.predictors.items()):
        beta = np.full(len(predictor.population.labels), 0.1)
        beta[0] = predictor.link.forward(middle(family)[name])
        values[predictor.beta] = beta
        for group in predictor.groups:
            # Small effects beside the mean: with large ones on its sigma a lognormal mean is infinite.
            values[predictor.sd(group)] = [0.1] if number else [0.5, 0.2]
            values[predictor.corr(group)] = [[1, 0.4], [0.4, 1]]
            values[predictor.b(group)] = 0.3 * np.random.default_rng(number).normal(size=(GROUPS, len(group.labels)))
    return fit_at(design, values)


@pytest.fixture(scope="module")
def fits():
    """Return a function that gives the fit of a family, made once."""
    done: dict[tuple[str, bool], bm.Fit] = {}

    def get(family: Family, every_parameter: bool = True) -> bm.Fit:
        key = family.name, every_parameter
        if key not in done:
            done[key] = make_fit(family, every_parameter)
        return done[key]

    return get


def has_average(family: Family) -> bool:
    """Return whether the response has a mean over groups that differ in every parameter: exp(sigma^2 / 2) has none."""
    return not family.no_average


def central(table):
    """Return the posterior means of a table, or the medians where means do not exist; draws of these fits are all alike."""
    return table["mean" if "mean" in table else "median"]


@each_family
@pytest.mark.parametrize("every_parameter", [False, True], ids=["mean modelled", "every parameter modelled"])
def test_the_average_is_the_mean_over_many_new_groups(fits, family, every_parameter):
    fit = fits(family, every_parameter)
    row = {"x": [0.7], "f": ["mid"], "g": ["new"]}
    many = {"x": [0.7] * 400, "f": ["mid"] * 400, "g": [f"new{j}" for j in range(400)]}
    if every_parameter and not has_average(family):
        with pytest.raises(bm.SpecError, match="is infinite"):
            bm.predict(fit, row, groups="average")
        return
    average = bm.predict(fit, row, groups="average")["mean"].values
    sampled = bm.predict(fit, many, groups="new", seed=1)["mean"].values
    assert np.ptp(average) < 1e-9 * abs(average.mean())
    assert abs(sampled.mean() - average.mean()) < SIGMAS * sampled.std() / np.sqrt(sampled.size)


@each_family
def test_responses_of_a_group_have_its_mean(fits, family):
    fit = fits(family)
    rows = {"x": [0.7] * 200, "f": ["mid"] * 200, "g": ["g2"] * 200, "n": [TRIALS] * 200}
    mean = bm.predict(fit, rows)["mean"].values
    responses = bm.predict(fit, rows, kind="response", seed=2)["response"].values
    responses = responses / (TRIALS if family.has_trials else 1.0)
    assert abs(responses.mean() - mean.mean()) < SIGMAS * responses.std() / np.sqrt(responses.size)


@each_family
@pytest.mark.parametrize("groups", ["existing", "new", "average", "typical"])
def test_every_parameter_lies_in_its_range(fits, family, groups):
    for parameter in fits(family).design.family.parameters:
        values = bm.predict(fits(family), groups=groups, kind=parameter.name, seed=1)[parameter.name].values
        assert values.shape == (2, 50, ROWS)
        assert np.all((values > parameter.lower) & (values < parameter.upper))


@each_family
@pytest.mark.parametrize("kind", ["mean", "linear"])
def test_effects_and_contrasts_agree_with_predictions_row_by_row(fits, family, kind):
    fit = fits(family, every_parameter=False)
    rows = {"x": [float(fit.design.table.data["x"].mean())] * 3, "f": ["low", "mid", "high"], "g": ["new"] * 3}
    expected = bm.predict(fit, rows, groups="average", kind=kind)[kind].values[0, 0]
    means = central(bm.marginal_means(fit, "f", kind=kind).table.set_index("f"))
    np.testing.assert_allclose(means[["low", "mid", "high"]], expected, rtol=1e-9)
    differences = central(
        bm.contrasts(fit, "f", method="reference", reference="low", kind=kind).table.set_index("contrast")
    )
    np.testing.assert_allclose(differences["high - low"], expected[2] - expected[0], rtol=1e-9)
    assert np.isfinite(central(bm.conditional_effects(fit, "x:f", kind=kind).table)).all()


@each_family
def test_the_population_of_groups_is_that_of_many_new_groups(fits, family):
    fit = fits(family, every_parameter=False)
    table = bm.future_group(fit).table
    found = central(table[table["scale"].str.startswith("expected y")].set_index("quantity"))
    count = 400
    x = float(fit.design.table.data["x"].mean())
    labels = [f"new{j}" for j in range(count)]
    linear = bm.predict(
        fit, {"x": [x] * 3, "f": ["low", "mid", "high"], "g": ["a"] * 3}, groups="typical", kind="linear"
    )
    # The population is that of the average row on the link scale: move level "mid" there.
    rows = {"x": [x] * count, "f": ["mid"] * count, "g": labels}
    new = bm.predict(fit, rows, groups="new", kind="linear", seed=3)["linear"].values
    at_average = new + float(linear["linear"].values[0, 0].mean() - linear["linear"].values[0, 0, 1])
    values = {p.name: middle(family)[p.name] for p in fit.design.family.parameters[1:]}
    groups = family.mean({family.parameters[0].name: fit.design.mu.link.inverse(at_average), **values}, 1.0).ravel()
    assert abs(groups.mean() - found["mean"]) < SIGMAS * groups.std() / np.sqrt(groups.size)
    assert found["SD"] == pytest.approx(groups.std(), rel=0.05)
    assert np.mean((groups > found["2.5 %"]) & (groups < found["97.5 %"])) == pytest.approx(0.95, abs=0.006)


@each_family
def test_every_summary_and_picture_accepts_the_fit(fits, family):
    fit = fits(family)
    assert len(bm.group_ranks(fit).table) == GROUPS
    assert {"fixed", "ran_pars"} <= set(bm.tidy(fit)["effect"])
    assert np.isfinite(bm.tidy(fit)["estimate"]).all()
    assert bm.hypothesis(fit, "beta[x] > 0").table["probability"][0] == 1.0
    if has_average(family):
        assert np.isfinite(central(bm.future_group(fit).table)).all()
        assert len(bm.plot_future_group(fit).axes) >= len(family.parameters)
    assert bm.plot_conditional_effects(fit, "x:f", groups="typical").axes[0].lines
