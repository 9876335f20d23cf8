"""refit and extend take fits of one response or of several, and send those of a part to the whole."""

import pytest
from joint_models import fit_of_both

import bayesmixed as bm


@pytest.mark.parametrize("again", [lambda fit: bm.refit(fit), lambda fit: bm.extend(fit, 10)])
def test_a_response_is_not_repeated_without_the_others(again):
    with pytest.raises(bm.SpecError, match=r"'y1' was fitted together with 'y2'. bm\.(refit|extend)\(joint"):
        again(fit_of_both()["y1"])
