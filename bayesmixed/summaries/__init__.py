"""Summaries of a fit: numbers and tables that can be read aloud."""
