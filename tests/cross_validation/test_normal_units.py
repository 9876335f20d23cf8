"""Closed forms of units of normal rows: sums over rows against matrices."""

import numpy as np
import pytest
from fixed_draws import fit_at
from unit_tables import design_of

from bayesmixed.cross_validation.left_out_units import situate
from bayesmixed.cross_validation.normal_units import has_sums, normal_rows, normal_unit, unit_rows
from bayesmixed.cross_validation.units import find_units


@pytest.mark.parametrize("formula", ["y ~ x + (1 | g)", "y ~ k + (x | g)", "y ~ 1 + (x + k | g)"])
def test_sums_over_rows_say_what_matrices_of_each_unit_say(formula):
    design = design_of(formula, "gaussian")
    width = design.mu.groups[0].width
    values = {"beta": 0.2, "sigma": 0.4, "sd_g": 0.7, "corr_g": 0.7 * np.eye(width) + 0.3}
    units_out = situate(design, fit_at(design, values, jitter=0.02, draws=2).posterior, find_units(design, "g"))
    assert has_sums(units_out)
    own = normal_rows(units_out)
    z, root = own.given_others(own.sums)
    for place, rows in enumerate(unit_rows(units_out)):
        log, weighted, precision = normal_unit(units_out, rows)
        np.testing.assert_allclose(own.sums.densities[:, place], log)
        np.testing.assert_allclose(root[:, rows] ** 2, precision)
        np.testing.assert_allclose(z[:, rows] * root[:, rows], weighted, atol=1e-12)


def test_crossed_effects_of_a_unit_have_no_such_sums():
    design = design_of("y ~ x + (1 | g/h)", "gaussian")
    posterior = fit_at(design, {"sigma": 0.4, "sd_g": 0.7, "sd_g:h": 0.3}).posterior.isel(draw=[0])
    assert not has_sums(situate(design, posterior, find_units(design, "g")))
