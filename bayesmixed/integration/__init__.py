"""Integrals over normal effects: means of functions, laws of effects given rows, densities of rows without their effects."""
