"""The paragraph for a methods section: complete, and honest."""

from dataclasses import replace

import numpy as np
import pytest
from fixed_draws import changed

import bayesmixed as bm


@pytest.fixture(scope="module")
def herds():
    return bm.load_fit("herd_period")


def test_rows_groups_model_priors_software_and_diagnostics_are_named(herds):
    text = bm.methods_text(herds)
    said = ["56 rows", "15 levels of herd", "incidence of size", "binomial", "logit", herds.design.spec.formula]
    said += [str(entry.prior) for entry in herds.design.priors.values()]
    said += [
        f"bayesmixed {herds.versions['bayesmixed']}",
        "4 chains of 400 draws",
        "R-hat was at most 1.006",
        "No-U-Turn",
    ]
    assert [one for one in said if one not in text] == []
    assert "pymc" not in text.lower()


def test_a_fit_that_did_not_converge_says_so(herds):
    shift = np.linspace(0.0, 9.0, herds.settings.chains)[:, None]
    broken = changed(herds, sd_herd=lambda values: values + (shift if values.ndim == 2 else shift[..., None]))
    text = bm.methods_text(broken)
    assert "HAD NOT CONVERGED" in text
    assert "R-hat was at most" not in text


@pytest.mark.parametrize(("engine", "name"), [("marginal", "Vihola"), ("pymc", "Abril-Pla"), ("collapsed", "Hoffman")])
def test_the_works_are_those_of_the_engine(herds, engine, name):
    works = bm.methods_text(replace(herds, engine=replace(herds.engine, name=engine))).partition("References")[2]
    assert name in works
    assert "Vehtari" in works


def test_checks_that_fail_are_named(herds):
    failing = changed(herds, b_herd=lambda values: values + 3.0)
    assert "did not agree with them: mean" in bm.methods_text(failing)
