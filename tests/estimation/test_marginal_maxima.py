"""Maximum likelihood against lme4 1.1-31 and glmmTMB 1.1.5 (R 4.2.2), quadrature by SciPy, and algebra."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic
from quiet_designs import quietly
from scipy import optimize, special, stats

import bayesmixed as bm
from bayesmixed.estimation.conditional_models import MarginalParameters
from bayesmixed.estimation.effect_modes import find_effect_mode, laplace

CBPP = bm.datasets.load("cbpp")


def near(found, name, estimate, error=None):
    assert found.estimates[name] == pytest.approx(estimate, rel=2e-4)
    assert error is None or found.standard_errors[name] == pytest.approx(error, rel=5e-3)


def test_quadrature_finds_the_maximum_of_lme4_with_25_nodes():
    found = bm.approximate("herd", CBPP, method="agq", points=25)
    assert found.log_likelihood == pytest.approx(-104.7588719264, abs=1e-6)
    near(found, "beta[Intercept]", -2.0465039373, 0.24382407256)
    near(found, "sd_herd[Intercept]", 0.81839000524)
    assert found.aic == pytest.approx(2 * 2 + 2 * 104.7588719264, abs=1e-5)
    assert found.converged


def test_laplace_finds_the_maximum_of_glmmtmb():
    found = bm.approximate("herd_period", CBPP)
    assert found.log_likelihood == pytest.approx(-92.0262818648, abs=1e-5)
    near(found, "sd_herd[Intercept]", 0.64226167223)
    one = bm.approximate("herd_period", CBPP, method="agq", points=1)
    assert one.log_likelihood == pytest.approx(found.log_likelihood, abs=1e-9)


def test_a_dispersion_is_a_parameter_like_others():
    found = bm.approximate("yield ~ temp + (1 | batch)", classic("betareg", "GasolineYield"), family="beta")
    assert found.log_likelihood == pytest.approx(60.5931310429, abs=1e-5)
    near(found, "sd_batch[Intercept]", 0.51526996136)


@pytest.mark.parametrize(
    ("formula", "name", "restricted", "value", "sds"),
    [
        ("Reaction ~ Days + (Days | Subject)", "sleepstudy", True, -871.8141359792, (24.7404475873, 5.9221)),
        ("Reaction ~ Days + (Days | Subject)", "sleepstudy", False, -875.9696722316, (23.7805637195, 5.7168)),
        ("diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin", True, -165.4302944955, (0.84670430303,)),
        ("strength ~ 1 + (1 | batch) + (1 | sample)", "Pastes", True, -123.4953729267, (1.2873651997,)),
    ],
)
def test_normal_models_have_the_likelihood_of_lmer(formula, name, restricted, value, sds):
    found = bm.approximate(formula, classic("lme4", name), restricted=restricted)
    assert found.log_likelihood == pytest.approx(value, abs=1e-6)
    names = [key for key in found.estimates if key.startswith("sd_") and "sample" not in key]
    assert [found.estimates[key] for key in names] == pytest.approx(sds, rel=2e-5)
    assert (found.aic is None) == restricted


@pytest.mark.parametrize("unit", [1e-40, 1e40])
def test_units_change_no_fit(unit):
    data = classic("lme4", "sleepstudy").assign(
        Reaction=lambda d: d["Reaction"] * unit, Days=lambda d: d["Days"] / unit
    )
    found = bm.approximate("Reaction ~ Days + (Days | Subject)", data)
    assert found.log_likelihood == pytest.approx(-875.9696722316 - 180 * np.log(unit), rel=1e-9)
    assert found.estimates["sd_Subject[Days]"] == pytest.approx(5.7168 * unit**2, rel=1e-4)


def test_all_rungs_of_a_normal_model_are_the_same():
    data = classic("lme4", "sleepstudy")
    rungs = [bm.approximate("sleepstudy", data, method=name) for name in ("joint", "pql", "laplace", "agq")]
    for rung in rungs:
        assert rung.log_likelihood == pytest.approx(-875.9696722316, rel=1e-9)
        for name, value in rungs[2].estimates.items():
            assert rung.estimates[name] == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize("family", ["inverse_gaussian", "student"])
def test_a_mode_is_as_sharp_where_rows_are_not_concave(family):
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"y": np.exp(rng.normal(0.3, 0.9, 60)), "g": np.repeat(list("abcdef"), 10)})
    parameters = MarginalParameters(quietly("y ~ 1 + (1 | g)", data, family=family))
    model = parameters.at(np.full(len(parameters.places), 0.3))
    found = [laplace(model, find_effect_mode(model, np.full(6, start))) for start in (0.0, 0.1, 1.0)]
    assert found == pytest.approx([found[0]] * 3, abs=1e-8)


def test_a_joint_mode_is_found_where_zero_is_no_predictor():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"y": rng.poisson(4, 60), "x": rng.normal(size=60), "g": np.repeat(list("abcdef"), 10)})
    found = bm.approximate("y ~ x + (1 | g)", data, family="poisson", link="sqrt", method="joint", priors={"sd_g": 0.3})
    effects = found.effects.set_index("level")["estimate"]
    eta = found.estimates["beta[Intercept]"] + found.estimates["beta[x]"] * data["x"] + data["g"].map(effects)
    score = 2.0 * (data["y"] / eta - eta)
    assert found.converged
    assert [score.sum(), (score * data["x"]).sum()] == pytest.approx([0.0, 0.0], abs=1e-4)
    assert score.groupby(data["g"]).sum().to_numpy() == pytest.approx(effects.to_numpy() / 0.09, abs=1e-4)


def test_penalised_quasi_likelihood_solves_its_equations():
    found = bm.approximate("herd", CBPP, method="pql")
    assert found.log_likelihood is None
    assert found.aic is None
    beta, sd = found.estimates["beta[Intercept]"], found.estimates["sd_herd[Intercept]"]
    effects = found.effects.set_index("level")["estimate"]
    herd = CBPP["herd"].astype(str)
    eta = beta + effects.loc[herd].to_numpy()
    mean = special.expit(eta)
    weight = CBPP["size"].to_numpy() * mean * (1 - mean)
    working = eta + (CBPP["incidence"].to_numpy() - CBPP["size"].to_numpy() * mean) / weight
    same = herd.to_numpy()[:, None] == herd.to_numpy()

    def minus_log_density(at):
        return -stats.multivariate_normal(np.full(56, at[0]), np.diag(1 / weight) + np.exp(2 * at[1]) * same).logpdf(
            working
        )

    best = optimize.minimize(minus_log_density, [beta, np.log(sd)], tol=1e-10)
    assert best.x == pytest.approx([beta, np.log(sd)], abs=2e-4)


def test_extreme_data_end_in_a_result():
    data = pd.DataFrame({"x": np.linspace(-1, 1, 40), "g": np.repeat(list("abcdefgh"), 5)})
    exact = bm.approximate("y ~ x + (1 | g)", data.assign(y=1 + 2 * data["x"]))
    assert exact.estimates["beta[x]"] == pytest.approx(2.0)
    noise = np.random.default_rng(6).gamma(2.0, size=40)
    plain, huge = (
        bm.approximate("y ~ x + (x | g)", data.assign(y=noise * unit, x=data["x"] * unit), family="gamma", method="agq")
        for unit in (1.0, 1e30)
    )
    assert huge.log_likelihood == pytest.approx(plain.log_likelihood - 40 * np.log(1e30), abs=1e-3)


@pytest.mark.parametrize(
    ("formula", "options", "asked", "words"),
    [
        ("y ~ x + (1 | g)", {}, {"method": "lapalce"}, "Did you mean 'laplace'"),
        ("y ~ x + (1 | g) + (1 | h)", {"crossed": ["h"]}, {"method": "agq"}, "Take method='laplace'"),
        ("y ~ x + (1 | g) + (1 | h)", {"crossed": ["h"]}, {"method": "mc"}, "Take method='laplace'"),
        ("y ~ s(x)", {}, {"method": "agq"}, "Take method='laplace'"),
        ("n ~ x + (1 | g)", {"family": "poisson"}, {"restricted": True}, "Gaussian models"),
        ("y ~ x + (1 | g)", {}, {"restricted": True, "method": "agq"}, "method='laplace'"),
        ("n ~ x + (1 | g)", {"family": "negbin"}, {"method": "pql"}, "Take method='laplace'"),
        ("y ~ x + (1 | g)", {"sigma": "~ (1 | g)"}, {}, "Effects on 'sigma'"),
        ("y ~ x + (x | g)", {"priors": {"corr_g": 0.3}}, {}, "fixed by a number"),
        ("y ~ x + (1 | g)", {}, {"method": "mc", "draws": 1}, "at least two draws"),
        ("y ~ x + (1 | g)", {}, {"method": "agq", "points": 400}, "more than 100"),
    ],
)
def test_what_a_method_cannot_do_is_refused_with_what_can(formula, options, asked, words):
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=60), "y": rng.normal(size=60), "n": rng.poisson(3, 60)})
    data = data.assign(g=np.tile(list("abcdef"), 10), h=np.repeat(list("uvwxy"), 12))
    with pytest.raises(bm.SpecError, match=words):
        bm.approximate(formula, data, **options, **asked)


def test_models_without_effects_are_fitted_by_maximum_likelihood():
    found = bm.approximate("incidence | trials(size) ~ period", CBPP, family="binomial")
    p = CBPP.groupby(CBPP["period"].astype(str))[["incidence", "size"]].sum()
    rate = p["incidence"] / p["size"]
    assert found.estimates["beta[Intercept]"] == pytest.approx(special.logit(rate.iloc[0]), abs=1e-6)
    counts = stats.binom(CBPP["size"], rate.loc[CBPP["period"].astype(str)].to_numpy()).logpmf(CBPP["incidence"])
    assert found.log_likelihood == pytest.approx(counts.sum(), abs=1e-7)
    assert found.effects.empty
