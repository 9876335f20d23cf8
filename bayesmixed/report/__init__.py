"""A fit as one HTML file that explains it."""

from bayesmixed.report.writing import write_report

__all__ = ["write_report"]
