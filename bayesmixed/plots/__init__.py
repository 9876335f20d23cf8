"""Plots: one function for each question asked of a fit."""
