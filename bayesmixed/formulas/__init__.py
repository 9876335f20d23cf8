"""Formulas: text to a closed list of operations, and their values on a table."""
