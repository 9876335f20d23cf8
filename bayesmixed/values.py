"""Frozen values, whose errors name the field that is wrong."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bayesmixed.errors import SpecError, did_you_mean, shorten

Problem = tuple[tuple[int | str, ...], str]


class FieldError(SpecError, ValueError):
    """Fields are wrong; a ValueError, so that Pydantic passes it on from a value within another."""

    problems: tuple[Problem, ...] = ()


class Value(BaseModel):
    """A value with named fields, which are checked when it is made and do not change afterwards.

    Raises
    ------
    SpecError
        A field is unknown or wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            problems = tuple(_read(error, type(self).model_fields))
            lines = (f"'{'.'.join(map(str, where)) or 'spec'}': {message}" for where, message in problems)
            said = FieldError("; ".join(lines))
            said.problems = problems
            raise said from error
        except TypeError as error:
            raise FieldError(f"Names of fields must be text: {error}.") from error


def _read(error: ValidationError, known: Iterable[str]) -> Iterator[Problem]:
    """Yield where each problem is, and what it is."""
    for problem in error.errors():
        where, message, given = problem["loc"], problem["msg"], problem["input"]
        inner = problem.get("ctx", {}).get("error")
        if isinstance(inner, FieldError):
            yield from ((where + place, said) for place, said in inner.problems)
            continue
        if problem["type"] == "extra_forbidden":
            message = f"unknown field. {did_you_mean(str(where[-1]), known)}"
        elif problem["type"] == "missing":
            message = "is missing"
        elif problem["type"] == "literal_error":
            message = f"{shorten(repr(given))} is not known. Accepted: {problem['ctx']['expected']}."
        elif problem["type"] == "string_type":
            message = f"is a text, not a {type(given).__name__}."
        yield where, message
