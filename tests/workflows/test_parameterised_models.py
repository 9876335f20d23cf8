"""Parameterisations of a PyMC model: other free variables, and the same joint density."""

import numpy as np
import pytest
from designs import design_of
from model_densities import DATA, log_density

from bayesmixed.design.centring import PARAMETERISATIONS
from bayesmixed.draws.tree import draw_names
from bayesmixed.errors import SpecError
from bayesmixed.model.pymc_models import build


@pytest.mark.parametrize(
    ("formula", "arguments"),
    [
        ("y ~ x + (1 | g)", {}),
        ("y ~ x + (x | g)", {}),
        ("y ~ x + (x | g)", {"priors": {"corr_g": "LKJ(2)"}}),
        ("y ~ x + z + (x + z | g)", {}),
        ("y ~ z + (z || g)", {}),
        ("y ~ x + z + (x | g) + (0 + z | g)", {}),
        ("y ~ z", {"sigma": "~ 1 + (1 | g)"}),
    ],
)
def test_standardised_effects_have_the_same_joint_density(formula, arguments):
    design = design_of(formula, DATA, **arguments)
    predictor, group = next(iter(design.group_blocks()))
    mark = "centred_" if group.centred else ""
    centred = build(design)
    noncentred = build(design, parameterisation={predictor.b(group): "noncentred"})
    generator = np.random.default_rng(6)
    values = {v.name: some_value(v, generator) for v in centred.free_RVs}
    z = generator.normal(size=(len(group.levels), len(group.labels)))
    factor = group_factor(group, values, predictor.suffix, mark)
    name, standardised = f"{mark}{predictor.b(group)}", f"z_{group.name}{predictor.suffix}"
    b = z @ factor.T
    there = {key: value for key, value in values.items() if key != name} | {standardised: z}
    jacobian = len(group.levels) * np.log(np.abs(np.linalg.det(factor)))
    here = log_density(centred, values | {name: b})
    assert log_density(noncentred, there) == pytest.approx(here + jacobian, abs=1e-8)


def some_value(variable, generator):
    """Return a value inside (0, 1), which lies in the support of every variable of these models."""
    return generator.uniform(0.2, 0.8, size=tuple(variable.shape.eval()))


def group_factor(group, values, suffix, mark):
    """Return the Cholesky factor of the covariance of the effects, through the correlations by recursion."""
    sd = np.asarray(values[f"{mark}sd_{group.name}{suffix}"])
    corr = np.eye(len(sd))
    for part in (part for part in group.parts if part.correlated):
        partial = iter(2 * np.asarray(values[f"partial_corr_{group.name}{suffix}"]) - 1)
        for i, row in enumerate(part.columns):
            for j, column in enumerate(part.columns[:i]):
                corr[row, column] = corr[column, row] = unpartial(next(partial), corr, row, part.columns[:j], column)
    return np.linalg.cholesky(corr * np.outer(sd, sd))


def unpartial(value, corr, row, given, column):
    """Return the correlation of `row` and `column` whose partial correlation given other columns is `value`."""
    if not given:
        return value
    given = list(given)
    inverse = np.linalg.inv(corr[np.ix_(given, given)])
    left, right = corr[row, given], corr[column, given]
    rest = np.sqrt((1 - left @ inverse @ left) * (1 - right @ inverse @ right))
    return left @ inverse @ right + value * rest


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("y ~ x + (1 | g)", ["b_g"]),
        ("y ~ x + (x | g)", ["b_g"]),
        ("y ~ 0 + (1 | g)", ["b_g"]),
        ("y ~ z + (1 | g/h)", ["b_g:h"]),
    ],
)
def test_group_coefficients_as_free_variables_have_the_same_joint_density(formula, names):
    design = design_of(formula, DATA)
    centred = build(design)
    other = build(design, parameterisation=dict.fromkeys(names, "hierarchical"))
    generator = np.random.default_rng(7)
    values = {v.name: some_value(v, generator) for v in centred.free_RVs}
    renamed = {}
    for name, value in values.items():
        bare = name.removeprefix("centred_")
        renamed["coefficient_" + bare.removeprefix("b_") if bare in names else name] = value
    group = design.mu.groups[-1]
    free = f"coefficient_{group.name}"
    shift = np.zeros(len(group.labels))
    if "centred_beta" in values:
        shift = values["centred_beta"][: len(group.labels)]
    if "g:h" in group.name:
        outer = [int(level.split(":")[0]) - 1 for level in group.levels]
        shift = shift + values["b_g"][outer]
    renamed[free] = renamed[free] + shift
    assert log_density(other, renamed) == pytest.approx(log_density(centred, values), abs=1e-8)


@pytest.mark.parametrize("way", PARAMETERISATIONS)
def test_the_names_of_the_draws_are_there_in_every_parameterisation(way):
    design = design_of("y ~ x + (x | g) + (1 | h)", DATA)
    model = build(design, parameterisation={"b_g": way, "b_h": way})
    assert set(draw_names(design)) <= set(model.named_vars)


@pytest.mark.parametrize(
    ("parameterisation", "fragment"),
    [
        ({"b_g": "noncentered"}, "Parameterisation 'noncentered' is not known. Did you mean 'noncentred'?"),
        ({"b_gg": "centred"}, "Parameterisation of 'b_gg': no such effects. Did you mean 'b_g'?"),
        ({"g": "centred"}, "Parameterisation of 'g': no such effects"),
    ],
)
def test_an_unknown_parameterisation_is_an_error(parameterisation, fragment):
    with pytest.raises(SpecError) as error:
        build(design_of("y ~ x + (1 | g)", DATA), parameterisation=parameterisation)
    assert fragment in str(error.value)
