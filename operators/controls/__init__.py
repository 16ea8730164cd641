"""What a motion follows: paths, pins, facing and ground."""

REGISTERED: tuple[str, ...] = ("draw_path", "path_speed", "pins")
"""Modules with classes or properties, in the order of registration."""
