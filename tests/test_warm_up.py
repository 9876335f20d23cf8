"""warm-up: every engine that compiles has a model here, and what is compiled is kept."""

import pytest

import bayesmixed as bm
from bayesmixed import warm_up
from bayesmixed.engines import ENGINES
from bayesmixed.engines.runs import compilation_of
from bayesmixed.kernels import bridge


def test_every_engine_with_functions_of_its_own_is_compiled():
    assert set(warm_up.MODELS) == {*ENGINES} - {"pymc"} | {"maximum likelihood", "leaving out"}


def test_all_are_compiled_in_other_processes_and_timed(monkeypatch, capsys):
    asked = {}

    def fake(run, task, numbers, *, processes):
        asked["processes"] = processes
        yield from ((task[number], 2.0 + number) for number in reversed(numbers))

    monkeypatch.setattr(warm_up, "run_tasks", fake)
    found = warm_up.warm_up(1)
    assert asked == {"processes": 2}
    assert found["engine"].tolist() == list(warm_up.MODELS)
    assert found["seconds"].tolist() == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert warm_up.kept_in() in capsys.readouterr().err


@pytest.mark.parametrize("number", range(len(warm_up.MODELS)))
def test_each_model_is_one_of_its_engine(number, monkeypatch):
    called = []
    monkeypatch.setattr(
        warm_up, "sample", lambda design, *, engine, **_: called.append(ENGINES[engine].supports(design))
    )
    monkeypatch.setattr(warm_up, "approximate", lambda design: called.append(None))
    monkeypatch.setattr(warm_up, "compile_integrals", lambda: called.append(None))
    assert warm_up._compile(list(warm_up.MODELS), number)[0] == list(warm_up.MODELS)[number]
    assert called == [None]


def test_without_a_folder_that_can_be_written_it_says_what_to_set(monkeypatch):
    monkeypatch.setattr(bridge, "cache_folder", lambda function: None)
    with pytest.raises(bm.SpecError, match="NUMBA_CACHE_DIR"):
        warm_up.warm_up()


def test_the_message_names_the_engine_and_how_to_compile_all():
    assert "engine 'kernel'" in compilation_of("engine 'kernel'")
    assert "`bayesmixed warm-up` compiles all" in compilation_of("engine 'kernel'")


@pytest.mark.slow
def test_after_a_warm_up_every_engine_is_in_the_cache():
    from bayesmixed.cross_validation.set_integrals import integrate_plain_sets_compiled, integrate_sets_compiled
    from bayesmixed.kernels.collapsed.compiled import collapsed_function
    from bayesmixed.kernels.joint.compiled import density_function
    from bayesmixed.kernels.marginal.compiled import estimate

    warm_up.warm_up(2, progress=False)
    compiled = collapsed_function, density_function, estimate, integrate_sets_compiled, integrate_plain_sets_compiled
    assert all(bridge.is_cached(one) for one in compiled)
