"""Units that are left out together, as a word names them."""

import pytest
from unit_tables import design_of

import bayesmixed as bm
from bayesmixed.cross_validation.units import find_units


def test_an_unknown_unit_is_refused_and_the_known_ones_are_named():
    design = design_of("count ~ 1 + (1 | g)", "poisson")
    with pytest.raises(bm.SpecError, match="Accepted: observation, g, count"):
        find_units(design, "herd")
