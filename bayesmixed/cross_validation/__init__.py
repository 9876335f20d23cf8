"""Units that are left out: their densities, and how well models predict them."""
