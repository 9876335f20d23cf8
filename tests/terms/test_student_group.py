"""Effects with a t distribution: formulas, the model against one written by hand, draws of new groups, and refusals."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from model_densities import log_density
from scipy import stats

import bayesmixed as bm
from bayesmixed.errors import SpecError, StatisticsWarning
from bayesmixed.spec.parsing import parse_terms

TERM = '(1 | gr(g, dist="student"))'


def table(groups=24, rows=4):
    generator = np.random.default_rng(1)
    g = np.repeat(np.arange(groups), rows)
    made = {"g": g, "x": generator.normal(size=len(g)), "y": generator.normal(size=len(g))}
    return pd.DataFrame(made | {"count": generator.poisson(2.0, len(g))})


def fitted(left="y", family="gaussian", draws=None, **values):
    design = bm.prepare(f"{left} ~ x + {TERM}", table(), family=family)
    own = {"beta": [0.2, 0.3], "sd_g": 0.7, "nu_g": 5.0, "sigma": 0.5}
    own |= {"b_g": np.random.default_rng(2).normal(size=(24, 1))}
    return fit_at(design, own | values, draws=draws)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (TERM, None),
        ("(0 + x | gr(a:`b c`, dist='student'))", '(0 + x | gr(a:`b c`, dist="student"))'),
        ("(1 | gr(g, dist='gaussian'))", "(1 | g)"),
    ],
)
def test_formulas_are_read_and_written(text, written):
    (_, term) = parse_terms(text)
    assert str(term) == (written or text)
    assert parse_terms(str(term))[1] == term


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(1 | gr(g, dist=cauchy))", "not 'cauchy'"),
        ("(1 | gr(g, dist='student', cov=A))", "takes a factor alone"),
        ("(1 |p| gr(g, dist='student'))", "takes a factor alone"),
    ],
)
def test_other_calls_are_refused(text, said):
    with pytest.raises(SpecError, match=said):
        parse_terms(text)


def test_several_columns_and_further_terms_of_the_factor_are_refused():
    with pytest.raises(SpecError, match="are of one"):
        bm.prepare('y ~ x + (1 + x | gr(g, dist="student"))', table())
    with pytest.raises(SpecError, match="Leave one of them out"):
        bm.prepare(f"y ~ x + {TERM} + (0 + x | g)", table())
    with pytest.warns(StatisticsWarning, match="nu_g depends on its prior"):
        bm.prepare(f"y ~ x + {TERM}", table(8))


@pytest.mark.parametrize("parameterisation", ["centred", "noncentred", "hierarchical"])
def test_the_pymc_model_is_the_one_written_by_hand(parameterisation):
    priors = {"beta": "Normal(0, 1)", "beta[Intercept]": "Normal(0, 2)", "sigma": 1.3, "sd_g": "HalfNormal(1)"}
    data = table()
    design = bm.prepare(f"y ~ x + {TERM}", data, priors=priors | {"nu_g": "Exponential(0.1)"})
    model = bm.build(design, parameterisation={"b_g": parameterisation})
    rng, g = np.random.default_rng(3), data["g"].to_numpy()
    names = {"centred": "b_g", "noncentred": "z_g", "hierarchical": "coefficient_g"}
    for _ in range(3):
        b, beta, sd, nu = rng.normal(size=(24, 1)), rng.normal(size=2), rng.uniform(0.3, 2.0), rng.uniform(2.5, 20.0)
        free = {"centred": b, "noncentred": b / sd, "hierarchical": b + beta[0]}[parameterisation]
        value = log_density(model, {"beta": beta, "sd_g": [sd], "nu_g": nu, names[parameterisation]: free})
        eta = beta[0] + beta[1] * data["x"] + b[g, 0]
        expected = stats.norm(eta, 1.3).logpdf(data["y"]).sum() + stats.norm([0, 0], [2, 1]).logpdf(beta).sum()
        # The SD of the effects is sd_g, whatever the degrees of freedom; those have their prior above 2.
        expected += stats.t(nu, 0.0, sd * np.sqrt((nu - 2.0) / nu)).logpdf(b).sum() + stats.halfnorm.logpdf(sd)
        expected += stats.expon(scale=10.0).logpdf(nu) - stats.expon(scale=10.0).logsf(2.0)
        expected += 24 * np.log(sd) * (parameterisation == "noncentred")
        assert value == pytest.approx(expected, abs=1e-7)


def test_new_groups_are_drawn_from_the_t_distribution():
    fit = fitted(draws=20_000, nu_g=3.0, sd_g=2.0)
    for mode in ("new", "any"):
        found = bm.predict(fit, {"x": [0.0], "g": ["new"]}, groups=mode, kind="linear", seed=1, draws=None)
        values = next(iter(found.data_vars.values())).values.ravel()
        scale = 2.0 * np.sqrt(1.0 / 3.0)
        levels = [0.02, 0.25, 0.5, 0.75, 0.98]
        assert np.allclose(stats.t(3.0, 0.2, scale).cdf(np.quantile(values, levels)), levels, atol=0.01)
    known = bm.predict(fit, table().iloc[:1], groups="any", kind="linear", draws=10)
    assert np.ptp(next(iter(known.data_vars.values())).values) == pytest.approx(0.0, abs=1e-12)


def test_averages_need_a_mean_and_second_moments_alone_where_the_predictor_is_the_mean():
    found = bm.marginal_means(fitted(), "x").table
    assert np.isfinite(found["mean"]).all()
    icc = bm.icc(fitted())
    assert icc.loc[icc["effect"] == "icc", "mean"].item() == pytest.approx(0.49 / (0.49 + 0.25))
    counts = fitted("count", "poisson")
    for call in (
        lambda: bm.marginal_means(counts, "x"),
        lambda: bm.icc(counts),
        lambda: bm.future_group(counts),
        lambda: bm.shrinkage(counts),
        lambda: bm.loo(counts, unit="g"),
        lambda: bm.typical_ratios(counts),
        lambda: bm.kfold(counts, by="g"),
    ):
        with pytest.raises(SpecError, match="t distribution"):
            call()
    assert np.isfinite(bm.marginal_means(counts, "x", groups="typical").table.iloc[:, 1]).all()


def test_rows_are_left_out_given_the_effects_of_their_groups():
    for left, family in (("y", "gaussian"), ("count", "poisson")):
        fit = fitted(left, family, draws=50)
        found = bm.log_likelihood(fit)
        assert bm.loo(fit, unit="observation").elpd == pytest.approx(
            float(found.mean(("chain", "draw")).sum()), abs=1e-6
        )
    assert len(bm.residuals(fit)) == 96


def test_simulated_effects_have_the_stated_tails():
    data = table(1500, 2)
    truth = {"beta[Intercept]": 0.0, "beta[x]": 0.0, "sd_g[Intercept]": 1.0, "nu_g": 4.0, "sigma": 0.1}
    found = bm.simulate(f"y ~ x + {TERM}", data=data, truth=truth, seed=1)
    effects = found.truth["b_g"].values.ravel()
    assert stats.kstest(effects, stats.t(4.0, 0.0, np.sqrt(0.5)).cdf).pvalue > 0.01


def test_brms_effects_with_a_t_distribution_are_translated():
    found = bm.from_r('brm(y ~ x + (1 | gr(g, dist = "student")), data = d)')
    assert found.formula == f"y ~ 1 + x + {TERM}"


@pytest.mark.slow
def test_a_fit_finds_heavy_tails():
    generator = np.random.default_rng(4)
    effects = generator.standard_t(2.5, 150)
    g = np.repeat(np.arange(150), 5)
    data = pd.DataFrame({"g": g, "y": effects[g] + 0.3 * generator.normal(size=len(g))})
    fit = bm.fit(f"y ~ 1 + {TERM}", data, seed=1, chains=2, draws=300, progress=False)
    assert float(fit.posterior["nu_g"].quantile(0.05)) < 3.5
    assert float(fit.posterior["nu_g"].median()) < 6.0
