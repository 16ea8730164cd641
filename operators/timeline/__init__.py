"""Shots as strips in the timeline and the dope sheet.

strip_editing: Strips of shots under the mouse, in the timeline and the dope sheet: choose, drag, edit the prompt, open
    the menu.
strip_layout: Places of the strips in a timeline, the strip under the mouse, and the result of dragging.
strip_view: The shots that a dope sheet shows, and the strip under the mouse.
timeline_height: Whether a timeline is high enough for strips. Blender's default layout is not, and scripts cannot move
    area borders.
"""

REGISTERED: tuple[str, ...] = ("strip_view", "strip_editing")
"""Modules with classes or properties, in the order of registration."""
