"""The command line: every command is a few calls of public functions."""

from bayesmixed.cli.application import app, main

__all__ = ["app", "main"]
