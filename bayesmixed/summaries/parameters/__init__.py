"""What a fit estimated: effects, curves, convergence, and the page that sums them up."""
