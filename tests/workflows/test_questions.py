"""Questions of people who fit mixed models, each answered in at most three calls, on data with a known answer."""

import warnings

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")]
QUICK = {"chains": 2, "draws": 200, "tune": 200, "seed": 1, "progress": False}


def fitted(formula, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.fit(formula, data, **QUICK, **options)


def holds(estimates, expected):
    """Assert that intervals, widened by half, hold the true values."""
    table = estimates.table
    middle, half = (table["lower"] + table["upper"]) / 2, (table["upper"] - table["lower"]) / 2
    assert np.all(np.abs(middle - np.asarray(expected)) < 1.5 * half), table


def test_counts_with_zeros_the_mean_number_for_each_cell_both_parts_and_groups_included():
    generator = np.random.default_rng(1)
    rows = pd.MultiIndex.from_product([["control", "fed"], ["f", "m"], range(20), range(4)])
    data = rows.to_frame(index=False, name=["treatment", "sex", "nest", "rep"]).assign(size=lambda d: 1.0 + d["rep"])
    fed, nest = data["treatment"] == "fed", generator.normal(0, 0.3, 20)[data["nest"]]
    mean = np.exp(0.8 - 0.7 * fed + nest)
    zero = np.where(fed, 0.1, 0.5)
    data["calls"] = np.where(generator.uniform(size=len(data)) < zero, 0, generator.poisson(data["size"] * mean))
    formula = "calls ~ treatment * sex + offset(log(size)) + (1 | nest)"
    fit = fitted(formula, data, family="zero_inflated_poisson", zi="~ treatment")
    means = bm.marginal_means(fit, "treatment:sex", at={"size": 1})
    ratios = bm.contrasts(fit, "treatment", by="sex", ratio=True)
    whole = np.exp(0.8 + 0.045)
    holds(means, [0.5 * whole, 0.5 * whole, 0.9 * whole * np.exp(-0.7), 0.9 * whole * np.exp(-0.7)])
    holds(ratios, [1.8 * np.exp(-0.7)] * 2)


@pytest.fixture(scope="module")
def lengths():
    generator = np.random.default_rng(2)
    data = pd.DataFrame({"kind": np.tile(["bog", "fen"], 60), "site": np.repeat(range(12), 10)})
    data["length"] = generator.uniform(10, 100, 120)
    mean = data["length"] * np.exp(-2 + 0.6 * (data["kind"] == "fen") + generator.normal(0, 0.3, 12)[data["site"]])
    return data.assign(frogs=generator.negative_binomial(5, 5 / (5 + mean)))


def test_at_which_length_counts_are_held_and_how_to_hold_them_at_50(lengths):
    fit = fitted("frogs ~ kind + offset(log(length)) + (1 | site)", lengths, family="negbin")
    assert f"At length = {lengths['length'].mean():.4g} (mean)." in bm.marginal_means(fit, "kind").notes
    figure = bm.plot_conditional_effects(fit, "kind", at={"length": 50})
    assert "Points: brought to length = 50." in figure.axes[0].get_title(loc="left")
    points = next(one for one in figure.axes[0].collections if one.get_zorder() == 0).get_offsets()
    np.testing.assert_allclose(points[:, 1], lengths["frogs"] * 50 / lengths["length"])


def test_tracts_in_decades_what_is_wrong_and_what_to_write():
    data = pd.DataFrame({"decade": np.repeat(["80s", "90s", "00s"], 40), "tract": np.tile(np.repeat(range(20), 2), 3)})
    data["n"] = np.random.default_rng(3).poisson(4, 120)
    said = str(bm.check_data("n ~ decade + (1 | decade/tract)", data, family="poisson"))
    assert "decade is fixed and random at once" in said
    assert "(1 | tract) alone would" in said
    assert "are two groups" in said
    assert len(bm.prepare("n ~ decade + (1 | tract)", data, family="poisson").mu.groups[0].levels) == 20


def test_the_effect_of_a_number_at_the_grand_mean_of_the_factors_in_any_coding():
    generator = np.random.default_rng(4)
    data = pd.DataFrame({"x": generator.normal(size=90), "f": np.tile(list("abc"), 30), "g": np.repeat(range(9), 10)})
    data["y"] = data["x"] * np.select([data["f"] == "b", data["f"] == "c"], [2.0, 3.0], 1.0) + generator.normal(size=90)
    codings = ("f", "C(f, contr.sum)")
    slopes = [bm.slopes(fitted(f"y ~ x * {f} + (1 | g)", data), "x", over="grid") for f in codings]
    holds(slopes[0], [2.0])
    first, second = (one.table.iloc[0] for one in slopes)
    assert abs(first["mean"] - second["mean"]) < 4 * np.hypot(first["mcse"], second["mcse"])


@pytest.fixture(scope="module")
def ratings():
    generator = np.random.default_rng(5)
    rows = pd.MultiIndex.from_product([["old", "new"], ["day", "night"], ["x", "y"], range(20)])
    data = rows.to_frame(index=False, name=["version", "time", "site", "person"])
    latent = 1.2 * (data["version"] == "new") + generator.normal(0, 0.7, 20)[data["person"]]
    latent += generator.logistic(size=len(data))
    data["rating"] = pd.Categorical.from_codes(
        np.digitize(latent, [-1.0, 0.5, 2.0]), ["bad", "fair", "good", "best"], True
    )
    return data


def test_ordered_ratings_the_probability_of_each_category_by_condition(ratings):
    fit = fitted("rating ~ version + time + site + (1 | person)", ratings, family="cumulative")
    means = bm.marginal_means(fit, "version:time", kind="probability")
    assert len(means.table) == 16
    np.testing.assert_allclose(means.table.groupby(["version", "time"])["mean"].sum(), 1.0)
    shares = ratings.groupby("version", observed=True)["rating"].value_counts(normalize=True).unstack()
    difference = bm.contrasts(fit, "version", kind="probability")
    sign = 1.0 if difference.table["contrast"][0] == "new - old" else -1.0
    holds(difference, sign * (shares.loc["new"] - shares.loc["old"])[difference.table["category"]])
    figure = bm.plot_conditional_effects(fit, "version", by="time", kind="probability")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["bad", "fair", "good", "best"]


def test_rank_projects_that_judges_have_graded():
    generator = np.random.default_rng(6)
    rows = pd.MultiIndex.from_product([list("PQRSTUV"), range(10)]).to_frame(index=False, name=["project", "judge"])
    merit = dict(zip("PQRSTUV", [-3, -2, -1, 0, 1, 2, 3], strict=True))
    latent = rows["project"].map(merit) + generator.normal(0, 0.5, 10)[rows["judge"]] + generator.logistic(size=70)
    rows["grade"] = pd.Categorical.from_codes(np.digitize(latent, [-1.0, 1.0]), ["C", "B", "A"], True)
    fit = fitted("grade ~ 1 + (1 | project) + (1 | judge)", rows, family="cumulative")
    ranks = bm.group_ranks(fit, "project").table
    assert ranks["level"].iloc[0] in "UV"
    assert ranks["level"].iloc[-1] in "PQ"
    assert (ranks["upper"] > ranks["lower"]).any()


def test_odds_ratios_between_conditions_within_each_task_under_sum_coding():
    generator = np.random.default_rng(7)
    rows = pd.MultiIndex.from_product([list("abc"), ["t1", "t2"], range(15), range(6)])
    data = rows.to_frame(index=False, name=["condition", "task", "person", "trial"])
    eta = 1.0 * (data["condition"] == "b") + 1.5 * ((data["condition"] == "c") & (data["task"] == "t2"))
    data["right"] = generator.binomial(1, 1 / (1 + np.exp(-eta - generator.normal(0, 0.5, 15)[data["person"]])))
    formula = "right ~ C(condition, contr.sum) * C(task, contr.sum) + (task | person)"
    ratios = bm.contrasts(fitted(formula, data, family="bernoulli"), "condition", by="task", kind="linear", ratio=True)
    assert ratios.table["contrast"].tolist() == ["b / a", "c / a", "c / b"] * 2
    assert ratios.quantity.startswith("odds ratio")
    holds(ratios, np.exp([1.0, 0.0, -1.0, 1.0, 1.5, 0.5]))


@pytest.fixture(scope="module")
def trend():
    generator = np.random.default_rng(8)
    data = pd.MultiIndex.from_product([[f"plot {i}" for i in range(10)], range(8)]).to_frame(
        index=False, name=["plot", "year"]
    )
    slope = np.repeat(np.append(np.full(9, 1.0), 4.0), 8)
    data["y"] = 20 + slope * data["year"] + generator.normal(0, 1.0, 80)
    return fitted("y ~ year + (year | plot)", data)


def test_the_trend_over_years_plots_that_deviate_and_a_named_line_for_each(trend):
    assert 0.5 < bm.slopes(trend, "year").table["mean"][0] < 2.5
    ranks = bm.group_ranks(trend, "plot", effect="year").table
    assert ranks["level"][0] == "plot 9"
    assert ranks["highest"][0] > 0.9
    names = {text.get_text().strip() for text in bm.plot_effects(trend).axes[0].texts}
    assert names == {f"plot {i}" for i in range(10)}


@pytest.mark.parametrize(
    ("family", "inflation", "low"),
    [("zero_one_inflated_beta", {"zoi": "~ g", "coi": "~ g"}, -0.1), ("zero_inflated_beta", {"zi": "~ g"}, -0.25)],
)
def test_proportions_with_zeros_have_means_that_are_not_biased(family, inflation, low):
    generator = np.random.default_rng(9)
    data = pd.DataFrame({"g": np.repeat(["a", "b"], 200), "person": np.tile(range(20), 20)})
    high = 1.1 if "one" in family else 0.999
    data["share"] = np.clip(
        generator.beta(2, np.where(data["g"] == "b", 4, 2)) * (high - low) + low, 0, high if high < 1 else 1
    )
    fit = fitted("share ~ g + (1 | person)", data, family=family, **inflation)
    holds(bm.marginal_means(fit, "g"), data.groupby("g")["share"].mean())


def test_a_split_plot_says_which_random_effects_are_identified_and_why():
    data = pd.DataFrame({"tray": np.repeat(range(12), 3), "fert": np.tile(list("abc"), 12)})
    data = data.assign(heat=np.repeat(["warm", "cold"], 18), y=np.random.default_rng(10).normal(size=36))
    for term, reason in [
        ("(1 | tray:fert)", "one row in each level"),
        ("(heat | tray)", "constant within every level of 'tray'"),
        ("(fert | tray)", "not identified together"),
    ]:
        assert reason in " ".join(str(bm.check_data(f"y ~ fert * heat + {term}", data)).split())
    assert "The data suit the model" in str(bm.check_data("y ~ fert * heat + (1 | tray)", data))


def test_a_forest_of_parts_in_batches_beside_the_population_and_the_share_of_each_level():
    generator = np.random.default_rng(11)
    data = pd.MultiIndex.from_product([range(10), range(3), range(3)]).to_frame(
        index=False, name=["batch", "part", "repeat"]
    )
    data["y"] = (
        50 + generator.normal(0, 3, 10)[data["batch"]] + generator.normal(0, 2, 30)[data["batch"] * 3 + data["part"]]
    )
    data["y"] += generator.normal(0, 1, 90)
    fit = fitted("y ~ 1 + (1 | batch/part)", data)
    assert len(bm.plot_forest(fit).axes[0].get_yticklabels()) == 30
    shares = str(bm.variance_dossier(fit))
    assert all(word in shares for word in ("batch", "batch:part", "sigma"))


def test_reaction_times_the_ratio_of_geometric_means_and_milliseconds():
    generator = np.random.default_rng(12)
    data = pd.MultiIndex.from_product([range(12), range(20)]).to_frame(index=False, name=["person", "word"])
    data["frequency"] = np.where(data["word"] % 2 == 0, "high", "low")
    data["rt"] = np.exp(
        6.2 + 0.15 * (data["frequency"] == "low") + generator.normal(0, 0.15, 12)[data["person"]]
        + generator.normal(0, 0.05, 20)[data["word"]] + generator.normal(0, 0.2, 240)
    )  # fmt: skip
    fit = fitted("rt ~ frequency + (1 | person) + (1 | word)", data, family="lognormal")
    holds(bm.contrasts(fit, "frequency", kind="geometric_mean", ratio=True), [np.exp(0.15)])
    typical = bm.marginal_means(fit, "frequency", kind="geometric_mean", groups="typical")
    holds(typical, np.exp([6.2, 6.35]))
    average = bm.marginal_means(fit, "frequency")
    assert (average.table["median"].to_numpy() > typical.table.iloc[:, 1].to_numpy()).all()


def test_herds_in_a_european_file_from_file_to_report(tmp_path):
    generator = np.random.default_rng(14)
    data = pd.DataFrame(
        {"Herde": np.repeat([f"H{i}" for i in range(12)], 8), "Alter": generator.normal(4, 1, 96).round(1)}
    )
    data["Bio"] = np.where(np.repeat(range(12), 8) % 2 == 0, "ja", "nein")
    data["Milch"] = (25 + data["Alter"] + generator.normal(0, 2, 12).repeat(8) + generator.normal(0, 2, 96)).round(2)
    text = data.astype(str).map(lambda cell: cell.replace(".", ",")).assign(Datum="03.05.2021")
    text.loc[5, "Alter"], text.loc[17, "Milch"] = "", "NA"
    text.to_csv(tmp_path / "milch.csv", sep=";", index=False)
    fit = fitted("Milch ~ Alter + Bio + (1 | Herde)", str(tmp_path / "milch.csv"), missing="drop")
    assert fit.design.rows == 94
    holds(bm.slopes(fit, "Alter"), [1.0])
    bm.write_report(fit, str(tmp_path / "milch.html"))
    assert "Milch" in (tmp_path / "milch.html").read_text(encoding="utf-8")
