"""Families of R lead to families here, and to links and parameters that these have."""

import pytest

from bayesmixed.errors import SpecError
from bayesmixed.families import FAMILIES, find_family
from bayesmixed.families.links import LINKS
from bayesmixed.families.r_families import (
    COUNTS,
    DISPERSIONS,
    EVENTS,
    INFLATED,
    LINKS_THERE,
    MULTIPLYING,
    NAMES_THERE,
    NEED_ZEROS,
    NO_COUNTERPART,
    ORDERED,
    R_FAMILIES,
    TRIALS,
)


@pytest.mark.parametrize("name", R_FAMILIES)
def test_every_family_of_r_exists_here(name):
    here, link = R_FAMILIES[name]
    assert here in FAMILIES
    assert link in LINKS


@pytest.mark.parametrize("name", R_FAMILIES)
def test_the_name_in_r_of_a_family_is_told_the_name_here(name):
    here = R_FAMILIES[name][0]
    if name not in FAMILIES:
        with pytest.raises(SpecError, match=f"Did you mean '{here}'"):
            find_family(name)


@pytest.mark.parametrize("name", NO_COUNTERPART)
def test_a_family_without_a_counterpart_is_refused_with_what_to_take_instead(name):
    with pytest.raises(SpecError, match="has no counterpart here") as refused:
        find_family(name)
    assert NO_COUNTERPART[name][:40] in str(refused.value)


def test_the_parameters_of_zeros_and_dispersion_exist():
    for family, parameter in INFLATED.values():
        assert parameter in [one.name for one in find_family(family).parameters]
    for family, parameter in DISPERSIONS.items():
        assert find_family(family).parameter(parameter).link == "log"
    assert {*INFLATED, *MULTIPLYING, EVENTS, TRIALS, ORDERED, COUNTS} <= set(FAMILIES)
    parameters = {parameter.name for family in FAMILIES.values() for parameter in family.parameters}
    assert {*NAMES_THERE} <= parameters
    assert {*LINKS_THERE.values()} <= {*LINKS}
    assert set(NEED_ZEROS) <= set(R_FAMILIES)
    assert not set(NO_COUNTERPART) & set(R_FAMILIES)


def test_every_family_here_is_reached_from_r():
    reached = {here for here, _ in R_FAMILIES.values()} | {family for family, _ in INFLATED.values()}
    assert reached == set(FAMILIES)
