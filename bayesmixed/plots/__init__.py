"""Plots: one function per question that a person asks of a fit."""
