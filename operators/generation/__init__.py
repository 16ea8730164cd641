"""Generate: from settings or a recipe to an order, and from a result to Actions."""

REGISTERED: tuple[str, ...] = ("generate", "prompts")
"""Modules with classes or properties, in the order of registration."""
