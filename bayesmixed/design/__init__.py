"""A spec on data: arrays, labels, learned state, the priors realised on them, and the likelihood of rows."""
