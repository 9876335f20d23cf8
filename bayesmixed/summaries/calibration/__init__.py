"""Whether a sampler finds the parameters of data made from the priors."""
