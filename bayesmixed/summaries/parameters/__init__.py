"""What a fit estimated: population and group effects, curves, and all quantities as one table."""
