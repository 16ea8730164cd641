"""Shots as strips in the timeline and the dope sheet."""

REGISTERED: tuple[str, ...] = ("strip_editing",)
"""Modules with classes or properties, in the order of registration."""
