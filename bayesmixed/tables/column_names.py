"""Names of columns, as formulas write them."""

import re


def quote_name(name: str) -> str:
    """Return a column name as formulas write it: in backticks unless it is a plain word."""
    return name if is_plain(name) else f"`{name}`"


def is_plain(name: str) -> bool:
    """Return whether a name can be used in a formula without backticks."""
    plain = re.fullmatch(r"[^\W\d]\w*(?:\.\w+)*", name) is not None
    return plain and name not in RESERVED


RESERVED = frozenset({"and", "or", "not", "True", "False", "None", "TRUE", "FALSE", "NULL", "Intercept"})
"""Words that are column names only in backticks."""
