"""Certificates: numbers behind the verdict, the page, and the fit to which one belongs."""

from dataclasses import replace

import numpy as np
import pytest
from exact_one_way import exact_fit, simulate_one_way
from scipy import stats

import bayesmixed as bm
from bayesmixed.calibration.engine_comparison import compare_draws
from bayesmixed.calibration.simulated_fits import Rank, SimulatedFit
from bayesmixed.engines.settings import EngineRecord

DATA = simulate_one_way("poisson", 12, 6, 1)


def refits(pits):
    ranks = [{name: Rank(0.0, 0, 99, float(values[i])) for name, values in pits.items()} for i in range(20)]
    return tuple(SimulatedFit(i, one, int(i == 3), 1.0 + 0.1 * (i == 4), (), "") for i, one in enumerate(ranks))


@pytest.fixture(scope="module")
def fits():
    return [
        replace(exact_fit("poisson", DATA, k), engine=EngineRecord(n, "")) for k, n in enumerate(("kernel", "marginal"))
    ]


@pytest.fixture(scope="module")
def found(fits):
    uniform = np.random.default_rng(1).permutation((np.arange(20) + 0.5) / 20)
    return bm.Verification(
        fits[0].design.spec.formula,
        "kernel",
        "marginal",
        (0, 9),
        bm.diagnose(fits[0]),
        compare_draws(*fits),
        refits({"beta[Intercept]": uniform, "sd_g[Intercept]": uniform[::-1]}),
        (),
        (),
    )


def test_what_agrees_is_verified(found):
    assert (found.ok, found.problems, found.advice) == (True, (), ())
    assert found.verdict == (
        "Verified: 'marginal' draws from the same posterior as 'kernel', and 20 refits of simulated data find the true values."
    )
    assert found.p == pytest.approx(min(1.0, 12 * found.table["p"].min()))
    assert found.rank_table["mean"].tolist() == pytest.approx([0.5, 0.5])
    assert found.rank_table["p_location"].tolist() == pytest.approx([1.0, 1.0])


def test_the_page_says_the_verdict_first_and_then_the_numbers(found):
    text = str(found)
    assert text.startswith("Verification\n------------\ny ~ 1 + (1 | g), sampled by 'kernel'.\nVerified: ")
    assert "mean, kernel  mean, marginal" in text
    assert "Refits with divergences: 1; with R-hat above 1.05: 1." in text
    assert "<h4>Engines &#x27;kernel&#x27; and &#x27;marginal&#x27;</h4>" in found._repr_html_()


def test_the_error_of_a_mean_that_is_said_to_show_shows_in_80_percent_of_cases(found):
    error = found.resolution["beta[Intercept]"]
    row = found.table.set_index(["quantity", "statistic"]).loc["beta[Intercept]"]
    shift = error * row.loc["sd", "other"] / row.loc["mean", "mcse"]
    limit = stats.norm.isf(0.005 / 2 / len(found.table))
    assert stats.norm.sf(limit - shift) == pytest.approx(0.8, abs=0.001)


def test_what_is_wrong_is_named_with_what_to_try(found):
    table = found.table.assign(p=np.where(found.table["quantity"] == "sd_g[Intercept]", 1e-9, found.table["p"]))
    ends = np.where(np.arange(20) % 2, 0.001, 0.999)
    wrong = replace(found, table=table, refits=refits({"beta[Intercept]": ends}), unclear=("the run was stopped",))
    assert (wrong.disagreements, wrong.suspicious, wrong.ok) == (("sd_g[Intercept]",), ("beta[Intercept]",), False)
    assert wrong.verdict == (
        "NOT VERIFIED: the engines 'kernel' and 'marginal' disagree about 'sd_g[Intercept]' by more than Monte Carlo error; "
        "refits of simulated data do not find the true values of 'beta[Intercept]'."
    )
    assert 'a third engine, which shows who is alone: bm.verify(fit, engine="pymc")\n' in str(wrong)
    assert "the seeds 0 of the fit and 9 of the verification" in str(wrong)
    assert "third engine" not in str(replace(wrong, other="pymc"))
    assert "refits=100" in str(wrong)


def test_engines_that_cannot_sample_the_model_are_not_advised(found):
    refused = "no second engine checked it (kernel: no compiled row; marginal: no compiled row)"
    said = str(replace(found, engine="collapsed", other="", unclear=(refused,)))
    assert 'engine="kernel"' not in said
    assert 'engine="pymc"' in said


def test_a_certificate_is_shown_in_the_report_of_its_own_fit_only(fits, found, tmp_path):
    path = bm.write_report(fits[0], tmp_path / "report.html", verification=found)
    text = path.read_text(encoding="utf-8")
    assert '<section id="verification" aria-labelledby="verification-h">' in text
    assert "<p>Verified: &#x27;marginal&#x27; draws from the same posterior" in text
    with pytest.raises(bm.SpecError, match="of 'y ~ 1 \\+ \\(1 \\| g\\)' by 'kernel' with seed 0, but of another"):
        bm.write_report(fits[1], tmp_path / "other.html", verification=found)


def test_a_certificate_is_not_that_of_a_fit_of_the_same_name_with_other_draws(fits, found):
    found.check(fits[0])
    other = replace(exact_fit("poisson", DATA, 7), engine=fits[0].engine, settings=fits[0].settings)
    with pytest.raises(bm.SpecError, match="Verify this one"):
        found.check(other)
