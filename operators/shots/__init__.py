"""Shots: the list, the motion of each, and their track in the NLA."""

REGISTERED: tuple[str, ...] = ("shot_list", "edit_shots", "generate_shots")
"""Modules with classes or properties, in the order of registration."""
