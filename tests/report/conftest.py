"""The documents that all tests of reports read, each written once."""

import pytest
from report_fits import MAKERS

from bayesmixed.report.documents import write_document


@pytest.fixture(scope="session")
def documents():
    """Return the text of each report of `MAKERS`."""
    return {name: write_document(make()) for name, make in MAKERS.items()}
