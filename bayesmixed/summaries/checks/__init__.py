"""Whether data made by the model look like the data."""
