"""Simulation-based calibration: whether fits of simulated data find what was simulated."""
