"""Shots as strips in the timeline and the dope sheet.

strip_editing: Strips of shots under the mouse, in the timeline and the dope sheet: choose, drag, name, and a menu.
strip_layout: Where strips of shots lie in a timeline, what the mouse is over, and what dragging makes of them.
strip_view: What a dope sheet shows of the shots, and which strip is under the mouse.
timeline_height: Whether a timeline has room for strips; Blender's default layout has none, and scripts cannot move
    its edges.
"""

REGISTERED: tuple[str, ...] = ("strip_editing",)
"""Modules with classes or properties, in the order of registration."""
