"""Integrals over normal effects: means of functions, distributions of effects given rows, densities of rows."""
