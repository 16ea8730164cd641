"""How good a model is: text, reconstruction, control, obedience and quality, measured with intervals."""
