"""The armature of a character, its Actions, and what is stored on them."""

REGISTERED: tuple[str, ...] = ()
"""Modules with classes or properties, in the order of registration."""
