"""From a spec and a table to a design: checks, advice, and reading of large files."""
