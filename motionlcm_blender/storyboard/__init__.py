"""Storyboards: several characters with shots and paths, as one JSON file.

blend       Conversion of a storyboard to a .blend with shots, by a Blender in a process of its own.
reading     Reading of storyboards from JSON.
storyboard  Storyboards: several characters, their shots and their paths, as one JSON file.
text        Sentences that name the place of an error in a storyboard.
writing     Writing of storyboards to JSON.
"""
