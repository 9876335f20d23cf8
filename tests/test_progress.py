"""One line of progress: rewritten, nested, removed, and nothing where nothing can be rewritten."""

import io
from types import SimpleNamespace

import pytest

from bayesmixed import progress
from bayesmixed.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def screen(self):
        """Return the line that a reader sees."""
        shown = []
        for part in self.getvalue().split("\r"):
            shown[: len(part)] = part
        return "".join(shown).rstrip()


@pytest.fixture
def terminal(monkeypatch):
    stream = write_to(monkeypatch, Terminal())
    for name in ("_FIRST", "_AGAIN"):
        monkeypatch.setattr(progress, name, 0.0)
    return stream


def write_to(monkeypatch, stream):
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream, modules={}))
    return stream


def test_a_line_is_rewritten_and_removed(terminal):
    with ProgressLine("sampling") as line:
        line.show(0.25, "3 divergences")
        assert terminal.screen().startswith("sampling: 25 %, 0 s to go, 3 divergences")
        line.show(0.5)
        assert terminal.screen() == "sampling: 50 %, 0 s to go"
    assert terminal.screen() == ""
    assert "\n" not in terminal.getvalue()
    line.show(0.9)
    assert terminal.screen() == ""


def test_a_line_within_another_one_goes_on_after_it(terminal):
    with ProgressLine("tables") as outer:
        for item in outer.follow(iter("ab"), 2):
            with ProgressLine("sampling") as inner:
                inner.show(0.0)
                done, share = {"a": (1, 50), "b": (2, 100)}[item]
                assert terminal.screen() == f"tables: {share} %, 0 s to go, {done} of 2 | sampling: 0 %"
    assert terminal.screen() == ""


def test_a_line_never_exceeds_a_terminal(terminal, monkeypatch):
    with ProgressLine("x" * 200) as line:
        line.show(0.5)
    assert max(map(len, terminal.getvalue().split("\r"))) <= 79


def test_what_is_not_to_be_shown_or_is_over_at_once_writes_nothing(terminal, monkeypatch):
    with ProgressLine("sampling", shown=False) as line:
        line.show(0.5)
    monkeypatch.setattr(progress, "_FIRST", 1.0)
    with ProgressLine("sampling") as line:
        line.show(0.5)
    assert terminal.getvalue() == ""


def test_a_file_gets_whole_lines_and_seldom(monkeypatch):
    stream = write_to(monkeypatch, io.StringIO())
    with ProgressLine("sampling") as line:
        line.show(0.5)
    assert stream.getvalue() == ""
    monkeypatch.setattr(progress, "_IN_LOGS", 0.0)
    with ProgressLine("sampling") as line:
        line.show(0.25)
        line.show(0.5)
    assert stream.getvalue() == "sampling: 25 %, 0 s to go\nsampling: 50 %, 0 s to go\n"


def test_an_error_removes_the_line(terminal):
    def fail():
        with ProgressLine("sampling") as line:
            line.show(0.5)
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    assert terminal.screen() == ""


def test_a_whole_line_takes_the_place_of_progress(terminal):
    with ProgressLine("sampling") as line:
        line.show(0.5)
        progress.say("Compiling ...")
        assert terminal.getvalue().endswith("\rCompiling ...\n")


@pytest.mark.parametrize(("seconds", "text"), [(3.2, "3 s"), (119, "119 s"), (150, "2 min"), (9000, "2 h")])
def test_times_have_the_unit_of_a_reader(seconds, text):
    assert progress._duration(seconds) == text


class Plain:
    def write(self, text):
        return len(text)


class Hung(Terminal):
    def write(self, text):
        raise OSError(5, "Input/output error")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("make", [lambda: None, Plain, Hung, closed], ids=["none", "plain", "hung up", "closed"])
def test_a_run_goes_on_where_nothing_can_be_written(make, monkeypatch, capsys):
    write_to(monkeypatch, make())
    for name in ("_FIRST", "_AGAIN", "_IN_LOGS"):
        monkeypatch.setattr(progress, name, 0.0)
    with ProgressLine("sampling") as line:
        line.show(0.5)
        progress.say("a whole line")
        line.show(1.0)
    assert capsys.readouterr().out == ""


def test_names_of_several_lines_stay_on_one(terminal):
    with ProgressLine("models") as line:
        line.show(0.5, "y ~ x +\n    (1 | g)")
        assert terminal.screen().endswith("y ~ x + (1 | g)")
