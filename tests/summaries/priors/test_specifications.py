"""Which specifications a multiverse has, and which are refused or left out."""

import pytest

import bayesmixed as bm
from bayesmixed.summaries.priors.specifications import lay_out_specifications, read_structures

SPEC = bm.from_formula("Reaction ~ Days + (1 | Subject)", priors={"sigma": "HalfNormal(40)"})
SLOPES = {"slopes": "~ . - (1 | Subject) + (Days | Subject)"}
pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def lay_out(sets, structures=SLOPES, data=None, **options):
    data = bm.datasets.load("sleepstudy") if data is None else data
    return lay_out_specifications(SPEC, data, sets, structures, **{"missing": "error", "na": (), **options})


def test_a_structure_has_all_of_the_spec_but_its_formula():
    read = read_structures(SPEC, SLOPES)
    assert list(read) == ["spec", "slopes"]
    assert read["slopes"].formula == "Reaction ~ 1 + Days + (1 + Days | Subject)"
    assert read["slopes"].priors == SPEC.priors
    whole = read_structures(SPEC, ["Reaction ~ Days", "Reaction ~ Days + (Days || Subject)"])
    assert list(whole) == ["spec", "Reaction ~ Days", "Reaction ~ Days + (Days || Subject)"]


def test_the_spec_is_counted_once_under_the_name_that_it_is_given():
    read = read_structures(SPEC, {"slopes": SLOPES["slopes"], "mine": "Reaction ~ Days + (1 | Subject)"})
    assert list(read) == ["slopes", "mine"]


def test_priors_of_what_a_structure_lacks_are_left_out_there_and_said():
    found = lay_out({"own": {}, "steep": {"sd_Subject[Days]": "HalfNormal(1)", "beta[Days]": "Normal(0, 1)"}})
    assert found.notes == ("spec, steep: without the prior of 'sd_Subject[Days]', which this structure does not have.",)
    assert str(found.sets["spec"]["steep"].design.priors["beta[Days]"].prior) == "Normal(0, 1)"
    assert str(found.sets["slopes"]["steep"].design.priors["sd_Subject[Days]"].prior) == "HalfNormal(1)"


def test_sets_that_are_the_same_in_a_structure_are_counted_once():
    found = lay_out({"own": {}, "steep": {"sd_Subject[Days]": "HalfNormal(1)"}, "again": 1, "default": "default"})
    assert {name: list(sets) for name, sets in found.sets.items()} == {
        "spec": ["own", "again"],
        "slopes": ["own", "steep", "again"],
    }
    assert "spec, steep: the same priors as own, counted once." in found.notes
    assert "slopes, default: the same priors as again, counted once." in found.notes


@pytest.mark.parametrize(
    ("sets", "structures", "message"),
    [
        ({"own": {}}, {}, "1 structures x 1 prior sets are 1 specifications; a multiverse has 2 to 60"),
        ({str(n): n for n in range(1, 32)}, SLOPES, "2 structures x 31 prior sets are 62 specifications"),
        ({"own": {}, "odd": {"sd_Subjct": 1}}, SLOPES, "Prior set 'odd': no structure has a parameter 'sd_Subjct'"),
        ({"own": {}}, {"a": "~ . + nothing"}, "Structure 'a': .*'nothing'"),
        ({"own": {}}, {"a": "~ ."}, "1 structures x 1 prior sets"),
        ({"own": {}}, {"a": "~ Days", "b": "Reaction ~ Days"}, "'a' and 'b' are the same model"),
        ({"own": {}}, {"spec": "~ Days"}, "'spec' is what the model itself is called"),
        ({"own": {}}, {"a": "~ Days +"}, "Structure 'a': "),
        ({"own": {}}, {"a": "Days ~ Reaction"}, "Structure 'a' has the response Days, the spec Reaction"),
    ],
)
def test_what_is_no_multiverse_is_refused_before_any_sampling(sets, structures, message):
    with pytest.raises(bm.BayesMixedError, match=message):
        lay_out(sets, structures)


def test_structures_of_different_rows_are_refused():
    data = bm.datasets.load("sleepstudy").assign(z=1.0)
    data.loc[3:5, "z"] = None
    data.loc[0, "z"] = 2.0
    with pytest.raises(bm.DataError, match="not fitted to the same rows"):
        lay_out({"own": {}}, {"z": "~ . + z"}, data, missing="drop")
