"""The picture of a multiverse."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.summaries.priors.decisions import count_signs
from bayesmixed.summaries.priors.multiverse import Multiverse

KEYS = [("one", "a"), ("one", "b"), ("two", "a")]


@pytest.fixture(scope="module")
def multiverse():
    """Three specifications with estimates written by hand; the last fit has not converged."""
    rows = [
        ("effect", "x $1$", *key, m, 1.0, m - 2.0, m + 2.0, 0.01, 0.9)
        for key, m in zip(KEYS, [3.0, -1.0, 1.0], strict=True)
    ]
    rows += [("ICC", "same g", *key, 0.5, 0.1, 0.3, 0.7, 0.01, 1.0) for key in KEYS]
    columns = ["quantity", "name", "structure", "set", "estimate", "sd", "lower", "upper", "mcse", "above"]
    table = pd.DataFrame(rows, columns=columns)
    fits = pd.DataFrame(KEYS, columns=["structure", "set"]).assign(converged=[True, True, False])
    fits = fits.assign(draws="sampled", source="", engine="kernel", elpd_mcse=0.1)
    fits = fits.assign(elpd=[-10.0, -12.0, -11.0], elpd_diff=[0.0, -2.0, -1.0], dse=[0.0, 0.5, 0.4], bad_k=[0, 1, 0])
    signs = count_signs(table[table["structure"] == "one"])
    return Multiverse({}, table, signs, fits, "a new observation in the known groups", ())


def test_specifications_are_sorted_by_each_quantity(multiverse):
    curve, predicted, *_ = bm.plot_multiverse(multiverse).axes
    assert [text.get_text() for text in curve.get_yticklabels()] == ["one / b", "two / a (not converged)", "one / a"]
    points = [line.get_xydata()[0] for line in curve.lines[:3]]
    np.testing.assert_allclose(points, [[-1.0, 0], [1.0, 1], [3.0, 2]])
    np.testing.assert_allclose([line.get_xydata()[0][0] for line in predicted.lines[:3]], [-2.0, -1.0, 0.0])


def test_the_title_says_in_how_many_specifications_the_sign_holds(multiverse):
    curve, _, correlation, _ = bm.plot_multiverse(multiverse).axes
    said = "x $1$\nabove 0 in 1 of 2 specifications (50%), with its 95 % interval in 1"
    assert curve.get_title(loc="left") == said
    assert correlation.get_title(loc="left") == "same g\n2 specifications"


def test_colours_are_structures_and_markers_sets_and_what_has_not_converged_is_grey(multiverse):
    curve = bm.plot_multiverse(multiverse).axes[0]
    drawn = [(line.get_color(), line.get_marker()) for line in curve.lines[:3]]
    assert drawn == [("#0072B2", "s"), ("#767676", "o"), ("#0072B2", "o")]


def test_the_reference_is_the_first_specification_that_converged(multiverse):
    doubtful = multiverse.specifications.assign(converged=[False, True, True])
    changed = Multiverse({}, multiverse.table, multiverse.signs, doubtful, multiverse.estimand, ())
    for found, place in ((multiverse, 3.0), (changed, -1.0)):
        dashed = [line for line in bm.plot_multiverse(found).axes[0].lines if line.get_linestyle() == "--"]
        assert [line.get_xdata()[0] for line in dashed] == [place]
    assert "beginning with one / a." in str(multiverse)
    assert "beginning with one / b." in str(changed)


def test_quantities_that_are_asked_for_are_shown_alone(multiverse):
    assert len(bm.plot_multiverse(multiverse, ["ICC"]).axes) == 2
    with pytest.raises(bm.SpecError, match="'y' is not a quantity of the multiverse"):
        bm.plot_multiverse(multiverse, ["y"])


def test_without_predictions_estimates_stand_alone(multiverse):
    bare = Multiverse(
        {}, multiverse.table, multiverse.signs, multiverse.specifications.assign(elpd=np.nan), "nothing", ()
    )
    assert len(bm.plot_multiverse(bare).axes) == 2
