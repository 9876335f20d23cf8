"""Slopes within and between groups, and the contextual effect."""

import numpy as np
import pytest
from conftest import classic, read_reference
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.errors import SpecError

MODELS = read_reference("mundlak")["models"]


@pytest.fixture(scope="module")
def schools():
    return classic("mlmRev", "Hsb82")


def fit(formula, data):
    return bm.fit(formula, data, seed=1, chains=2, draws=500, progress=False)


@pytest.mark.parametrize(
    ("formula", "values"),
    [
        ("mAch ~ within(ses, school) + between(ses, school) + (1 | school)", [12.0, 2.0, 5.0]),
        ("mAch ~ ses + between(ses, school) + (1 | school)", [12.0, 2.0, 3.0]),
    ],
)
def test_both_ways_to_write_the_split_give_the_same_three_slopes(schools, formula, values):
    beta = {"beta": values, "sigma": 6.0, "sd_school": 1.0}
    table = bm.contextual_effect(fit_at(bm.prepare(formula, schools), beta), "ses", "school")
    assert dict(zip(table["effect"], table["mean"], strict=True)) == pytest.approx(
        {"within": 2.0, "between": 5.0, "contextual": 3.0}
    )


def test_the_interval_is_that_of_the_difference_draw_by_draw(schools):
    design = bm.prepare("mAch ~ within(ses, school) + between(ses, school) + (1 | school)", schools)
    some = fit_at(design, {"sigma": 9.0, "sd_school": 9.0}, jitter=1.0)
    beta = some.posterior["beta"].values
    expected = np.quantile(beta[..., 2] - beta[..., 1], [0.025, 0.975])
    row = bm.contextual_effect(some, "ses", "school").set_index("effect").loc["contextual"]
    assert row[["lower", "upper"]].to_numpy(dtype=float) == pytest.approx(expected)
    assert set(bm.contextual_effect(some, "ses", "school", draws=True)) == {"within", "between", "contextual"}


def test_a_model_without_the_two_columns_is_refused(schools):
    some = fit_at(bm.prepare("mAch ~ ses + (1 | school)", schools), {"sigma": 6.0, "sd_school": 1.0})
    with pytest.raises(SpecError, match=r"needs the columns 'within\(ses, school\)' \(or 'ses'\) and 'between"):
        bm.contextual_effect(some, "ses", "school")
    with pytest.raises(SpecError, match="'sigma' has no predictor"):
        bm.contextual_effect(some, "ses", "school", parameter="sigma")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "item", "formula"),
    [
        ("mlmRev", "Hsb82", "mAch ~ {ses} + (1 | school)"),
        ("nlme", "MathAchieve", "MathAch ~ {SES} + (1 | School)"),
    ],
)
def test_slopes_of_socio_economic_status_are_those_of_lme4(package, item, formula):
    data = classic(package, item)
    x, g = ("ses", "school") if item == "Hsb82" else ("SES", "School")
    split = fit(formula.replace(f"{{{x}}}", f"within({x}, {g}) + between({x}, {g})"), data)
    table = bm.contextual_effect(split, x, g).set_index("effect")
    reference = MODELS["hsb82_mundlak"]["fixed"]
    for effect, name in {"within": "cses", "between": "meanses"}.items():
        assert table.loc[effect, "mean"] == pytest.approx(reference[name]["est"], abs=0.15 * reference[name]["se"])
        assert table.loc[effect, "sd"] == pytest.approx(reference[name]["se"], rel=0.1)
    naive = bm.population_effects(fit(formula.replace(f"{{{x}}}", x), data)).set_index("effect").loc[x]
    expected = MODELS["hsb82_naive"]["fixed"]["ses"]
    assert naive["mean"] == pytest.approx(expected["est"], abs=0.15 * expected["se"])
