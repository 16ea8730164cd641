"""What a motion follows: paths, pins, facing and ground.

draw_path: Draw Path: a flat curve on the floor, drawn with Blender's own draw tool.
facing: The direction to face, in the motion's coordinate frame.
ground: Ground to walk on: heights of a mesh, sampled once before a generation.
known_ground: The ground of previews: sampled near the way only, and kept while its surface stays.
known_path: The path of previews: what was made of a curve is kept while its points and their timing stay the same.
path_speed: The walking speed along the chosen path, computed before a generation.
pins: Pins: a hand, a foot, the head or the hips held at an object, which may be animated, for some frames of the scene.
trajectory: A root trajectory from a curve object or an object with animated location.
"""

REGISTERED: tuple[str, ...] = ("draw_path", "path_speed", "pins")
"""Modules with classes or properties, in the order of registration."""
