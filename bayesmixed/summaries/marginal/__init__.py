"""What a model expects: over a grid of rows, for new groups, and for statements about its parameters."""
