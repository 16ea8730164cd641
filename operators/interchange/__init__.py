"""Export and import of files: recipes and storyboards.

examples: Examples: small scenes that a button adds to the file, to look at, to play and to change.
file_menu: Entries of File > Import and File > Export.
recipe_files: Motion from recipes: from any Action of this file, and from recipe files.
smpl_files: Export and import of SMPL parameters: .npz files as in AMASS.
smpl_motion: A character's visible motion as SMPL parameters, and SMPL parameters as a take of a character.
storyboard_characters: The characters of storyboards: armatures of this scene, of any family.
storyboards: Import and export of storyboards: characters, paths, pins and shots in a JSON file.
"""

REGISTERED: tuple[str, ...] = ("recipe_files", "smpl_files", "storyboards", "examples")
"""Modules with classes or properties, in the order of registration."""
