"""Fits of imputed tables: draws pooled, against Rubin's rules."""

from dataclasses import replace

import numpy as np
import pytest
from fixed_draws import fit_at
from imputed import imputed_tables
from matplotlib import pyplot

import bayesmixed as bm
from bayesmixed.draws.pooled import draws_of_table, pool_draws
from bayesmixed.errors import SpecError
from bayesmixed.fits.selection import at_posterior_means
from bayesmixed.preparation.imputed_tables import prepare_tables, with_tables

SHORT = {"draws": 300, "chains": 2, "seed": 3, "progress": False}


def pooled(tables, formula="y ~ x + (1 | g)", **values):
    """Return a fit whose draws of table k have beta near k, sampled by nobody, and those of the tables."""
    designs = prepare_tables(bm.from_formula(formula, family=values.pop("family", "gaussian")), tables)
    fits = [
        fit_at(design, {"beta": float(k), "sigma": 1.0, "sd_g": 1.0, **values}, jitter=0.05)
        for k, design in enumerate(designs)
    ]
    settings = replace(fits[0].settings, chains=2 * len(fits), tables=len(fits))
    draws = pool_draws([one.draws for one in fits])
    return replace(fits[0], design=with_tables(designs), draws=draws, settings=settings), fits


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
    for call in (bm.loo, bm.residuals, bm.influence, bm.half_normal, bm.extend, bm.refit):
        arguments = (5,) if call is bm.extend else ()
        options = {"unit": "observation"} if call is bm.loo else {}
        with pytest.raises(SpecError, match=f"bm.{call.__name__} needs one set of rows"):
            call(fit, *arguments, **options)
    with pytest.raises(SpecError, match="needs one set of rows"):
        bm.compare_models({"a": fit, "b": fit}, unit="observation")
    with pytest.raises(SpecError, match="whose values were drawn given the responses"):
        fit.to_datatree(log_likelihood=True)
    with pytest.raises(SpecError, match="pit_in_sample"):
        bm.plot_posterior_checks(fit, kind="pit")
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


def test_each_draw_has_the_values_of_its_table():
    tables = imputed_tables(3, rows=40)
    fit, fits = pooled(tables)
    parts = [bm.predict(one, kind="linear")["linear"].values for one in fits]
    found = bm.predict(fit, kind="linear")["linear"].values
    np.testing.assert_allclose(found, np.concatenate(parts))
    assert np.ptp(found[:, 0], axis=0).max() > 0
    numbers = [table["x"].to_numpy() for table in tables]
    np.testing.assert_allclose(at_posterior_means(fit).mu.population.matrix[:, 1], np.mean(numbers, axis=0))
    np.testing.assert_allclose(bm.posterior_predictive(fit, seed=1)["y"].values.shape, (6, 50, 40))


def test_averages_over_rows_have_the_values_of_the_table_of_each_draw():
    tables = [
        table.assign(y=np.arange(40) % 3 // 2, f=np.array(list("uv"))[np.arange(40) % 2])
        for table in imputed_tables(3, rows=40)
    ]
    tables[1].loc[[3, 4], "f"] = ["u", "v"]
    fit, fits = pooled(tables, "y ~ x * f + (1 | g)", family="bernoulli", beta=0.3, sd_g=0.4)
    asked = [
        lambda one: bm.comparisons(one, "f"),
        lambda one: bm.comparisons(one, "x"),
        lambda one: bm.comparisons(one, {"x": [0.0, 1.0]}, groups="existing"),
        lambda one: bm.slopes(one, "x", by="g"),
        lambda one: bm.comparisons(one, "f", at={"x": 0.5}),
        lambda one: bm.comparisons(one, "x", average=False),
    ]
    for ask in asked:
        parts = [ask(one).table["mean"].to_numpy() for one in fits]
        np.testing.assert_allclose(ask(fit).table["mean"], np.mean(parts, axis=0), rtol=1e-6)
    with pytest.raises(SpecError, match="values of 'f' differ between draws"):
        bm.comparisons(fit, "x", by="f")


def test_variances_of_tables_are_pooled_draw_by_draw():
    tables = [table.assign(y=np.arange(40) % 4) for table in imputed_tables(3, rows=40)]
    fit, fits = pooled(tables, family="poisson", beta=0.3, sd_g=0.4)
    for scale in ("latent", "data"):
        found = bm.icc(fit, scale=scale, draws=True)["icc same g"]
        parts = [bm.icc(one, scale=scale, draws=True)["icc same g"].values for one in fits]
        np.testing.assert_allclose(found.values, np.concatenate(parts))
    parts = [bm.r2(one, scale="latent")["mean"] for one in fits]
    np.testing.assert_allclose(bm.r2(fit, scale="latent")["mean"], np.mean(parts, axis=0))
    factors = [bm.shrinkage(one)["factor"] for one in fits]
    np.testing.assert_allclose(bm.shrinkage(fit)["factor"], np.mean(factors, axis=0))
    assert len({float(one[0]) for one in factors}) == 3
    assert "same g" in str(bm.summary(fit))
    assert "icc" in bm.variance_dossier(fit).tables


def test_tables_that_differ_in_more_than_columns_are_refused_where_rows_are_needed():
    tables = imputed_tables(2, rows=40)
    fit, _ = pooled(tables, "y ~ x + (x | g)", corr_g=np.eye(2))
    with pytest.raises(SpecError, match="which differ in the columns of 'g'"):
        bm.r2(fit)
    tables[1].loc[3, "y"] += 1.0
    fit, _ = pooled(tables)
    bm.icc(fit)
    with pytest.raises(SpecError, match="which differ in the response"):
        bm.shrinkage(fit)
    fit = replace(fit, design=replace(fit.design, imputed=None))  # as a file of an earlier version has it
    with pytest.raises(SpecError, match="of which its file holds the first only"):
        bm.icc(fit)
    assert "No intraclass correlation: this fit pools draws of 2 imputed tables" in str(bm.summary(fit))


@pytest.mark.filterwarnings("ignore")
def test_pictures_reports_and_files_hold_all_tables(tmp_path):
    fit, _ = pooled(imputed_tables(2, rows=40))
    for call in (bm.plot_effects, bm.plot_shrinkage, bm.plot_posterior_checks, bm.plot_forest, bm.plot_rank):
        pyplot.close(call(fit))
    loaded = bm.load_fit(bm.save_fit(fit, tmp_path / "fit.nc"))
    np.testing.assert_array_equal(bm.predict(loaded)["mean"], bm.predict(fit)["mean"])
    text = bm.write_report(loaded, tmp_path / "fit.html").read_text()
    assert "same g" in text
    assert "needs one set of rows" not in text
    assert "fitted to each of 2 tables, and draws were pooled" in text


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
