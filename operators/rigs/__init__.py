"""Any humanoid armature: its description for the engine, and motions written onto it.

apply_motion: Write a clip of the engine onto an armature of any family as an Action, with the switches of its controls.
body_reading: Read an Action of a recognised armature as a clip of its body.
job_keys: From a motion to a clip and keys of a recognised armature, and to its channels.
recognised: The armature of a character, whatever family it is of.
rig_description: An armature object as the engine's plain description.
switches: Set the switches by which the keyed controls of a rig rule, and put them back.
switch_watch: Put the switches back when the motion that set them is no longer on the rig.
visible_motion: The visible motion of a character as a clip of SMPL's joints.
"""

REGISTERED: tuple[str, ...] = ("switch_watch",)
"""Modules with classes or properties, in the order of registration."""
