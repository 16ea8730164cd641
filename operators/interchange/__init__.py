"""Export and import of files: recipes and storyboards.

recipe_files: Motion from recipes: from any Action of this file, and from recipe files.
storyboards: Import and export of storyboards: characters, paths, pins and shots in a JSON file.
"""

REGISTERED: tuple[str, ...] = ("recipe_files", "storyboards")
"""Modules with classes or properties, in the order of registration."""
