"""Hierarchical centring: which term is centred where, and that the model stays the same."""

import numpy as np
import pytest
from conftest import classic

import bayesmixed as bm
from bayesmixed.design.centring import HIERARCHICAL, NONCENTRED, place_groups, remaining_columns

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")

SLEEP = classic("lme4", "sleepstudy")
NESTED = {
    "y": np.arange(48) % 7,
    "x": np.arange(48) % 5 - 1.0,
    "region": np.repeat(list("abcd"), 12),
    "school": np.repeat([f"s{i}" for i in range(8)], 6),
    "room": np.repeat([f"r{i}" for i in range(24)], 2),
    "item": np.tile(list("pqrs"), 12),
    "urban": np.repeat(["no", "yes", "yes", "no"], 12),
    "size": np.repeat([0.3, -1.2, 0.7, 2.0, -0.5, 0.1, 1.1, -0.8], 6),
    "weight": np.tile([0.5, -0.4, 1.2, 0.1], 12),
}

MODELS = [
    ("Reaction ~ Days + (Days | Subject)", SLEEP, "gaussian"),
    ("Reaction ~ Days + (Days || Subject)", SLEEP, "gaussian"),
    ("Reaction ~ Days + (0 + Days | Subject)", SLEEP, "gaussian"),
    ("Reaction ~ Days + (1 | Subject)", SLEEP, "gaussian"),
    ("Reaction ~ 1 + (Days | Subject)", SLEEP, "gaussian"),
    ("Reaction ~ 0 + Days + (1 | Subject)", SLEEP, "gaussian"),
    ("y ~ x + (1 | region) + (1 | school) + (1 | room)", NESTED, "poisson"),
    ("y ~ x + (1 | region/school) + (1 | item) + obs()", NESTED, "poisson"),
    ("y ~ x + (1 | school) + (1 | room) + (1 | item)", NESTED, "gaussian"),
    ("y ~ x + (x | school) + (1 | room)", NESTED, "gaussian"),
    ("y ~ x + (1 | item) + (0 + x | item)", NESTED, "gaussian"),
    ("y ~ x + urban + size + (1 | region/school) + (1 | item)", NESTED, "poisson"),
    ("y ~ x * size + (x | school)", NESTED, "gaussian"),
    ("y ~ x * size + I(x**2) + (x | school) + (1 | item)", NESTED, "gaussian"),
    ("y ~ 0 + urban + weight + (1 | school) + (1 | item)", NESTED, "gaussian"),
]


def log_density(model, point):
    """Return the joint log-density at a point of the constrained space, without Jacobians."""
    values = {model.rvs_to_values[variable].name: point[variable.name] for variable in model.free_RVs}
    return float(model.compile_logp(jacobian=False, mode="FAST_COMPILE")(_unconstrained(model, values)))


def _unconstrained(model, values):
    moved = {}
    for variable in model.free_RVs:
        name = model.rvs_to_values[variable].name
        transform = model.rvs_to_transforms[variable]
        value = np.asarray(values[name], dtype=float)
        moved[name] = value if transform is None else transform.forward(value, *variable.owner.inputs).eval()
    return moved


@pytest.mark.parametrize("way", [HIERARCHICAL, NONCENTRED])
@pytest.mark.parametrize(("formula", "data", "family"), MODELS)
def test_the_joint_density_is_the_same_for_every_parameterisation(formula, data, family, way):
    import pymc as pm

    design = bm.prepare(bm.from_formula(formula, family=family), data)
    ways = {predictor.b(group): way for predictor, group in design.group_blocks()}
    moved, plain = bm.build(design, parameterisation=ways), bm.build(design)
    generator = np.random.default_rng(1)
    point = {}
    for variable in moved.free_RVs:
        shape = tuple(variable.shape.eval())
        positive = variable.name.startswith(("sd_", "centred_sd_", "sigma"))
        size = (
            generator.uniform(0.3, 0.8, shape)
            if positive or "partial" in variable.name
            else generator.normal(size=shape)
        )
        point[variable.name] = 0.4 * size if not (positive or "partial" in variable.name) else size
    inputs = list(moved.free_RVs)
    names = [variable.name for variable in moved.deterministics]
    compiled = pm.compile(inputs, moved.deterministics, mode="FAST_COMPILE", on_unused_input="ignore")
    found = dict(zip(names, compiled(*(point[variable.name] for variable in inputs)), strict=True))
    target = dict(point)
    jacobian = 0.0
    for predictor, group in design.group_blocks():
        written = found.get(predictor.b(group))
        inverse = np.linalg.inv(group.transform)
        mark = "centred_" if group.centred else ""
        target[f"{mark}{predictor.b(group)}"] = written @ inverse.T
        if way == NONCENTRED:
            sd = point[f"{mark}{predictor.sd(group)}"]
            corr = found.get(predictor.corr(group))
            scale = np.sum(np.log(sd))
            if corr is not None:
                sds = found.get(predictor.sd(group), sd)
                covariance = inverse @ (sds[:, None] * corr * sds) @ inverse.T
                scale = 0.5 * np.linalg.slogdet(covariance)[1]
            jacobian += len(group.levels) * scale
    assert log_density(moved, point) - jacobian == pytest.approx(log_density(plain, target), rel=1e-9)


