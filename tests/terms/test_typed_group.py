"""Groups of several types: formulas, and the model against one written by hand."""

import numpy as np
import pandas as pd
import pytest
from model_densities import log_density
from scipy import stats
from typed_groups import SDS, fitted, table

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError
from bayesmixed.spec.parsing import parse_terms


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("(1 | gr(g, by=f))", None),
        ("(1 + x || gr(g, by=f))", None),
        ("(x|gr( a:`b c` ,by = f ))", "(1 + x | gr(a:`b c`, by=f))"),
    ],
)
def test_formulas_are_read_and_written(text, written):
    (_, term) = parse_terms(text)
    assert str(term) == (written or text)
    assert isinstance(term, bm.TypedGroup)
    assert parse_terms(str(term))[1] == term


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(1 | gr(g, cov=A, by=f))", "takes a factor and its types alone"),
        ("(1 |p| gr(g, by=f))", "letters tie terms of groups of one type"),
        ("(1 | gr(g, by=f + h))", "is not a column name|one column"),
        ("(1 | gr(g, by=g))", "Leave by= out"),
        ("ar1(0 + x | gr(g, by=f))", "is the group of a bar"),
    ],
)
def test_other_calls_are_refused(text, said):
    with pytest.raises(SpecError, match=said):
        parse_terms(text)


def test_the_pymc_model_is_the_one_written_by_hand():
    priors = {"beta": "Normal(0, 1)", "beta[Intercept]": "Normal(0, 2)", "sigma": 1.3, "sd_g": "HalfNormal(1)"}
    data = table()
    design = bm.prepare("y ~ x + (1 + x || gr(g, by=f))", data, priors=priors)
    assert design.mu.groups[0].labels == ("f[a]", "f[a]:x", "f[b]", "f[b]:x")
    rng, differences = np.random.default_rng(1), []
    model = bm.build(design, parameterisation={"b_g": "centred"})
    own = 2 * (data["f"] == "b").to_numpy()
    g = data["g"].str[1:].astype(int).to_numpy()
    for _ in range(3):
        b, beta, sd = rng.normal(size=(12, 4)), rng.normal(size=2), rng.uniform(0.2, 2.0, 4)
        value = log_density(model, {"beta": beta, "sd_g": sd, "b_g": b})
        # A group has effects of its own type; those of the other are drawn from their distribution and touch no row.
        eta = beta[0] + beta[1] * data["x"] + b[g, own] + b[g, own + 1] * data["x"]
        expected = stats.norm(eta, 1.3).logpdf(data["y"]).sum() + stats.norm(0, sd).logpdf(b).sum()
        expected += stats.norm([0, 0], [2, 1]).logpdf(beta).sum() + stats.halfnorm.logpdf(sd).sum()
        differences.append(value - expected)
    assert np.allclose(differences, 0.0, atol=1e-8)


def test_default_priors_are_those_at_the_means_and_do_not_depend_on_the_origin():
    data = table()
    one, moved = (bm.prepare("y ~ x + (1 + x | gr(g, by=f))", data.assign(x=data["x"] + by)) for by in (0.0, 100.0))
    (first,), (second,) = one.mu.groups, moved.mu.groups
    assert np.allclose(first.centred_matrix, second.centred_matrix)
    assert {key: str(entry.prior) for key, entry in one.priors.items() if "sd" in key} == {
        key: str(entry.prior) for key, entry in moved.priors.items() if "sd" in key
    }
    assert str(one.priors["sd_g[f[a]]"].prior).startswith("HalfNormal")  # four levels
    assert str(one.priors["sd_g[f[b]]"].prior).startswith("HalfStudentT")
    plain = bm.prepare("y ~ x + (1 + x | g)", data).mu.groups[0]
    assert np.allclose(first.centred_matrix[:, :2] + first.centred_matrix[:, 2:], plain.centred_matrix)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda data: data.assign(f=np.where(data.index == 7, "a", data["f"])),
            "Level 'g1' of 'g' has rows with f 'a'",
        ),
        (lambda data: data.assign(f="a"), "is 'a' in all rows"),
        (lambda data: data.assign(f=np.where(data["g"] == "g3", "c", data["f"])), "One level of 'g' has f 'c'"),
        (lambda data: data.drop(columns="f"), "Column 'f'"),
    ],
)
def test_types_that_the_rows_do_not_allow_are_refused(change, said):
    with pytest.raises((DataError, SpecError), match=said):
        bm.prepare("y ~ x + (1 | gr(g, by=f))", change(table()))


def test_an_sd_for_all_types_beside_those_of_each_is_refused():
    with pytest.raises(SpecError, match="cannot be told apart"):
        bm.prepare("y ~ x + (1 | gr(g, by=f)) + (0 + x | g)", table())
    joined = bm.prepare("y ~ x + (1 | gr(g, by=f)) + (0 + x | gr(g, by=f))", table())
    assert joined.mu.groups[0].labels == ("f[a]", "f[b]", "f[a]:x", "f[b]:x")
    again = bm.prepare(joined.spec, table().iloc[::-1], like=joined).mu.groups[0]
    assert np.allclose(again.centred_matrix[::-1], joined.mu.groups[0].centred_matrix)


def test_numbers_can_be_types():
    design = bm.prepare("y ~ x + (1 | gr(g, by=f))", table().assign(f=lambda data: (data["f"] == "b").astype(float)))
    assert design.mu.groups[0].labels == ("f[0]", "f[1]")
    assert "f" not in design.table.levels


def test_shares_of_variance_are_those_of_the_mean_over_the_rows():
    found = bm.icc(fitted(jitter=1e-9))
    mean = SDS**2 @ [1 / 3, 2 / 3]
    assert found.loc[found["effect"] == "icc", "mean"].item() == pytest.approx(mean / (mean + 1.0), rel=1e-6)


def test_brms_types_are_translated():
    call = "brm(y ~ f + (1 + x | gr(g, by = f)), data = d)"
    assert bm.from_r(call).formula == "y ~ 1 + f + (1 + x | gr(g, by=f))"


def test_a_saved_fit_has_its_types(tmp_path):
    fit = fitted("y ~ f + x + (1 + x | gr(g, by=f))")
    again = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    (old,), (new,) = fit.design.mu.groups, again.design.mu.groups
    assert np.array_equal(old.type_of, new.type_of)
    assert np.allclose(old.centred_matrix, new.centred_matrix)
    assert bm.shrinkage(again)["factor"].equals(bm.shrinkage(fit)["factor"])


@pytest.mark.slow
def test_an_engine_recovers_the_sds_of_both_types():
    generator = np.random.default_rng(5)
    g = np.repeat(np.arange(60), 6)
    kind = np.where(g % 2 == 0, "a", "b")
    effects = generator.normal(size=60) * np.where(np.arange(60) % 2 == 0, 0.4, 2.0)
    data = pd.DataFrame({"g": [f"g{k}" for k in g], "f": kind, "y": effects[g] + generator.normal(size=360)})
    for engine in ("collapsed", "kernel"):
        fit = bm.fit("y ~ f + (1 | gr(g, by=f))", data, seed=1, chains=2, draws=300, engine=engine, progress=False)
        sds = fit.posterior["sd_g"].mean(("chain", "draw")).values
        assert np.allclose(sds, [0.4, 2.0], rtol=0.4)
