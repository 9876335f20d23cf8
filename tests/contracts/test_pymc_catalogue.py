"""PyMC's own functions accept the draws of any family, and agree with ours: a new one is tested by being there."""

import pytest
from family_cases import SINGLE
from pymc_agreement import check_log_likelihood, check_replicates, made_up_fit


@pytest.mark.parametrize("family", SINGLE.values(), ids=list(SINGLE))
def test_densities_and_replicates_by_pymc_are_ours(family):
    left = "y | trials(n)" if family.has_trials else "y"
    fit = made_up_fit(f"{left} ~ x + (x | g)", family.name)
    check_log_likelihood(fit)
    check_replicates(fit)
