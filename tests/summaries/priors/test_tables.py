"""The prior table: numbers, sources, coordinates, and what priors imply, by other routes."""

import numpy as np
import pytest
from conftest import classic
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.design.default_priors import response_scale

RNG = np.random.default_rng(3)
COUNTS = {"y": RNG.poisson(4, 60), "x": np.tile(np.arange(6.0), 10), "g": np.repeat(np.arange(10), 6)}


def herd_table(**priors):
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial", priors=priors)
    return bm.prior_table(spec, classic("lme4", "cbpp"))


def sleep_table(formula="Reaction ~ Days + (Days | Subject)", **priors):
    return bm.prior_table(bm.from_formula(formula, priors=priors), classic("lme4", "sleepstudy"))


def implied(table, words):
    found = table.implications[table.implications["quantity"].str.contains(words, regex=False)]
    assert len(found) == 1, list(table.implications["quantity"])
    return found.iloc[0]


def half_t(nu, scale, size, generator):
    return scale * np.abs(generator.standard_t(nu, size))


def test_every_parameter_has_a_row_with_its_source_and_coordinate():
    table = sleep_table(**{"sigma": "HalfNormal(30)"}).parameters.set_index("parameter")
    assert list(table.index) == [
        "beta[Intercept_centred]",
        "beta[Days]",
        "sd_Subject[Intercept]",
        "sd_Subject[Days]",
        "corr_Subject",
        "sigma",
    ]
    assert dict(table["source"] == "user") == {key: key == "sigma" for key in table.index}
    assert table.loc["sigma", "prior"] == "HalfNormal(30)"
    centred = table.index[table["stated"] == "at the covariate means"]
    assert set(centred) == {"beta[Intercept_centred]", "sd_Subject[Intercept]", "corr_Subject"}
    assert table.loc["sigma", "upper"] == pytest.approx(stats.halfnorm(scale=30).ppf(0.975))


def test_priors_of_the_user_are_stated_as_written():
    table = sleep_table(**{"beta[Intercept]": "Normal(250, 50)", "sd_Subject[Days]": "HalfNormal(10)"}).parameters
    stated = dict(zip(table["parameter"], table["stated"], strict=True))
    assert stated.pop("sigma") == ""
    assert set(stated.values()) == {"as written"}
    assert "beta[Intercept]" in stated


def test_the_typical_difference_is_the_median_over_pairs_of_groups():
    generator = np.random.default_rng(5)
    table = sleep_table("Reaction ~ Days + (1 | Subject)", **{"sd_Subject": 20})
    pairs = np.abs(np.diff(generator.normal(0, 20, (400_000, 2))))
    row = implied(table, "typical difference between two levels of Subject")
    # Monte Carlo error of a median of 400,000 folded normals with sd 28: 0.05.
    assert row["median"] == pytest.approx(np.median(pairs), abs=0.25)
    assert (row["lower"], row["upper"], row["unit"]) == (row["median"], row["median"], "Reaction")


def test_the_typical_odds_ratio_follows_the_prior_of_the_sd():
    row = implied(herd_table(), "typical odds ratio between two levels of herd")
    sd = stats.t(4).ppf((1 + np.array([0.05, 0.5, 0.95])) / 2)
    expected = np.exp(np.sqrt(2) * stats.norm.ppf(0.75) * sd)
    np.testing.assert_allclose(row[["lower", "median", "upper"]].astype(float), expected, rtol=0.02)


def test_the_default_sd_on_the_logit_scale_is_as_the_statistics_page_says():
    assert 2 * stats.t(4).sf(3) == pytest.approx(0.04, abs=0.001)
    row = implied(herd_table(), "intraclass correlation, same herd")
    assert (row["lower"], row["upper"]) == pytest.approx((0.0, 0.70), abs=0.01)
    assert row["unit"] == "latent, logit"


def test_the_prior_icc_of_a_gaussian_model_is_that_of_independent_draws():
    generator = np.random.default_rng(7)
    row = implied(sleep_table("Reaction ~ Days + (1 | Subject)"), "intraclass correlation")
    between, within = half_t(4, 1.0, 200_000, generator) ** 2, half_t(4, 1.0, 200_000, generator) ** 2
    expected = np.quantile(between / (between + within), [0.05, 0.5, 0.95])
    # 4000 draws: standard error of the median 0.008.
    np.testing.assert_allclose(row[["lower", "median", "upper"]].astype(float), expected, atol=0.03)


def test_the_prior_icc_of_a_slope_term_averages_its_variance_over_rows():
    generator = np.random.default_rng(8)
    days = classic("lme4", "sleepstudy")["Days"].to_numpy(dtype=float)
    row = implied(sleep_table(**{"sigma": 25}), "intraclass correlation")
    s = response_scale(bm.prepare("Reaction ~ Days", classic("lme4", "sleepstudy"))).unit
    intercept = half_t(4, s, 200_000, generator)
    slope = half_t(4, s / (2 * np.std(days, ddof=1)), 200_000, generator)
    variance = intercept**2 + slope**2 * np.var(days)
    expected = np.quantile(variance / (variance + 25**2), [0.05, 0.5, 0.95])
    np.testing.assert_allclose(row[["lower", "median", "upper"]].astype(float), expected, atol=0.02)


