"""Export and import of files: recipes and storyboards.

recipe_files: Motion out of recipes: of any Action of this file, and of recipe files.
storyboards: Storyboards in Blender: characters, paths, pins and shots out of a JSON file, and those of a scene into
    one.
"""

REGISTERED: tuple[str, ...] = ("recipe_files", "storyboards")
"""Modules with classes or properties, in the order of registration."""
