"""Any humanoid armature: its description for the engine, and motions written onto it.

apply_motion: Write a clip of the engine onto an armature of any family as an Action, with the switches of its controls.
rig_description: An armature object as the engine's plain description.
switches: Set the switches by which the keyed controls of a rig rule, and put them back.
"""

REGISTERED: tuple[str, ...] = ()
"""Modules with classes or properties, in the order of registration."""
