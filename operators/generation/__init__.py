"""Generate: from settings or a recipe to an order, and from a result to Actions.

action_recipes: Recipes to and from the custom properties of an Action.
generate: The operators Generate, Generate Again, Refit Keys and Cancel.
order_builder: The input of a generation job, built decision by decision; the scene, a shot and a recipe are its three
    sources.
orders: Orders for generations: from the settings of the scene, or from a recipe.
prompt_history: The earlier prompts of a scene.
prompts: Small helps around the prompt: dice, history, and settings out of an Action's recipe.
write_actions: A result as Actions of the character, and their keys fitted again.
"""

REGISTERED: tuple[str, ...] = ("generate", "prompts")
"""Modules with classes or properties, in the order of registration."""
