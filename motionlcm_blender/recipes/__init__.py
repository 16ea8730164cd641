"""Recipes: everything needed to generate a motion again, stored in an Action or a JSON file.

fields         Names, types and limits of the fields of a recipe.
recipe         Recipes: everything needed to generate one motion again, as plain values for an Action or a JSON
               file.
replay         Replay of recipes: the motion as it is written to a file.
serialization  Conversion of recipes to named values, to the properties of an Action, and to JSON files, and back.
"""
