"""Log-densities of units whose effects are integrated out."""

import numpy as np

from bayesmixed.cross_validation.integrated_rows import integrate_smallest
from bayesmixed.cross_validation.left_out_units import LeftOutUnits
from bayesmixed.cross_validation.normal_units import has_sums, is_normal, normal_rows, normal_unit, unit_rows
from bayesmixed.cross_validation.row_densities import likelihood_at, row_logs
from bayesmixed.cross_validation.units import OBSERVATION
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.integration.layers import sum_rows
from bayesmixed.integration.nested_quadrature import check_layers, explain_refusal, integrate
from bayesmixed.terms.block_parts import lies_in


def unit_logs(units_out: LeftOutUnits, draws: int | None = None) -> Array:
    """Return the joint log-density of the rows of each unit, (S, J), its effects integrated out.

    Closed form for responses that are normal, or whose logarithm is, with identity link; quadrature otherwise, in
    compiled code where `draws`, if not all are given here, are much work.

    Raises
    ------
    SpecError
        A unit's effects are too many for quadrature.
    """
    if has_sums(units_out):
        return normal_rows(units_out).sums.densities
    if units_out.layers and is_normal(units_out):
        return np.stack([normal_unit(units_out, rows)[0] for rows in unit_rows(units_out)], axis=-1)
    check_layers(units_out.layers)
    if units_out.layers and units_out.design.residual is not None:
        raise SpecError(
            f"Effects of '{units_out.layers[0].names[0]}' cannot be integrated out beside correlated residuals "
            f"({units_out.design.residual.residual}) of family '{units_out.design.family.name}', only of normal ones. Take "
            f'unit="{OBSERVATION}".'
        )
    size = units_out.draws if draws is None else draws
    found = None if units_out.events else integrate_smallest(units_out, likelihood_at(units_out), size)
    rows, layers = found or (row_logs(units_out), units_out.layers)
    sets = integrate(rows, units_out.etas, layers)
    if not layers:
        return sum_rows(sets, units_out.units)
    return sum_rows(sets, lies_in(layers[0].index, units_out.units))


def can_integrate(units_out: LeftOutUnits) -> bool:
    """Return whether `unit_logs` can integrate the effects of the units out."""
    closed = is_normal(units_out) or not units_out.layers
    return closed or (units_out.design.residual is None and not explain_refusal(units_out.layers))
