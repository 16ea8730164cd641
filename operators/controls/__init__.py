"""What a motion follows: paths, pins, facing and ground.

draw_path: Draw Path: a flat curve on the floor, drawn with Blender's own draw tool.
facing: What the direction to face asks of the motion, in the motion's own frame.
ground: Ground to walk on: heights of a mesh, looked up once before a motion is made.
path_speed: How fast the chosen path will be walked, known before generating.
pins: Pins: a hand, a foot, the head or the hips held at an object, animated or not, for some frames of the scene.
trajectory: A root trajectory out of a curve object or an object with animated location.
"""

REGISTERED: tuple[str, ...] = ("draw_path", "path_speed", "pins")
"""Modules with classes or properties, in the order of registration."""
