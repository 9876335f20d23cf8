"""Terms of related levels: formulas, and the model against one written by hand."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from gaussian_models import density, log_priors
from model_densities import log_density
from scipy import stats

import bayesmixed as bm
from bayesmixed.design.independent_levels import with_independent_levels
from bayesmixed.equations import write_equations
from bayesmixed.errors import DataError, SpecError, StatisticsWarning
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed
from bayesmixed.kernels.joint.compiled import evaluate
from bayesmixed.kernels.joint.layouts import lay_out_coordinates
from bayesmixed.kernels.joint.packed_designs import pack
from bayesmixed.spec.files import spec_from_toml
from bayesmixed.spec.parsing import parse_terms

LEVELS = ["s1", "s2", "s3", "s4", "s5", "s6"]
GRAPH = [("s1", "s2"), ("s2", "s3"), ("s3", "s1"), ("s4", "s3"), ("s5", "s6"), ("s6", "s1")]
PRIORS = {"beta": "Normal(0, 1)", "beta[Intercept]": "Normal(0, 2)", "sigma": "HalfNormal(1)"}


def known(seed=4, extra=("s10", "s11")):
    labels = [*extra, *LEVELS[::-1]]
    root = np.random.default_rng(seed).normal(size=(len(labels), len(labels)))
    matrix = root @ root.T + np.eye(len(labels))
    scale = np.sqrt(np.linspace(0.7, 1.6, len(labels)) / np.diagonal(matrix))
    matrix *= scale[:, None] * scale
    return pd.DataFrame(matrix, index=labels, columns=labels)


def table(rows=60, seed=5):
    rng = np.random.default_rng(seed)
    made = {"g": np.array(LEVELS)[rng.integers(0, 6, rows)], "x": rng.normal(size=rows), "y": rng.normal(size=rows)}
    return pd.DataFrame(made | {"count": rng.poisson(3.0, rows)})


def prepared(formula="y ~ x + (1 | gr(g, cov=A))", **options):
    return bm.prepare(formula, table(), **({"known": {"A": known()}} | options))


def by_hand(design, effects, sd, sigma, beta):
    """Return the log-density of responses, effects and parameters, with a dense normal distribution of all effects."""
    data = table()
    a = known().loc[LEVELS, LEVELS].to_numpy()
    own = effects[[LEVELS.index(g) for g in data["g"]]]
    eta = beta[0] + beta[1] * data["x"] + own[:, 0] + (own[:, 1] * data["x"] if effects.shape[1] > 1 else 0.0)
    found = stats.norm(eta, sigma).logpdf(data["y"]).sum() + stats.halfnorm.logpdf(sigma)
    found += stats.multivariate_normal(np.zeros(effects.size), np.kron(a, sd)).logpdf(effects.ravel())
    return found + stats.norm([0, 0], [2, 1]).logpdf(beta).sum()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("(1 | gr(g, cov=A))", None),
        ("(1 + x || gr(g, prec=Q))", None),
        ("(0 + x | gr(a:`b c`, graph=W))", None),
        ("(1 | gr(g, cov=A, name=phylo))", None),
        ("(x|gr( g ,cov = A ))", "(1 + x | gr(g, cov=A))"),
    ],
)
def test_formulas_are_read_and_written(text, written):
    (_, term) = parse_terms(text)
    assert str(term) == (written or text)
    assert isinstance(term, bm.Related)
    assert parse_terms(str(term))[1] == term


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(1 | gr(g))", "takes a factor and one relation"),
        ("(1 | gr(g, cov=A, prec=Q))", "takes a factor and one relation"),
        ("(1 | gr(g, h, cov=A))", "takes a factor and one relation"),
        ("(1 | gr(g, level=f))", "option 'level' is not known. Accepted: cov, prec, graph, name"),
        ("(1 | gr(g, cov=A, name=a.b))", "is not a name for results"),
        ("bym2(g)", "takes a factor and a graph of its levels"),
        ("x:bym2(g, W)", "is a term of its own"),
        ("bym2(g, W, scale=T)", "option 'scale' is not known"),
        ("(1 | gr(g, cov=A + B))", "is not a name for a relation"),
        ("(1 | gr(a*b, cov=A))", "is not a column name"),
        ("(1 |p| gr(g, cov=A))", "letters tie terms of independent levels"),
        ("gr(g, cov=A)", "is the group of a bar"),
        ("(1 | gr(g, cov=A):h)", "is the group of a bar"),
        ("ar1(0 + x | gr(g, cov=A))", "is the group of a bar"),
    ],
)
def test_other_calls_are_refused(text, said):
    with pytest.raises(SpecError, match=said):
        parse_terms(text)


@pytest.mark.parametrize("parameterisation", ["centred", "noncentred"])
def test_the_pymc_model_is_the_one_written_by_hand(parameterisation):
    design = prepared(priors={**PRIORS, "sd_g": "HalfNormal(1)"})
    model, (block,) = bm.build(design, parameterisation={"b_g": parameterisation}), design.mu.groups
    assert np.allclose(block.root @ block.root.T, known().loc[LEVELS, LEVELS])
    rng, differences = np.random.default_rng(1), []
    for sd in (0.4, 0.9, 1.7):
        free, beta, scale = rng.normal(size=(6, 1)), rng.normal(size=2), sd if parameterisation == "noncentred" else 1.0
        name = "z_g" if parameterisation == "noncentred" else "independent_b_g"
        value = log_density(model, {"beta": beta, "sd_g": [sd], name: free, "sigma": 1.3})
        expected = by_hand(design, block.from_independent(scale * free), np.eye(1) * sd**2, 1.3, beta)
        expected += stats.halfnorm.logpdf(sd) + 6 * np.log(scale)
        differences.append(value - expected)
    # The volume of the root alone.
    assert np.allclose(differences, np.linalg.slogdet(block.root)[1], atol=1e-9)


@pytest.mark.parametrize(
    "formula", ["y ~ x + (x | gr(g, cov=A))", "y ~ x + (x || gr(g, cov=A))", "count ~ (1 | gr(g, cov=A))"]
)
def test_the_compiled_density_is_that_of_independent_levels_and_their_root(formula):
    family = "poisson" if "count" in formula else "gaussian"
    design = prepared(formula, family=family)
    working, (block,) = with_independent_levels(design), design.mu.groups
    (own,) = working.mu.groups
    layout = lay_out_coordinates(working, {working.mu.b(own): np.ones(6, dtype=bool)})
    packed, (term,) = pack(layout), layout.predictors["mu"].terms
    rng, x, compared = np.random.default_rng(3), np.zeros(layout.dimension), []
    x[term.sd.places] = np.log(0.6)
    for _ in range(3):
        free = rng.normal(size=own.shape)
        x[term.effects] = free.ravel()
        eta = block.contribution(block.from_independent(free))
        y = design.response
        rows = stats.poisson(np.exp(eta)).logpmf(y) if family == "poisson" else stats.norm(eta, 1).logpdf(y)
        value, gradient = evaluate(packed, x)
        compared.append(value - rows.sum() - stats.norm(0, 0.6).logpdf(free).sum())
        direction = rng.normal(size=len(x))
        ahead, behind = (evaluate(packed, x + sign * 1e-5 * direction)[0] for sign in (1, -1))
        assert (ahead - behind) / 2e-5 == pytest.approx(gradient @ direction, rel=1e-6, abs=1e-5)
    assert np.ptp(compared) < 1e-8


@pytest.mark.parametrize("form", ["cov", "prec", "graph"])
def test_the_collapsed_density_is_the_closed_form_of_the_marginal_likelihood(form):
    given = known(extra=()) if form == "cov" else np.linalg.inv(known(extra=()))
    given = GRAPH if form == "graph" else given
    given = (given, known(extra=()).index) if form == "prec" else given
    design = prepared(f"y ~ x + (1 | gr(g, {form}=A))", known={"A": given}, priors=PRIORS)
    collapsed = lay_out_collapsed(with_independent_levels(design))
    a = design.mu.groups[0].level_covariances
    z, x = design.mu.groups[0].indicators(), design.mu.population.matrix
    for point in np.random.default_rng(2).normal(size=(4, 2)):
        sd, sigma = np.exp(point)  # both on log scales
        covariance = x @ np.diag([4.0, 1.0]) @ x.T + sd**2 * z @ a @ z.T + sigma**2 * np.eye(60)
        expected = stats.multivariate_normal(np.zeros(60), covariance).logpdf(design.response)
        assert density(collapsed, point)[0] == pytest.approx(expected + log_priors(collapsed, point), rel=1e-8)


def test_bym2_is_an_effect_of_each_area_and_one_of_neighbours():
    spec = bm.from_formula("y ~ x + bym2(g, W)")
    assert spec.formula == "y ~ 1 + x + (1 | g) + (1 | gr(g, graph=W, name=g_spatial))"
    assert spec.update("~ . - bym2(g, W)").formula == "y ~ 1 + x"
    design = prepared("y ~ x + bym2(g, W)", known={"W": GRAPH}, priors=PRIORS)
    assert [block.name for block in design.mu.groups] == ["g", "g_spatial"]
    for outlined in (spec, design):
        text = write_equations(outlined)
        assert "g_i + g_spatial_i" in text
        assert "g_spatial ~ N(0, σ²_g_spatial·W)" in text
        assert text.count("i for") == 1
    collapsed = lay_out_collapsed(with_independent_levels(design))
    z, x, a = design.mu.groups[0].indicators(), design.mu.population.matrix, design.mu.groups[1].level_covariances
    kept, terms = list(collapsed.kept), collapsed.full.predictors["mu"].terms
    places = {term.placement.group.name: kept.index(term.sd.places[0]) for term in terms}
    (last,) = {0, 1, 2} - {*places.values()}
    for point in np.random.default_rng(2).normal(size=(3, 3)):
        both = np.exp(2 * point[places["g"]]) * np.eye(6) + np.exp(2 * point[places["g_spatial"]]) * a
        covariance = x @ np.diag([4.0, 1.0]) @ x.T + z @ both @ z.T + np.exp(2 * point[last]) * np.eye(60)
        expected = stats.multivariate_normal(np.zeros(60), covariance).logpdf(design.response)
        assert density(collapsed, point)[0] == pytest.approx(expected + log_priors(collapsed, point), rel=1e-8)


def test_the_sd_of_both_effects_and_the_share_of_neighbours_are_reported():
    design = prepared("y ~ x + bym2(g, W)", known={"W": GRAPH})
    fit = fit_at(design, {"sd_g": 0.3, "sd_g_spatial": 0.4, "sigma": 1.0})
    found = bm.variance_components(fit).query("term == 'g + g_spatial'").set_index("quantity")["mean"]
    assert found["sd"] == pytest.approx(0.5)
    assert found["rho"] == pytest.approx(0.64)
    shares = bm.icc(fit).query("effect == 'share'").set_index("term")["mean"]
    near = design.mu.groups[1]
    own, spatial = 0.09, 0.16 * np.mean(np.diagonal(near.level_covariances)[near.index])
    assert shares["g_spatial"] == pytest.approx(spatial / (own + spatial + 1.0), rel=1e-9)
    together = bm.icc(fit).query("effect == 'icc'")["mean"].max()
    assert together == pytest.approx((own + spatial) / (own + spatial + 1.0), rel=1e-9)


def test_effects_of_the_same_groups_need_covariances_that_differ():
    assert len(prepared("y ~ (1 | g) + (1 | gr(g, cov=A, name=related))").mu.groups) == 2
    same = {"A": known(), "B": known() * 1.3, "I": (1.3 * np.eye(6), LEVELS)}
    for formula in ("(1 | g) + (1 | gr(g, cov=I, name=own))", "(1 | gr(g, cov=A)) + (1 | gr(g, cov=B, name=b))"):
        with pytest.raises(DataError, match="make the same groups"):
            prepared(f"y ~ {formula}", known=same)
    with pytest.raises(SpecError, match="'x' is a column of the data"):
        prepared("y ~ (1 | gr(g, cov=A, name=x))")


def test_a_relation_that_is_not_handed_over_is_asked_for():
    with pytest.raises(DataError, match=r'Hand it over by its name: known=\{"A": table\}'):
        bm.prepare("y ~ (1 | gr(g, cov=A))", table())
    with pytest.raises(DataError, match=r"needs the relation 'A' \(given: B\)"):
        bm.prepare("y ~ (1 | gr(g, cov=A))", table(), known={"B": known()})


def test_the_same_factor_without_a_relation_needs_another_name():
    for formula in ("y ~ (1 | g) + (1 | gr(g, cov=A))", "y ~ (1 | gr(g, cov=A)) + (0 + x | g)"):
        with pytest.raises(SpecError, match="name=related"):
            prepared(formula)


def test_the_scale_parts_and_islands_are_pointed_out():
    with pytest.warns(StatisticsWarning, match=r"Variances in cov=A are from .* to .*: the SD of 'g'"):
        prepared(known={"A": known() * 9})
    graph = {"s1": ["s2"], "s3": ["s4"], "s4": ["s5"], "s6": []}
    with pytest.warns(StatisticsWarning) as said:
        prepared("y ~ x + (1 | gr(g, graph=W))", known={"W": graph})
    texts = " ".join(str(one.message) for one in said)
    assert "graph=W has 2 connected parts (3, 2 levels)" in texts
    assert "graph=W: s6 has no neighbours" in texts
    report = bm.check_data("y ~ x + (1 | gr(g, graph=W))", table(), known={"W": graph})
    assert "2 connected parts" in str(report)
    assert "no label for 's3', 's4', 's5', 's6'" in str(
        bm.check_data("y ~ (1 | gr(g, graph=W))", table(), known={"W": [("s1", "s2")]})
    )


def test_equations_show_the_relation():
    assert "b ~ N(0, σ²_g·A)" in write_equations(bm.from_formula("y ~ x + (1 | gr(g, cov=A))"))
    assert "b ~ N(0, σ²_g·A)" in write_equations(prepared())
    assert "A_ij times it" in write_equations(prepared("y ~ x + (x | gr(g, cov=A))"))


def test_calls_of_brms_are_translated():
    call = "brm(y ~ x + (1 | gr(species, cov = A)), data = d, data2 = list(A = A))"
    assert bm.from_r(call).formula == "y ~ 1 + x + (1 | gr(species, cov=A))"
    for kind, text in {"icar": "(1 | gr(area, graph=W))", "bym2": "bym2(area, W)"}.items():
        found = bm.from_r(f'brm(y ~ x + car(W, gr = area, type = "{kind}"), data = d, data2 = list(W = W))')
        assert found == bm.from_formula(f"y ~ x + {text}")
    with pytest.raises(SpecError, match=r"bym2\(region, W\)"):
        bm.from_r("brm(y ~ x + car(W, gr = area))")


def test_a_file_can_name_the_table_of_a_relation(tmp_path):
    known().to_csv(tmp_path / "A.csv", index_label="id")
    text = f'formula = "y ~ x + (1 | gr(g, cov=A))"\n[known]\nA = "{(tmp_path / "A.csv").as_posix()}"\n'
    spec = spec_from_toml(text)
    assert spec.known["A"].labels == tuple(known().index)
    assert np.allclose(
        bm.prepare(spec, table()).mu.groups[0].level_covariances, prepared().mu.groups[0].level_covariances
    )


def test_models_of_missing_values_take_relations():
    data = table().assign(x=lambda rows: rows["x"].where(rows.index > 2))
    design = bm.prepare("y ~ mi(x)", data, impute={"x": "~ 1 + (1 | gr(g, graph=W))"}, known={"W": GRAPH})
    (latent,) = design.latent
    assert latent.design.mu.groups[0].root.shape == (6, 5)
    assert {"z_g_of_x", "independent_b_g_of_x"} & {variable.name for variable in bm.build(design).free_RVs}
