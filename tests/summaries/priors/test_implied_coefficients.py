"""What priors on the basis imply for coefficients as written."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.design.default_priors import response_scale

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def factorial():
    """Two factors with two levels each."""
    return {"y": np.random.default_rng(3).normal(size=80), "f": np.tile(["a", "b"], 40), "k": np.repeat(["u", "v"], 40)}


def test_defaults_imply_more_for_effects_at_a_reference_level_than_for_averaged_ones():
    design = bm.prepare("y ~ f*k", factorial())
    table, unit = bm.prior_table(design), response_scale(design).unit
    sds = dict(zip(table.coefficients["coefficient"], table.coefficients["sd"] / unit, strict=True))
    assert sds == pytest.approx(
        {
            "beta[f]": 2.5,
            "beta[k]": 2.5,
            "beta[f[T.b]]": 2.5 * np.sqrt(1.5),
            "beta[k[T.v]]": 2.5 * np.sqrt(1.5),
            "beta[f[T.b]:k[T.v]]": 2.5 * np.sqrt(2.0),
        }
    )
    assert "difference of two levels, averaged" in str(table)


def test_what_priors_that_are_not_normal_imply_comes_from_draws():
    spec = bm.from_formula("y ~ f*k", priors={"beta[f[T.b]:k[T.v]]": "StudentT(4, 0, 2)"})
    data = factorial()
    table = bm.prior_table(spec, data).coefficients.set_index("coefficient")
    assert "beta[f[T.b]:k[T.v]]" not in table.index
    generator, unit = np.random.default_rng(6), response_scale(bm.prepare("y ~ f*k", data)).unit
    # At the reference of k an effect is the averaged one less half of the interaction.
    draws = generator.normal(0, 2.5 * unit, 400_000) - generator.standard_t(4, 400_000)
    assert table.loc["beta[f[T.b]]", "upper"] == pytest.approx(np.quantile(draws, 0.975), rel=0.05)
