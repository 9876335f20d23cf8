"""The scale of the latent variable of ordered categories differs between rows."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from pymc_agreement import check_log_likelihood, made_up_fit, rows_for
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.equations import write_equations
from bayesmixed.errors import SpecError
from bayesmixed.spec.files import spec_from_toml, spec_to_toml


def table(rows=150):
    k = np.arange(rows)
    latent = 0.9 * np.sin(k) + (1.0 + 0.8 * (k % 3 == 1)) * special.logit((k * 0.61803398875) % 1.0 * 0.998 + 0.001)
    y = np.digitize(latent, [-1.2, 0.1, 1.4]) + 1
    return pd.DataFrame({"y": y, "x": np.sin(k).round(3), "f": np.array(list("uvw"))[k % 3], "h": k % 10})


SPEC = bm.from_formula("y ~ x", family="cumulative", disc="~ f + x")


def test_maximum_likelihood_is_that_of_clm():
    # ordinal 2022.11-16: m <- clm(factor(y) ~ x, scale = ~ f + x, data = table()); m$logLik; m$zeta; m$beta; m$alpha.
    # Its scale is 1 at the first level of f and x = 0, here on average.
    found = bm.approximate(SPEC, table())
    scale = np.array([0.66121461195, 0.27095390911, 0.03061775906])
    beta, alpha = 0.9435205262, np.array([-1.36302632704, 0.08243427573, 1.41992894055])
    columns = np.column_stack([table()["f"] == "v", table()["f"] == "w", table()["x"]])
    unit = np.exp(-columns.mean(axis=0) @ scale)
    assert found.log_likelihood == pytest.approx(-198.75493834, abs=1e-4)
    np.testing.assert_allclose(list(found.estimates.values()), [beta * unit, *-scale, *(alpha * unit)], atol=2e-5)


def test_the_level_is_that_of_the_average_row_of_the_fit():
    design = bm.prepare(bm.from_formula("y ~ x + f", family="cumulative", disc="~ f"), table())
    fit = fit_at(design, {"beta": [0.7, 0.1, 0.2], "beta_disc": [0.5, -0.3], "threshold": [-1.0, 0.2, 1.1]})
    disc = bm.predict(fit, kind="disc")["disc"].values[0, 0]
    assert np.log(disc).mean() == pytest.approx(0.0, abs=1e-12)
    rows = pd.DataFrame({"x": [0.3, 0.3], "f": ["u", "v"]})
    new = bm.predict(fit, rows, kind="disc")["disc"].values[0, 0]
    assert np.log(new[1] / new[0]) == pytest.approx(0.5)
    shares = bm.predict(fit, rows, kind="probability")["probability"].values[0, 0]
    cuts = np.array([-1.0, 0.2, 1.1])[None] - (0.7 * 0.3 + np.array([0.0, 0.1]))[:, None]
    np.testing.assert_allclose(np.cumsum(shares, axis=1)[:, :3], stats.logistic.cdf(new[:, None] * cuts), rtol=1e-10)


def test_the_prior_does_not_depend_on_origin_or_reference():
    moved = table().assign(f=table()["f"].map({"u": "z", "v": "v", "w": "w"}), x=table()["x"] + 2000.0)
    first, second = (bm.prepare(SPEC, data) for data in (table(), moved))
    assert [str(one.prior) for one in first.priors.values()] == [str(one.prior) for one in second.priors.values()]
    # Of v and w against u; of w and u, now called z, against v.
    given = [(first, [0.5, -0.3, 0.2]), (second, [-0.8, -0.5, 0.2])]
    discs = [bm.predict(fit_at(one, {"beta_disc": beta}), kind="disc")["disc"].values[0, 0] for one, beta in given]
    np.testing.assert_allclose(discs[0], discs[1], rtol=1e-9)


@pytest.mark.parametrize("family", ["cumulative", "sratio"])
def test_pymc_has_the_density_of_the_record(family):
    check_log_likelihood(
        made_up_fit("y ~ x + (1 | g)", family, data=rows_for(bm.FAMILIES[family]), disc="~ x + (1 | h)")
    )


def test_the_latent_residual_variance_is_the_mean_over_the_rows():
    with_groups = bm.prepare(bm.from_formula("y ~ x + (1 | h)", family="cumulative", disc="~ f"), table())
    fit = fit_at(with_groups, {"beta": 0.7, "beta_disc": [0.5, -0.3], "sd_h": 0.8, "threshold": [-1.0, 0.2, 1.1]})
    disc = bm.predict(fit, kind="disc")["disc"].values[0, 0]
    assert bm.typical_ratios(fit)["effect"][0] == "median odds ratio where disc is 1"
    residual = np.pi**2 / 3.0 * np.mean(disc**-2)
    icc = bm.icc(fit, scale="latent").set_index("effect")["mean"]["icc"]
    assert icc == pytest.approx(0.64 / (0.64 + residual), rel=1e-9)


def test_the_spec_is_written_read_and_shown():
    assert spec_from_toml(spec_to_toml(SPEC)) == SPEC
    said = write_equations(bm.prepare(SPEC, table()))
    assert "CumulativeLogit(μ_i, threshold, disc_i)" in said
    assert "columns count from their means over the rows" in " ".join(said.split())


def test_data_are_simulated_with_it():
    truth = {"beta": 0.0, "beta_disc": 3.0, "threshold[1|2]": -1.0, "threshold[2|3]": 1.0}
    model = bm.from_formula("y ~ x", family="cumulative", disc="~ x")
    made = bm.simulate(model, truth=truth, data=pd.DataFrame({"x": np.tile([0.0, 1.0], 2000)}), seed=1).data
    middle = made.groupby("x")["y"].apply(lambda y: (y == 2).mean())
    expected = [2.0 * stats.logistic.cdf(np.exp(3.0 * side)) - 1.0 for side in (-0.5, 0.5)]
    np.testing.assert_allclose(middle, expected, atol=0.03)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"disc": "~ 1"}, "no column, and its level is fixed"),
        ({"disc": "~ 0 + f"}, "removes the intercept"),
        ({"links": {"disc": "log"}}, "only where it has a formula"),
        ({"disk": "~ x"}, "Did you mean 'disc'"),
        ({"family": "gaussian", "disc": "~ x"}, "no parameter 'disc'"),
        ({"disc": "~ x", "priors": {"disc": "HalfNormal(1)"}}, "beta_disc"),
    ],
)
def test_what_it_cannot_be_is_refused(options, message):
    with pytest.raises(SpecError, match=message):
        bm.prepare(bm.from_formula("y ~ x", **{"family": "cumulative", **options}), table())


def test_the_average_over_groups_is_over_their_effects_on_disc_too():
    data = pd.DataFrame({"y": [1, 2, 3, 4] * 5, "x": np.linspace(-1.0, 2.0, 20), "g": [*"abcde"] * 4})
    design = bm.prepare("y ~ x + (1 | g)", data, family="cumulative", disc="~ (1 | g)")
    values = {"beta": [0.4], "threshold": [-1.0, 0.3, 1.2], "sd_g": 0.5, "sd_g_disc": 0.6}
    rows = data.iloc[[0, -1]].assign(g="new")
    found = bm.predict(fit_at(design, values), rows, groups="average", kind="probability", draws=2)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    scale, shift = np.exp(0.6 * nodes)[:, None, None], 0.5 * nodes[:, None]
    for place, x in enumerate(rows["x"]):
        below = special.expit(scale * (np.array([-1.0, 0.3, 1.2]) - 0.4 * x - shift))
        below = np.einsum("i,j,ijk->k", weights, weights, below) / (2.0 * np.pi)
        expected = np.diff([0.0, *below, 1.0])
        assert np.allclose(found["probability"].values[0, 0, place], expected, atol=1e-4)


@pytest.mark.parametrize("family", ["cumulative", "sratio", "acat"])
def test_probabilities_are_numbers_where_the_discrimination_overflows(family):
    design = bm.prepare(bm.from_formula("y ~ x", family=family, disc="~ x"), table())
    fit = fit_at(design, {"beta": [0.7], "beta_disc": [3000.0], "threshold": [-1.0, 0.2, 1.1]})
    with np.errstate(all="ignore"):
        shares = bm.predict(fit, kind="probability")["probability"].values
        means = bm.predict(fit)["mean"].values
    np.testing.assert_allclose(shares.sum(axis=-1), 1.0)
    assert np.all(np.isfinite(means))
