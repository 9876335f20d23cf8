"""What is said of related levels does not depend on the unit of their relation, only the SD of the term does."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import special

import bayesmixed as bm

LABELS = list("abcdefgh")
UNIT = 400.0
pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def relation(unit):
    root = np.random.default_rng(2).normal(size=(8, 12))
    matrix = root @ root.T / 12
    return pd.DataFrame(unit * matrix, index=LABELS, columns=LABELS)


def table():
    generator = np.random.default_rng(4)
    g, x = np.repeat(LABELS[:7], 6), generator.normal(size=42)
    return pd.DataFrame({"g": g, "x": x, "k": generator.poisson(2.0, 42), "y": generator.normal(size=42)})


def design(unit, formula="k ~ x + (1 | gr(g, cov=A))", family="poisson", **fields):
    return bm.prepare(bm.from_formula(formula, family=family, known={"A": relation(unit)}, **fields), table())


def fit(unit, **fields):
    return fit_at(design(unit, **fields), {"beta": [0.2, 0.3], "sd_g": 0.7 / unit**0.5}, draws=5)


ANSWERS = {
    "marginal_means": lambda fit: bm.marginal_means(fit, "x").table,
    "comparisons": lambda fit: bm.comparisons(fit).table,
    "slopes": lambda fit: bm.slopes(fit).table,
    "future_group": lambda fit: bm.future_group(fit).table,
    "typical_ratios": bm.typical_ratios,
    "icc": bm.icc,
    "negligible_sds": lambda fit: bm.negligible_sds(fit)[["prior", "posterior"]],
    "loo": lambda fit: pd.DataFrame([[bm.loo(fit, unit="g").elpd]]),
    "new groups": lambda fit: bm.predict(fit, table().assign(g="new"), groups="any", seed=1)["mean"].values[0],
    "average": lambda fit: bm.predict(fit, table().drop(columns="g"), groups="average")["mean"].values[0],
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_are_those_of_the_relation_in_another_unit(answer):
    one, other = (np.asarray(pd.DataFrame(ANSWERS[answer](fit(unit))).select_dtypes("number")) for unit in (1.0, UNIT))
    assert np.allclose(one, other, rtol=1e-6, equal_nan=True)
    assert one.size


def test_levels_that_the_relation_does_not_know_have_the_mean_variance_of_the_fit():
    variance = 0.49 * np.diagonal(relation(1.0))[:7].mean()
    mean = bm.predict(fit(UNIT), pd.DataFrame({"x": [0.5]}), groups="average")["mean"].values
    assert np.allclose(mean, np.exp(0.2 + 0.15 + variance / 2), rtol=1e-6)


def test_default_priors_say_the_same_of_a_typical_level():
    scales = [design(unit).priors["sd_g[Intercept]"].prior.arguments[-1] for unit in (1.0, UNIT)]
    assert scales[0] == pytest.approx(scales[1] * UNIT**0.5)


def test_what_priors_imply_does_not_depend_on_the_unit():
    one, other = (bm.prior_table(design(unit)).implications[["median", "lower", "upper"]] for unit in (1.0, UNIT))
    assert len(one) == 3
    assert np.allclose(one.to_numpy(dtype=float), other.to_numpy(dtype=float), rtol=1e-6)


def test_the_typical_difference_is_the_median_over_pairs_of_related_levels():
    block = design(UNIT).mu.groups[0]
    draws = np.random.default_rng(1).multivariate_normal(np.zeros(7), relation(UNIT).to_numpy()[:7, :7], size=20_000)
    rows, columns = np.triu_indices(7, 1)
    assert block.typical_difference == pytest.approx(np.median(np.abs(draws[:, rows] - draws[:, columns])), rel=0.01)
    alike = pd.DataFrame(np.eye(8), index=LABELS, columns=LABELS)
    unrelated = bm.prepare(bm.from_formula("y ~ (1 | gr(g, cov=A))", known={"A": alike}), table()).mu.groups[0]
    assert unrelated.typical_difference == pytest.approx(2**0.5 * special.ndtri(0.75), rel=1e-6)


def test_the_share_of_related_effects_counts_their_variance():
    both = "k ~ x + (1 | g) + (1 | gr(g, cov=A, name=related))"
    made = fit_at(design(UNIT, both), {"beta": [0.2, 0.3], "sd_g": 0.7, "sd_related": 0.7 / UNIT**0.5})
    share = bm.variance_components(made).set_index("quantity").loc["rho", "mean"]
    typical = np.diagonal(relation(1.0))[:7].mean()
    assert share == pytest.approx(typical / (1 + typical))
