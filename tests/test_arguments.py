"""Arguments are checked against annotations before a function runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.arguments import checked
from bayesmixed.errors import SpecError


@checked
def function(
    name: str,
    seed: int = 1,
    level: float = 0.9,
    flag: bool = False,
    columns: Sequence[str] = (),
    numbers: Mapping[str, float] | None = None,
    path: str | Path | None = None,
    pair: tuple[float, float] | None = None,
    draw: Callable[..., Any] | None = None,
    draws: int = 10,
    **further: Any,
) -> tuple[Any, ...]:
    """Return what was given."""
    return name, seed, level, flag, columns, numbers, path, pair, draw, draws, further


def test_arguments_of_the_right_kind_pass_unchanged():
    given = ("a", 2, 0.5, True, ["x"], {"a": 1}, Path("p"), [0.1, 0.9], len, 5)
    assert function(*given, other=1) == (*given, {"other": 1})
    assert function("a", np.int64(3), np.float64(0.5), np.True_)[1:4] == (3, 0.5, True)
    assert function("a", seed=0)[1] == 0
    assert function("a", columns=())[4] == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": 3}, "name must be a text, not 3."),
        ({"seed": 1.5}, "seed must be a whole number, not 1.5."),
        ({"seed": True}, "seed must be a whole number, not True."),
        ({"seed": -1}, "seed=-1 is impossible; it must be at least 0."),
        ({"draws": 0}, "draws=0 is impossible; it must be at least 1."),
        ({"draws": 10**10}, "it must be at most 1,000,000,000."),
        ({"level": "0.9"}, "level must be a number, not '0.9'."),
        ({"flag": 1}, "flag must be True or False, not 1."),
        ({"columns": "x"}, "columns must be a list, each item a text, not 'x'."),
        ({"columns": [1]}, "columns must be a list, each item a text, not [1]."),
        ({"numbers": {"a": "b"}}, "numbers must be a mapping of names, each to a number, not {'a': 'b'}."),
        ({"numbers": {1: 2.0}}, "numbers must be a mapping of names"),
        ({"path": 4}, "path must be a text or a path, not 4."),
        ({"pair": [0.1]}, "pair must be 2 items, each a number, not [0.1]."),
        ({"draw": 1}, "draw must be a function, not 1."),
        ({"name": object()}, "name must be a text, not an object."),
    ],
)
def test_what_is_of_another_kind_is_refused_in_one_sentence(arguments, message):
    with pytest.raises(SpecError) as refused:
        function(**({"name": "a"} | arguments))
    assert message in str(refused.value)


def test_an_empty_list_is_refused_unless_it_is_the_default():
    @checked
    def other(columns: Sequence[str] | None = None) -> Any:
        return columns

    with pytest.raises(SpecError, match="columns is an empty list"):
        other([])


def test_calls_that_python_refuses_are_refused_by_python_and_the_name_and_text_of_a_function_stay():
    with pytest.raises(TypeError, match="function"):
        function()
    assert function.__name__ == "function"
    assert function.__doc__ == "Return what was given."


def test_numbers_of_numpy_and_what_is_read_once_arrive_as_those_of_python():
    @checked
    def other(number: float | Sequence[float], flag: bool = True, columns: Iterable[str] = ()) -> Any:
        return number, flag, columns, list(columns)

    number, flag, columns, again = other(np.int8(3), flag=np.False_, columns=(name for name in "ab"))
    assert (type(number), number, flag) == (int, 3, False)
    assert columns == ("a", "b")
    assert again == ["a", "b"]


@pytest.mark.parametrize("codes", [-999, "-999", np.int16(-999), np.float32(-999), "iterator", [-999], {-999}], ids=str)
def test_codes_of_missing_values_are_the_same_in_each_form(codes):
    codes = iter([-999]) if codes == "iterator" else codes
    data = pd.DataFrame({"y": np.arange(12.0), "x": [-999.0, *np.arange(11.0) ** 0.5]})
    assert len(bm.prepare("y ~ x", data, missing="drop", na=codes).response) == 11


@pytest.mark.parametrize(("make", "said"), [(list, "a list"), (tuple, "a tuple"), (iter, "a list_iterator")])
def test_fits_without_names_are_asked_for_theirs(make, said):
    fit = bm.load_fit("herd_period")
    with pytest.raises(bm.SpecError, match=f"fits must be a mapping of names.*, not {said}. Give each its name: fits="):
        bm.compare_models(make([fit, fit]), unit="observation")