def test_chains_of_nested_factors_are_centred_on_each_other():
    design = bm.prepare("y ~ x + (1 | region) + (1 | school) + (1 | room) + (1 | item)", NESTED)
    ways = {predictor.b(group): HIERARCHICAL for predictor, group in design.group_blocks()}
    placed = {p.group.name: p for p in place_groups(design.mu, ways)}
    assert {name: p.parent for name, p in placed.items()} == {
        "region": "",
        "school": "region",
        "room": "school",
        "item": "",
    }
    assert {name for name, p in placed.items() if p.absorbed} == {"region", "school"}
    assert sum("Intercept" in names for names in taken_labels(design, ways).values()) == 1


def taken_labels(design, ways):
    """Return by factor the labels of the population columns in the means of its coefficients."""
    labels = design.mu.population.labels
    return {p.group.name: {labels[k] for k in p.columns} for p in place_groups(design.mu, ways)}


def test_covariates_of_levels_go_to_the_outermost_factor_that_can_take_them():
    design = bm.prepare("y ~ x + urban + size + weight + (1 | region/school) + (1 | item)", NESTED)
    every = {predictor.b(group): HIERARCHICAL for predictor, group in design.group_blocks()}
    assert taken_labels(design, every) == {
        "region": {"Intercept", "urban[T.yes]", "size"},
        "region:school": {"size"},
        "item": {"weight"},
    }
    some = every | {"b_region": NONCENTRED, "b_item": NONCENTRED}
    assert taken_labels(design, some) == {
        "region": {"Intercept", "urban[T.yes]", "size"},
        "region:school": {"size"},
        "item": set(),
    }


def test_slopes_of_groups_take_the_products_of_their_column_with_covariates_of_the_groups():
    design = bm.prepare("y ~ x * size + (x | school)", NESTED)
    (placement,) = place_groups(design.mu, {"b_school": HIERARCHICAL})
    assert len(placement.columns) == 4
    columns, _ = remaining_columns(design.mu, [placement])
    assert columns == []
    beta = np.array([1.0, 2.0, 3.0, 4.0])
    size = np.array([0.3, -1.2, 0.7, 2.0, -0.5, 0.1, 1.1, -0.8])
    at_zero = (placement.population_mean(beta) @ placement.group.transform.T)[:, 0]
    slopes, written = placement.population_mean(beta)[:, 1], design.mu.transform @ beta
    np.testing.assert_allclose(slopes, written[1] + written[3] * size, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(at_zero, written[0] + written[2] * size, rtol=1e-9)


def test_a_column_that_groups_express_in_part_leaves_the_rest_in_the_predictor():
    data = NESTED | {"x2": (NESTED["x"] + 3.0) ** 2}
    design = bm.prepare("y ~ x + x2 + (x | school)", data)
    (placement,) = place_groups(design.mu, {"b_school": HIERARCHICAL})
    labels = design.mu.population.labels
    columns, rest = remaining_columns(design.mu, [placement])
    assert [labels[k] for k in columns] == ["x2"]
    z = placement.group.centred_matrix
    for level in range(8):
        rows = placement.group.index == level
        np.testing.assert_allclose(z[rows].T @ rest[rows], 0.0, atol=1e-9)
    weights = placement.weights[placement.group.index][:, :, placement.columns.index(columns[0])]
    np.testing.assert_allclose(np.sum(z * weights, axis=1) + rest[:, 0], design.mu.centred_matrix[:, columns[0]])


def test_a_column_that_varies_within_groups_stays_in_the_predictor():
    design = bm.prepare("y ~ weight + (1 | school)", NESTED)
    assert taken_labels(design, {"b_school": HIERARCHICAL}) == {"school": {"Intercept"}}


def test_terms_that_are_not_hierarchical_stay_around_zero():
    design = bm.prepare("y ~ x + (1 | school) + (1 | room)", NESTED)
    placed = place_groups(design.mu, {"b_school": NONCENTRED, "b_room": NONCENTRED})
    assert all(not p.parent and not p.columns and not p.absorbed for p in placed)
