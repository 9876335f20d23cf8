"""The model as a value: its formula, its family, its priors, in files and as text."""
