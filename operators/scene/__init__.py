"""What every other part needs of Blender: the scene, its time, objects found again, messages."""

REGISTERED: tuple[str, ...] = ()
"""Modules with classes or properties, in the order of registration."""
