"""The demonstration: the numbers that it prints are those of the data and of the fit."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import special

import bayesmixed as bm
from bayesmixed.demo import PLOT, _print_estimates, _print_shrinkage, _probabilities, run_demo

DATA = bm.datasets.load("cbpp")


@pytest.fixture(scope="module")
def herds():
    return fit_at(bm.prepare("herd", DATA), {"beta": -2.0, "sd_herd": 0.8}, jitter=0.02)


def printed(capsys):
    """Return the columns and the rows of the table that was printed."""
    _, _, header, *lines = capsys.readouterr().out.strip().splitlines()
    return header.split(), [line.split() for line in lines]


def test_cases_and_animals_are_those_of_each_herd(herds, capsys):
    _print_shrinkage(herds, DATA)
    columns, lines = printed(capsys)
    rows = pd.DataFrame(lines[:15], columns=columns).astype(float).set_index("herd")
    assert len(rows) == 15
    sums = DATA.groupby("herd")[["incidence", "size"]].sum()
    sums.index = sums.index.astype(float)
    np.testing.assert_array_equal(rows[["cases", "animals"]], sums.loc[rows.index])
    assert rows["factor"].between(0, 1).all()


def test_the_probability_of_a_typical_herd_is_the_inverse_logit_and_that_over_herds_its_mean(herds):
    found = _probabilities(herds, {"typical": "typical herd", "average": "mean over herds"})
    points, weights = np.polynomial.hermite_e.hermegauss(40)
    mean = special.expit(-2.0 + 0.8 * points) @ weights / weights.sum()
    assert list(found["term"]) == ["typical herd", "mean over herds"]
    assert found["mean"].astype(float).tolist() == pytest.approx([special.expit(-2.0), mean], abs=0.005)


def test_the_icc_that_is_printed_is_that_of_the_latent_scale(herds, capsys):
    _print_estimates(herds)
    text = capsys.readouterr().out
    line = next(line for line in text.splitlines() if "icc" in line.split())
    numbers = [float(word) for word in line.split() if word.replace(".", "").isdigit()]
    assert numbers[0] == pytest.approx(0.64 / (0.64 + np.pi**2 / 3), abs=0.01)


@pytest.mark.slow
def test_the_demonstration_leaves_a_fit_and_a_picture(tmp_path, capsys):
    fit = run_demo(tmp_path / "demo")
    assert bm.load_fit(tmp_path / "demo" / "fit.nc").posterior.equals(fit.posterior)
    assert (tmp_path / "demo" / PLOT).read_bytes()[:4] == b"\x89PNG"
    headings = ["Question", "Data", "Model", "Convergence", "Estimated", "Predicted", "Written", "Next"]
    text = capsys.readouterr().out
    places = [text.index(f"\n{heading}") for heading in headings]
    assert places == sorted(places)
