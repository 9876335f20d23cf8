"""The variance dossier and its parts: curves, typical ratios, negligible SDs, effective numbers of groups."""

import numpy as np
import pytest
from crossed_fits import crossed_fit, known

import bayesmixed as bm

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


@pytest.mark.parametrize("name", known)
def test_every_family_has_a_dossier(name):
    dossier = bm.variance_dossier(
        crossed_fit(name, formula="~ x + (x | g) + (1 | h)", values={"beta": 0.2, "corr_g": np.eye(2)})
    )
    assert {"icc", "vpc", "ratios", "negligible", "effective", "r2"} <= {*dossier.tables} | {
        "vpc" if "Share of the variance" in note else "" for note in dossier.notes
    }
    assert "Intraclass correlation" in str(dossier)
    assert dossier._repr_html_().count("<table") == len(dossier.tables)


def test_a_dossier_without_groups_is_refused():
    with pytest.raises(bm.SpecError, match=r"add a term such as \(1 \| group\)"):
        bm.variance_dossier(crossed_fit("gaussian", formula="~ x"))
