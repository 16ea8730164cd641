"""Generate: from settings or a recipe to an order, and from a result to Actions.

action_recipes: Recipes to and from the custom properties of an Action.
first_motion: Make a Character Walk Here: a character, a path and a motion along it with one press, and one undo step.
generate: The operators Generate, Generate Again, Refit Keys and Cancel.
order_builder: Builds the input of a generation job decision by decision, from one of three sources: the scene, a shot,
    or a recipe.
library_prompts: Operators of the prompt library: use a prompt of the model's library, or one at random.
orders: Job inputs for generations: from the settings of the scene, or from a recipe.
prompt_history: The prompt history of a scene.
prompts: Operators around the prompt: random seed, history, search, recalled settings, and the length of a path.
write_actions: Write a result to Actions of the character, and fit their keys again.
"""

REGISTERED: tuple[str, ...] = ("generate", "prompts", "library_prompts", "first_motion")
"""Modules with classes or properties, in the order of registration."""
