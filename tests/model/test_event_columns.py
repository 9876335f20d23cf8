"""Missing events summed out of the density of a row, and drawn afterwards, against sums in NumPy and exact posteriors."""

from itertools import product

import numpy as np
import pytest
from fixed_draws import fit_at
from incomplete import incomplete_table, quietly
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.design.latent_columns import event_patterns
from bayesmixed.draws.event_draws import draw_events

EVENT = {"formula": "~ z", "family": "bernoulli"}


def events_table():
    """Return rows with two columns of events, a and b, of which some are missing, a few in one row."""
    data = incomplete_table(24)
    generator = np.random.default_rng(5)
    data["a"], data["b"] = (generator.integers(0, 2, 24).astype(float) for _ in "ab")
    data.loc[[1, 5, 9, 10], "a"] = np.nan
    data.loc[[5, 12], "b"] = np.nan
    return data


@pytest.mark.slow
@pytest.mark.parametrize("family", ["gaussian", "negbin", "skew_normal"])
def test_rows_are_mixtures_over_their_missing_events(family):
    data = events_table()
    if family == "negbin":
        data["y"] = np.arange(24) % 5
    design = quietly(
        "y ~ mi(a) * z + mi(b)", data, family=family, impute={"a": EVENT, "b": {**EVENT, "formula": "~ 1"}}
    )
    model = bm.build(design)
    at, generator = dict(model.initial_point()), np.random.default_rng(3)
    at = {name: np.asarray(value) + 0.3 * generator.normal(size=np.shape(value)) for name, value in at.items()}
    scalars = list(design.numbers)
    names = ["beta", "beta_of_a", "beta_of_b", *scalars]
    outputs = model.replace_rvs_by_values([model[name] for name in names])
    logp, *found = model.compile_fn([model.logp(sum=True), *outputs], mode="FAST_COMPILE")(at)
    values = dict(zip(names, found, strict=True))
    prior = float(model.compile_fn(model.logp(vars=model.free_RVs, sum=True), mode="FAST_COMPILE")(at))

    labels = dict(zip(design.mu.population.labels, values["beta"], strict=True))
    z, y = data["z"].to_numpy(), data["y"].to_numpy(dtype=float)
    chance = {
        "a": special.expit(values["beta_of_a"] @ [np.ones(24), z]),
        "b": special.expit(values["beta_of_b"][0] * np.ones(24)),
    }
    expected = 0.0
    for row in range(24):
        terms = []
        for a, b in product((0, 1), repeat=2):
            if any(data[name][row] == 1 - event for name, event in (("a", a), ("b", b))):
                continue
            eta = labels["Intercept"] + labels["mi(a)"] * a + labels["z"] * z[row] + labels["mi(b)"] * b
            eta += labels["mi(a):z"] * a * z[row]
            own = {name: float(values[name]) for name in scalars}
            own["mu"] = float(design.mu.link.inverse(np.array(eta)))
            events = np.log(chance["a"][row] if a else 1 - chance["a"][row]) + np.log(
                chance["b"][row] if b else 1 - chance["b"][row]
            )
            terms.append(events + float(design.family.logp(y[row], own, 1.0)))
        expected += special.logsumexp(terms)
    assert float(logp) - prior == pytest.approx(expected, rel=1e-9)


def test_events_of_a_row_are_drawn_together_from_their_distribution():
    data = events_table()
    design = quietly("y ~ mi(a) + mi(b)", data, impute={"a": EVENT, "b": EVENT})
    assert [(one.columns, one.rows.tolist()) for one in event_patterns(design)] == [
        (("b",), [12]),
        (("a",), [1, 9, 10]),
        (("a", "b"), [5]),
    ]
    values = {"beta": [2.0, 1.0, -1.5], "sigma": 1.0, "beta_of_a": [0.3, 0.5], "beta_of_b": [-0.4, 0.2]}
    fit = fit_at(design, values, draws=4000)
    posterior = fit.posterior.drop_vars(["imputed_a", "imputed_b"])
    drawn = draw_events(design, posterior, np.random.default_rng(1))
    assert drawn["imputed_a"].dims == ("chain", "draw", "imputed_a_row")
    assert drawn["imputed_a"]["imputed_a_row"].values.tolist() == [1, 5, 9, 10]
    a, b = drawn["imputed_a"].values[..., 1].ravel(), drawn["imputed_b"].values[..., 0].ravel()
    z, y = data["z"][5], data["y"][5]
    chance = special.expit([0.3 + 0.5 * z, -0.4 + 0.2 * z])
    pairs = [*product((0, 1), repeat=2)]
    weights = [
        (chance[0] if one else 1 - chance[0])
        * (chance[1] if two else 1 - chance[1])
        * stats.norm.pdf(y, 2 + one - 1.5 * two)
        for one, two in pairs
    ]
    expected = np.array(weights) / np.sum(weights)
    found = [np.mean((a == one) & (b == two)) for one, two in pairs]
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(0.25 / len(a)))


@pytest.mark.slow
def test_a_posterior_with_missing_events_is_that_of_quadrature():
    generator = np.random.default_rng(2)
    x = generator.integers(0, 2, 40).astype(float)
    y = 1.0 + 2.0 * x + generator.normal(size=40)
    x[:14] = np.nan
    priors = {"beta[Intercept]": "Normal(0, 3)", "beta[mi(x)]": "Normal(0, 3)", "sigma": 1.0}
    spec = bm.from_formula("y ~ mi(x)", impute={"x": {"formula": "~ 1", "family": "bernoulli"}}, priors=priors)
    fit = bm.fit(spec, {"y": y, "x": x}, seed=1, draws=1000, chains=4, progress=False)
    grid = np.stack(
        np.meshgrid(np.linspace(-1, 3, 81), np.linspace(0, 4, 81), np.linspace(0.05, 0.95, 91), indexing="ij")
    )
    intercept, slope, p = grid
    chance = p[..., None]
    one, zero = (stats.norm.pdf(y[:14], (intercept + k * slope)[..., None]) for k in (1, 0))
    mixed = chance * one + (1 - chance) * zero
    known = stats.norm.logpdf(y[14:], intercept[..., None] + slope[..., None] * x[14:]).sum(axis=-1)
    logs = np.log(mixed).sum(axis=-1) + known + x[14:].sum() * np.log(p) + (26 - x[14:].sum()) * np.log(1 - p)
    prior = fit.design.latent[0].design.priors["beta_of_x[Intercept]"].prior
    eta = special.logit(p)
    logs += (
        stats.norm.logpdf(intercept, 0, 3)
        + stats.norm.logpdf(slope, 0, 3)
        + prior.frozen().logpdf(eta)
        - np.log(p * (1 - p))
    )
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    beta = fit.posterior["beta"].values.reshape(-1, 2)
    for column, values in enumerate((intercept, slope)):
        mean = np.sum(weights * values)
        sd = np.sqrt(np.sum(weights * (values - mean) ** 2))
        assert beta[:, column].mean() == pytest.approx(mean, abs=0.1 * sd)
        assert beta[:, column].std() == pytest.approx(sd, rel=0.1)
    event = np.einsum("ijk,ijkn->n", weights, chance * one / mixed)
    drawn = fit.posterior["imputed_x"].values
    assert set(np.unique(drawn)) == {0.0, 1.0}
    np.testing.assert_allclose(drawn.mean(axis=(0, 1)), event, atol=0.04)
    assert np.isfinite(bm.loo(fit, unit="observation").elpd)
    assert bm.imputations(fit).table["mean"].between(0, 1).all()
