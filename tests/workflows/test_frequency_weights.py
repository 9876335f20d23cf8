"""Frequency weights: a row that stands for several is worth as much as these rows written out."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from weighted_rows import kernel_density, prepared, weighted_table, written_out

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.estimation.complete_pooling import fit_pooled
from bayesmixed.kernels.collapsed.compiled import evaluate as evaluate_collapsed
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed
from bayesmixed.kernels.joint.layouts import lay_out_coordinates


@pytest.fixture
def data():
    return weighted_table()


FREQUENCIES = [
    ("y | weights(w, 'frequency') ~ x + (x | g)", {}),
    ("y | weights(w, 'frequency') ~ within(x, g) + between(x, g) + (1 | g)", {"family": "student"}),
    ("y | weights(w, 'frequency') ~ scale(x) + (1 | g)", {"sigma": "~ x"}),
    ("count | weights(w, 'frequency') ~ x + offset(log(n)) + (1 | g)", {"family": "poisson"}),
    ("yes | weights(w, 'frequency') ~ x + (1 | g)", {"family": "bernoulli"}),
    ("yes | trials(n) + weights(w, 'frequency') ~ x + (1 | g)", {"family": "binomial"}),
]
each_frequency = pytest.mark.parametrize(("formula", "options"), FREQUENCIES)


def without_weights(formula):
    return formula.replace(" + weights(w, 'frequency')", "").replace(" | weights(w, 'frequency')", "")


@each_frequency
def test_a_frequency_stands_for_so_many_rows(data, formula, options):
    weighted, long = (
        prepared(formula, data, **options),
        prepared(without_weights(formula), written_out(data), **options),
    )
    assert weighted.rows == len(data)
    assert weighted.priors == long.priors
    assert weighted.mu.centre == pytest.approx(long.mu.centre)
    assert weighted.mu.groups[0].sizes.tolist() == long.mu.groups[0].sizes.tolist()
    dimension = lay_out_coordinates(weighted, {}).dimension
    for seed in range(3):
        x = 0.5 * np.random.default_rng(seed).normal(size=dimension)
        value, gradient = kernel_density(weighted, x)
        expected, slopes = kernel_density(long, x)
        assert value == pytest.approx(expected, rel=1e-12)
        assert gradient == pytest.approx(slopes, rel=1e-9, abs=1e-9)


def test_the_collapsed_density_of_frequencies_is_that_of_the_rows_written_out(data):
    formula = FREQUENCIES[0][0]
    weighted = lay_out_collapsed(prepared(formula, data))
    long = lay_out_collapsed(prepared(without_weights(formula), written_out(data)))
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=len(weighted.kept))
        value, gradient = evaluate_collapsed(weighted.packed, x)
        expected, slopes = evaluate_collapsed(long.packed, x)
        assert value == pytest.approx(expected, rel=1e-10)
        assert gradient == pytest.approx(slopes, rel=1e-8)


@pytest.mark.parametrize(("formula", "options"), [FREQUENCIES[0], FREQUENCIES[3], FREQUENCIES[4]])
def test_quick_fits_and_shrinkage_see_the_rows_written_out(data, formula, options):
    weighted, long = (
        prepared(formula, data, **options),
        prepared(without_weights(formula), written_out(data), **options),
    )
    assert fit_pooled(weighted).beta == pytest.approx(fit_pooled(long).beta, rel=1e-7)
    at = {"beta": 0.3, "sigma": 1.2, "sd_g": 0.7, "corr_g": np.eye(2)}
    tables = [bm.shrinkage(fit_at(design, at)) for design in (weighted, long)]
    pd.testing.assert_frame_equal(*tables, rtol=1e-6)


@pytest.mark.parametrize(("formula", "options"), [FREQUENCIES[0], FREQUENCIES[3]])
def test_averages_over_rows_count_each_row_as_often_as_its_frequency(data, formula, options):
    designs = [
        prepared(formula, data, **options),
        prepared(without_weights(formula), written_out(data), **options),
    ]
    at = {"beta": 0.3, "sigma": 1.2, "sd_g": 0.7, "corr_g": np.eye(2)}
    for summary in (bm.icc, bm.r2, bm.variance_components):
        tables = [summary(fit_at(design, at)) for design in designs]
        pd.testing.assert_frame_equal(*tables, rtol=1e-8)


SUMMARIES = {
    "marginal means of a number": lambda fit: bm.marginal_means(fit, "z").table,
    "marginal means of a factor": lambda fit: bm.marginal_means(fit, "f").table,
    "means over the groups": lambda fit: bm.marginal_means(fit, "f", groups="existing").table,
    "contrasts": lambda fit: bm.contrasts(fit, "z").table,
    "conditional effects": lambda fit: bm.conditional_effects(fit, "x:z").table,
    "future group": lambda fit: bm.future_group(fit).table,
    "ranks": lambda fit: bm.group_ranks(fit).table,
    "icc on the data scale": lambda fit: bm.icc(fit, scale="data"),
    "r2 on the data scale": lambda fit: bm.r2(fit, scale="data"),
    "variance components": bm.variance_components,
    "vpc curve": lambda fit: bm.vpc_curve(fit, "x"),
    "pooling curve": bm.pooling_curve,
    "shrinkage": bm.shrinkage,
    "group effects": bm.group_effects,
    "effective groups": bm.effective_groups,
    "what priors imply": lambda fit: bm.prior_table(fit.design).implications,
}
SEVERAL = [
    ("y | weights(w, 'frequency') ~ x * f + z + b + (x | g)", {}),
    ("count | weights(w, 'frequency') ~ x + f + z + b + offset(log(n)) + (1 | g)", {"family": "poisson"}),
    ("yes | weights(w, 'frequency') ~ within(x, g) + between(x, g) + f + z + (1 | g)", {"family": "bernoulli"}),
    ("yes | trials(n) + weights(w, 'frequency') ~ x + f + b + z + (1 | g)", {"family": "binomial"}),
]


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize(("formula", "options"), SEVERAL)
def test_every_summary_of_merged_rows_is_that_of_the_rows_written_out(data, formula, options):
    generator = np.random.default_rng(8)
    data = data.assign(z=generator.normal(3.0, 1.0, 30), b=generator.integers(0, 2, 30), f=np.resize(list("pqr"), 30))
    designs = [prepared(formula, data, **options), prepared(without_weights(formula), written_out(data), **options)]
    at = {"beta": np.linspace(-0.3, 0.5, len(designs[0].mu.population.labels)), "sigma": 1.2, "sd_g": 0.7}
    fits = [fit_at(design, at | {"corr_g": 0.7 * np.eye(2) + 0.3}, 0.01) for design in designs]
    for name, summary in SUMMARIES.items():
        merged, long = (summary(fit) for fit in fits)
        pd.testing.assert_frame_equal(pd.DataFrame(merged), pd.DataFrame(long), rtol=1e-7, obj=name)


def test_replicates_of_a_row_that_stands_for_several_are_refused(data):
    design = prepared(FREQUENCIES[0][0], data)
    at = {"beta": 0.3, "sigma": 1.2, "sd_g": 0.7, "corr_g": np.eye(2)}
    with pytest.raises(SpecError, match="A replicate of the data is not defined for rows with frequency weights"):
        bm.posterior_checks(fit_at(design, at))


def test_headings_say_how_many_rows_frequencies_stand_for_and_in_how_many_lines():
    data = pd.DataFrame({"y": [0.5, 1.5, 4.0, 2.0], "w": [3, 1, 2, 4]})
    design = bm.prepare("y | weights(w, 'frequency') ~ 1", data)
    assert design.row_text == "10 rows in 4 lines with frequencies 'w'"
    fit = fit_at(design, {"beta": 2.0, "sigma": 1.0}, jitter=0.01)
    for page in (str(design), str(bm.summary(fit)), str(bm.prior_table(design.spec, data))):
        assert "10 rows in 4 lines with frequencies 'w'" in " ".join(page.split())
    assert bm.prepare("y ~ 1", data).row_text == "4 rows"


def test_check_data_describes_the_rows_that_frequencies_stand_for():
    data = pd.DataFrame({"y": [0.0, 1.0, 4.0, 2.0], "w": [3, 1, 2, 4], "k": [1, 0, 2, 1]})
    report = bm.check_data("y | weights(w, 'frequency') ~ 1", data)
    assert "10 rows in 4 lines with frequencies. From 0 to 4, mean 1.7." in report.response
    shares = bm.check_data("k | trials(2) + weights(w, 'frequency') ~ 1", data, family="binomial")
    assert "11 of 20 trials (0.55)" in shares.response
