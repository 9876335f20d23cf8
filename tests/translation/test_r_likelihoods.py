"""Translated calls have the log-likelihood and the number of parameters that R gives."""

import pandas as pd
import pytest
from conftest import REFERENCE, classic, read_reference

import bayesmixed as bm

DATA = {
    "sleepstudy": ("lme4", "sleepstudy"),
    "cbpp": ("lme4", "cbpp"),
    "grouseticks": ("lme4", "grouseticks"),
    "epil": ("MASS", "epil"),
    "ratpup": ("nlme", "RatPupWeight"),
    "wine": ("ordinal", "wine"),
    "quine": ("MASS", "quine"),
}
CALLS = {one["call"]: one for one in read_reference("r_calls")["calls"]}
pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def table_of(call):
    name = next(name for name in (*DATA, "owls") if name in call)
    return pd.read_csv(REFERENCE / "owls.csv") if name == "owls" else classic(*DATA[name])


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[:60])
def test_a_translated_call_has_the_log_likelihood_of_r(call):
    found = bm.approximate(bm.from_r(call), table_of(call), method="laplace")
    # glmer stops a little before the maximum.
    error = 3e-4 if call.startswith("glmer") else 2e-5
    assert found.log_likelihood == pytest.approx(CALLS[call]["log_likelihood"], abs=error)
    assert len(found.estimates) == CALLS[call]["parameters"]
