"""Takes to choose from, in the panel and in the contact sheet.

contact_sheet: A contact sheet: all takes at once in the viewport, as ghosts that move with the timeline; a click
    chooses one.
contact_sheet_drawing: What the contact sheet looks like in the viewport, and what of it is under the mouse.
contact_sheet_state: What the open contact sheet shows.
ghost_shapes: Ghosts as figures: limbs with volume, where they stand in a row, and which of them is under the mouse.
ghosts: Takes as moving points in the world: what Blender would make of each Action's keys, without stepping the
    scene.
takes: The takes of a character: Actions made together from one order, to be compared, starred, varied and accepted.
"""

REGISTERED: tuple[str, ...] = ("takes", "contact_sheet")
"""Modules with classes or properties, in the order of registration."""
