"""Takes to choose from, in the panel and in the contact sheet.

active_take: Which take of a character is active.
contact_sheet: A contact sheet: all takes at once in the viewport, as ghosts that move with the timeline. A click
    chooses a take.
contact_sheet_drawing: Drawing of the contact sheet in the viewport, and the ghost under the mouse.
contact_sheet_state: The state of the open contact sheet.
ghost_shapes: Ghosts as figures: limbs with volume, places in a row, and the figure under the mouse.
ghosts: Takes as moving points in the world: evaluates each Action's keys as Blender does, without stepping the scene.
takes: The takes of a character: Actions from one request, to compare, star, vary and accept.
"""

REGISTERED: tuple[str, ...] = ("takes", "contact_sheet")
"""Modules with classes or properties, in the order of registration."""
