"""Calls of R's packages, read as data and translated into specs: nothing in them is run."""