def test_the_prior_icc_of_counts_takes_the_residual_of_the_mean():
    generator = np.random.default_rng(9)
    spec = bm.from_formula("y ~ 1 + (1 | g)", family="poisson", priors={"sd_g": 0.5})
    row = implied(bm.prior_table(spec, COUNTS), "intraclass correlation")
    alpha = generator.normal(np.log((COUNTS["y"].sum() + 0.5) / 60), 2.5, 200_000)
    values = 0.25 / (0.25 + np.log1p(np.exp(-alpha - 0.125)))
    expected = np.quantile(values, [0.05, 0.5, 0.95])
    np.testing.assert_allclose(row[["lower", "median", "upper"]].astype(float), expected, rtol=0.02)


def test_the_mean_of_a_new_group_adds_its_effect_to_the_intercept():
    generator = np.random.default_rng(11)
    row = implied(herd_table(), "probability of incidence in a new herd")
    data = classic("lme4", "cbpp")
    p = (data["incidence"].sum() + 0.5) / (data["size"].sum() + 1)
    effect = half_t(4, 1.0, 400_000, generator) * generator.standard_normal(400_000)
    eta = generator.normal(special.logit(p), 2.5, 400_000) + effect
    expected = special.logit(special.expit(np.quantile(eta, [0.025, 0.5, 0.975])))
    found = special.logit(row[["lower", "median", "upper"]].astype(float))
    # The tails are those of 4000 draws with sd 2.8.
    np.testing.assert_allclose(found, expected, atol=0.35)
    assert row["coverage"] == 0.95


def test_without_intercept_the_mean_is_that_of_one_level():
    spec = bm.from_formula("incidence | trials(size) ~ 0 + herd", family="binomial", factors=["herd"])
    row = bm.prior_table(spec, classic("lme4", "cbpp")).implications.iloc[-1]
    width = special.logit(row["upper"]) - special.logit(row["lower"])
    # The mean over rows, and the level's difference from the mean of all 15.
    assert width == pytest.approx(2 * 1.96 * 2.5 * np.sqrt(1 + (1 - 1 / 15) / 2), rel=0.08)


def test_a_modelled_sigma_is_a_ratio_and_has_no_single_icc():
    spec = bm.from_formula("y ~ x + (1 | g)", sigma="~ 1 + (1 | g)")
    table = bm.prior_table(spec, COUNTS)
    assert implied(table, "typical ratio of the residual SD between two levels of g")["median"] > 1
    assert not table.implications["quantity"].str.contains("intraclass").any()


def test_a_logit_prior_that_expects_nothing_but_zeros_and_ones_is_pointed_out():
    (note,) = [note for note in herd_table(**{"sd_herd": "HalfNormal(234)"}).notes if "prior means" in note]
    share = int(note.split()[0])
    # 94 % for the SD alone (statistics, section 4); the intercept's Normal(-2, 2.5) hardly matters.
    assert share == pytest.approx(97, abs=4)


def test_two_groups_that_differ_tenfold_too_often_are_pointed_out():
    notes = herd_table(**{"sd_herd": "HalfStudentT(3, 2.5)"}).notes
    sd = np.abs(stats.t(3).ppf((np.arange(20_000) + 0.5) / 20_000)) * 2.5
    expected = np.mean(2 * stats.norm.sf(np.log(10) / (np.sqrt(2) * sd)))
    assert any(f"prior probability {100 * expected:.0f} %" in note for note in notes)
    assert expected == pytest.approx(0.38, abs=0.01)


@pytest.mark.parametrize(
    ("priors", "words"),
    [
        ({"beta[Intercept]": "Normal(0, 10)", "beta[Days]": "Normal(0, 1)"}, "The mean of Reaction is 299"),
        ({"sigma": "HalfNormal(1)"}, "sigma: 95 % range"),
        ({"sd_Subject": "HalfNormal(5000)"}, "more than the whole range of Reaction"),
    ],
)
def test_a_prior_in_other_units_than_the_response_is_pointed_out(priors, words):
    assert any(words in note for note in sleep_table(**priors).notes)


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_default_priors_are_not_odd():
    assert herd_table().notes == sleep_table().notes == ()
    counts = bm.prior_table(bm.from_formula("y ~ x + (x | g) + obs()", family="poisson"), COUNTS)
    assert counts.notes == ()
    rare = {"y": np.r_[np.ones(3), np.zeros(2997)], "g": np.arange(3000) % 60}
    assert bm.prior_table(bm.from_formula("y ~ 1 + (1 | g)", family="bernoulli"), rare).notes == ()


def test_a_table_prints_as_text_and_as_html():
    table = herd_table(**{"sd_herd": "HalfNormal(1)"})
    assert "HalfNormal(1)" in str(table)
    assert str(table) == repr(table)
    html = table._repr_html_()
    assert "<table" in html
    assert "typical odds ratio between two levels of herd" in html
    assert "K: number of columns" in str(bm.prior_table(bm.from_formula("y ~ f + (f | g)", factors=["f"])))


def test_a_design_needs_no_data_and_missing_rows_are_dropped_when_told():
    data = classic("lme4", "sleepstudy")
    data.loc[3, "Reaction"] = np.nan
    table = bm.prior_table("sleepstudy", data, missing="drop")
    assert "179 rows" in table.heading
    assert bm.prior_table(bm.prepare("sleepstudy", data, missing="drop")).parameters.equals(table.parameters)
