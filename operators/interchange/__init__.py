"""Files that go out and come in: recipes and storyboards."""

REGISTERED: tuple[str, ...] = ("recipe_files", "storyboards")
"""Modules with classes or properties, in the order of registration."""
