"""Fits of imputed tables: draws pooled, against Rubin's rules."""

import numpy as np
import pytest
from fixed_draws import fit_at
from imputed import imputed_tables
from weighted_rows import prepared

import bayesmixed as bm
from bayesmixed.draws.pooled import draws_of_table, pool_draws
from bayesmixed.errors import SpecError

SHORT = {"draws": 300, "chains": 2, "seed": 3, "progress": False}


def pooled(tables, formula="y ~ x + (1 | g)"):
    """Return a fit whose draws of table k have beta near k, sampled by nobody."""
    fits = [
        fit_at(prepared(formula, table), {"beta": float(k), "sigma": 1.0, "sd_g": 1.0}, jitter=0.05)
        for k, table in enumerate(tables)
    ]
    from dataclasses import replace

    settings = replace(fits[0].settings, chains=2 * len(fits), tables=len(fits))
    return replace(fits[0], draws=pool_draws([one.draws for one in fits]), settings=settings), fits


def test_draws_of_a_table_are_those_that_were_pooled():
    fit, fits = pooled(imputed_tables(3, rows=40))
    assert fit.posterior.sizes["chain"] == 6
    for place, one in enumerate(fits):
        again = draws_of_table(fit.draws, place, 3)["posterior"].to_dataset()
        np.testing.assert_array_equal(again["beta"], one.posterior["beta"])


def test_tables_that_differ_are_no_failure_of_the_sampler():
    fit, _ = pooled(imputed_tables(3, rows=40))
    verdict = bm.diagnose(fit)
    assert verdict.table["rhat"].max() < 1.1
    assert not any("chains disagree" in said and "beta" in said for said in verdict.problems)
    assert "3 tables; Missing values lose up to" in verdict.tables
    table = bm.tidy(fit, "fixed")
    assert table["rhat"].max() < 1.1
    lost = bm.missing_information(fit).set_index("parameter")["lost"]
    assert lost["beta[x]"] > 0.9 > 0.5 > lost["sigma"]


def test_what_needs_one_set_of_rows_is_refused():
    fit, _ = pooled(imputed_tables(3, rows=40))
    rows = imputed_tables(1, rows=5)[0]
    for call in (bm.loo, bm.icc, bm.r2, bm.shrinkage, bm.residuals, bm.posterior_checks, bm.write_report, bm.extend):
        arguments = {"write_report": ("x.html",), "extend": (5,)}.get(call.__name__, ())
        options = {"unit": "observation"} if call is bm.loo else {}
        with pytest.raises(SpecError, match=f"bm.{call.__name__} needs one set of rows"):
            call(fit, *arguments, **options)
    with pytest.raises(SpecError, match="needs one set of rows"):
        bm.compare_models({"a": fit, "b": fit}, unit="observation")
    with pytest.raises(SpecError, match="Give data=, the rows to predict"):
        bm.predict(fit)
    with pytest.raises(SpecError, match="Give data=, or over='grid'"):
        bm.comparisons(fit, "x")
    with pytest.raises(SpecError, match="need one set of rows"):
        fit.to_datatree(pymc=True)
    assert bm.predict(fit, rows)["mean"].shape == (6, 50, 5)
    for found in (bm.comparisons(fit, "x", over="grid"), bm.slopes(fit, "x", data=rows)):
        assert found.table["mean"].item() == pytest.approx(1.0, abs=0.1)


def test_summaries_of_parameters_work_and_files_keep_the_tables(tmp_path):
    fit, _ = pooled(imputed_tables(2, rows=40))
    assert "2 imputed tables" in repr(fit)
    text = str(bm.summary(fit))
    assert "bm.missing_information(fit)" in text
    loaded = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    assert loaded.settings == fit.settings
    assert str(bm.diagnose(loaded)) == str(bm.diagnose(fit))
    for call in (bm.population_effects, bm.group_effects, bm.variance_components, bm.group_ranks, bm.future_group):
        call(loaded)
    bm.marginal_means(loaded, "x", at={"x": [0, 1]})
    bm.hypothesis(loaded, "beta[x] > 0")
    bm.plot_trace(loaded)


@pytest.mark.slow
def test_pooled_draws_agree_with_rubins_rules_and_with_the_whole_table():
    tables = imputed_tables(12)
    fit = bm.fit("y ~ x", tables, **SHORT | {"draws": 600, "chains": 4})
    verdict = bm.diagnose(fit)
    assert verdict.ok, str(verdict)
    assert "in each of 12 tables" in str(verdict)
    assert (fit.settings.chains, fit.settings.tables) == (48, 12)
    estimates, variances = [], []
    for table in tables:
        columns = np.column_stack([np.ones(len(table)), table["x"]])
        inverse = np.linalg.inv(columns.T @ columns)
        beta = inverse @ columns.T @ table["y"]
        sigma = np.sum((table["y"] - columns @ beta) ** 2) / (len(table) - 2)
        estimates.append(beta)
        variances.append(sigma * np.diag(inverse))
    within, between = np.mean(variances, axis=0), np.var(estimates, axis=0, ddof=1)
    table = bm.missing_information(fit)[:2]
    assert table["mean"].to_numpy() == pytest.approx(np.mean(estimates, axis=0), abs=0.01)
    assert table["within"].to_numpy() == pytest.approx(np.sqrt(within), rel=0.06)
    assert table["between"].to_numpy() == pytest.approx(np.sqrt(between), rel=0.25)
    total = within + 13 / 12 * between
    width = (table["upper"] - table["lower"]) / 2
    assert width.to_numpy() == pytest.approx(1.96 * np.sqrt(total), rel=0.1)
    drawn = fit.posterior["beta"].values.reshape(-1, 2).std(axis=0)
    assert drawn == pytest.approx(np.sqrt(within + 11 / 12 * between), rel=0.08)
