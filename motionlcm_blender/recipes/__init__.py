"""Recipes: all that it takes to generate a motion again, in an Action or a JSON file.

fields         Names, kinds and limits of the fields of a recipe.
recipe         Recipes.
replay         A recipe generated again, as it is written to a file.
serialization  Recipes to and from named values, the properties of an Action, and JSON files.
"""
