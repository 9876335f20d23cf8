"""Names of other packages lead to the functions here."""

import re

import pytest

import bayesmixed as bm
from bayesmixed.peer_names import PEER_NAMES
from bayesmixed.translation.r_models import R_MODELS


@pytest.mark.parametrize("name", PEER_NAMES)
def test_the_name_of_a_peer_leads_to_a_function_that_exists(name):
    with pytest.raises(AttributeError, match="has no attribute") as error:
        getattr(bm, name)
    assert PEER_NAMES[name] in str(error.value)
    called = re.findall(r"bm\.(\w+)", PEER_NAMES[name])
    assert called or "fit." in PEER_NAMES[name]
    assert set(called) <= set(bm.__all__)
    assert name not in bm.__all__


def test_every_function_that_is_translated_leads_to_the_translation():
    assert all("bm.from_r" in PEER_NAMES[name] for name in R_MODELS if name.isidentifier())


def test_other_names_are_no_attributes_and_copies_find_none():
    with pytest.raises(AttributeError, match=r"has no attribute 'nothing'$"):
        bm.nothing  # noqa: B018
    assert not hasattr(bm, "ranef")
    assert "ranef" not in dir(bm)
