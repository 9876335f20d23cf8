"""Numbers of priors that are kept for other data."""

import pytest
from conftest import classic
from designs import design_of

from bayesmixed.design.frozen_priors import freeze, frozen_from_text, frozen_to_text, with_frozen_priors

FORMULAS = ["Reaction ~ Days + (Days | Subject)", "Reaction ~ 1 + (1 | Subject)"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_frozen_priors_are_the_same_after_they_were_written_and_read(formula):
    frozen = freeze(design_of(formula, classic("lme4", "sleepstudy")))
    again = frozen_from_text(frozen_to_text(frozen))
    assert again.priors == frozen.priors
    assert frozen_to_text(again) == frozen_to_text(frozen)


@pytest.mark.parametrize("formula", FORMULAS)
def test_freezing_a_design_on_itself_changes_nothing(formula):
    design = design_of(formula, classic("lme4", "sleepstudy"))
    assert with_frozen_priors(design, freeze(design)).priors == design.priors


def test_other_data_have_the_numbers_of_frozen_priors():
    data = classic("lme4", "sleepstudy")
    first, scaled = (design_of(FORMULAS[0], data.assign(Reaction=data["Reaction"] * k)) for k in (1.0, 10.0))
    assert scaled.priors["sigma"] != first.priors["sigma"]
    found = with_frozen_priors(scaled, freeze(first))
    assert {key: entry.prior for key, entry in found.priors.items()} == {
        key: entry.prior for key, entry in first.priors.items()
    }
