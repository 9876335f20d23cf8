"""How well a model predicts what was left out."""
