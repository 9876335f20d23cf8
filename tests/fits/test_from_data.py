"""fit takes one response or several; which, the spec says."""

import pytest
from joint_models import FORMULAS, table

import bayesmixed as bm
from bayesmixed.fits import from_data


@pytest.fixture
def without_sampling(monkeypatch):
    monkeypatch.setattr(from_data, "sample_joint", lambda design, **settings: (design, settings))


@pytest.mark.parametrize("way", ["list", "tuple", "spec", "file"])
def test_several_responses_are_a_list_a_spec_or_a_file(way, tmp_path, without_sampling):
    given = {
        "list": list(FORMULAS),
        "tuple": FORMULAS,
        "spec": bm.JointSpec(models=FORMULAS),
        "file": tmp_path / "both.toml",
    }
    bm.save_spec(given["spec"], given["file"])
    design, settings = bm.fit(given[way], table(), rescor=True, seed=2, draws=7)
    assert list(design.matrices) == ["corr_g", "rescor"]
    assert (settings["seed"], settings["draws"]) == (2, 7)


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        ("y1 ~ x", {"rescor": True}, "rescor is for several responses"),
        (list(FORMULAS), {"sigma": "~ x"}, r"sigma=\.\.\. With several formulas it belongs to one of them"),
        (list(FORMULAS), {"residual": "ar1(x | g)"}, r"residual=\.\.\. With several formulas"),
        (list(FORMULAS), {"impute": {"x": "~ z"}}, r"impute=\.\.\. With several formulas"),
        ("y1 ~ x", {"family": ["gaussian", "poisson"]}, "famil"),
    ],
)
def test_options_of_the_other_kind_are_refused(spec, options, said):
    with pytest.raises(bm.SpecError, match=said):
        bm.fit(spec, table(), **options)
