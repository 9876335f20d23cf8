"""Errors and warnings that a user of bayesmixed can meet."""

import re
import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Self

MOST_QUOTED = 200
"""Characters of input that an error repeats."""
LONG = 600
"""Characters of an error in which quotations are no longer told apart: a text that holds quotes looks like several."""
MOST_SAID = 1000
"""Characters of an error, whatever it repeats."""


class BayesMixedError(Exception):
    """Root of all errors of this package; catch it to catch them all.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> try:
    ...     bm.load_spec("herrd")
    ... except bm.BayesMixedError as error:
    ...     print(type(error).__name__)
    SpecError
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(_shorten_quotations(str(message)))

    def after(self, head: str) -> Self:
        """Return an error of this kind that says something first; only what it said before is shortened to make room."""
        error, said = type(self)(head), str(self)
        room = MOST_SAID - len(str(error)) - 1
        error.args = (f"{error} {said if len(said) <= room else shorten(said, room)}",)
        return error


class SpecError(BayesMixedError):
    """The model specification cannot be read, or asks for something that does not exist.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> try:
    ...     bm.from_formula("y ~ x", family="binomail")
    ... except bm.SpecError as error:
    ...     print(error)
    Family 'binomail' is not known. Did you mean 'binomial'?
    """


class DataError(BayesMixedError):
    """The data, or a file, do not fit the model specification.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> try:
    ...     bm.datasets.load("cbp")
    ... except bm.DataError as error:
    ...     print(error)
    Data set 'cbp' is not known. Did you mean 'cbpp'?
    """


class SamplingError(BayesMixedError):
    """The sampler could not start or left no complete draw.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> issubclass(bm.SamplingError, bm.BayesMixedError)
    True
    """


class StatisticsWarning(UserWarning):
    """The model can be fitted, but a statistician would want to know something first.

    Examples
    --------
    >>> import warnings
    >>> import bayesmixed as bm
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", bm.StatisticsWarning)  # or "error", to stop there
    ...     design = bm.prepare("incidence ~ 1 + (1 | herd)", bm.datasets.load("cbpp"))
    """


def warn(note: str) -> None:
    """Issue a `StatisticsWarning` that points to the line of the user's own code."""
    warnings.warn(note, StatisticsWarning, skip_file_prefixes=(str(Path(__file__).parent),))


def _shorten_quotations(message: str) -> str:
    """Return a message with the middle of long quotations left out, and of itself if it is still too long."""
    quotations = r"(?<!\w)'[^']{200,}'(?!\w)|(?<!\w)\"[^\"]{200,}\"(?!\w)|\S{200,}"
    quoted = re.sub(quotations, _cut, message)
    quoted = re.sub(r"(['\"]).*\1", _cut, quoted, flags=re.DOTALL) if len(quoted) > LONG else quoted
    return shorten(quoted, MOST_SAID) if len(quoted) > MOST_SAID else quoted


def _cut(found: re.Match[str]) -> str:
    return shorten(found[0], MOST_QUOTED)


def did_you_mean(given: str, accepted: Iterable[str]) -> str:
    """Return a sentence that names the closest accepted word, else all of them."""
    given, words = given[:MOST_QUOTED], [str(word) for word in accepted]
    close = get_close_matches(given, words, n=1, cutoff=0.6)
    if not close:
        close = [word for word in words if word.casefold() == given.casefold()]
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Accepted: {', '.join(words)}." if words else ""


def check_choice(what: str, given: str, accepted: Iterable[str]) -> None:
    """Refuse a word that is not among those accepted, with what it is called: "Style {}", "kind={}" (SpecError)."""
    words = list(accepted)
    if given not in words:
        raise SpecError(f"{what.format(f"'{given}'")} is not known. {did_you_mean(given, words)}")


def shorten(text: str, most: int = 120) -> str:
    """Return a text that an error may repeat: on one line, the middle left out if it is long."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else f"{line[: most // 2]} ... {line[-(most // 4) :]}"


def enumerate_words(words: Iterable[object], most: int = 5) -> str:
    """Return words in quotes, joined by commas, the list cut after `most` of them."""
    listed = [f"'{word}'" for word in words]
    shown = ", ".join(listed[:most])
    return shown if len(listed) <= most else f"{shown} and {len(listed) - most} more"


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
