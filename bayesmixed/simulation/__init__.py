"""Data simulated from a spec."""
