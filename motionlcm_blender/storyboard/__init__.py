"""Storyboards: several characters with shots and paths, as one JSON file.

blend       A storyboard to a .blend with real shots in it, made by a Blender in a process of its own.
reading     JSON to storyboard.
storyboard  A storyboard.
text        Sentences about a storyboard: where in it something is wrong.
writing     Storyboard to JSON.
"""
