import dataclasses

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm


@pytest.fixture(scope="module")
def found():
    return bm.ladder("herd", bm.datasets.load("cbpp"), posterior=False)


def test_each_panel_shows_the_estimates_of_one_parameter_and_the_finest_as_a_line(found):
    figure = bm.plot_ladder(found)
    for axes in figure.axes:
        rows = found.table[found.table["parameter"] == axes.get_title()].set_index("rung").loc[found.rungs.index]
        assert np.array_equal(axes.collections[-1].get_offsets()[:, 0], rows["estimate"])
        assert axes.lines[0].get_xdata()[0] == rows["estimate"][found.rungs.index[found.rungs["finest"]]].iloc[0]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(found.rungs.index)


def test_more_panels_than_a_reader_can_take_are_refused(found):
    table = pd.concat([found.table.assign(parameter=f"beta[x{i}]") for i in range(25)])
    with pytest.raises(bm.SpecError, match="25 parameters are more than 24"):
        bm.plot_ladder(dataclasses.replace(found, table=table))
