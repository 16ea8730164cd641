"""The armature of a character, its Actions, and what is stored on them.

action_match: Whether the Actions of a character still reach its bones: slot, names of bones, rotation modes, rest
    position.
action_sampling: Evaluate the curves of an Action at given frames, without stepping the scene.
actions: Write motion and recipes to Actions, on every Blender from 4.2 on.
character_lookup: Find the chosen character, and check that motions can be written to it.
fcurve_keys: Keys of F-curves as plain arrays with their handles: shift, cut at a frame, join at seams.
interference: What else moves or holds a character: parents, constraints, drivers, other NLA tracks, options of the NLA.
pose_keys: Convert fitted keys of a clip to keys of pose bones, in quaternions and in Euler angles.
pose_reading: Read an Action of a character as a clip: the inverse of `smpl_rig.pose_channels`.
root_motion: Root motion in the armature object or in a root bone.
smpl_rig: An armature as the engine's skeleton, and a clip as the pose of its bones.
take_index: The Actions of each character, from one scan of the file that redraws reuse.
take_properties: What the extension stores in a file beside its property groups: custom properties, with their types and
    defaults.
visible_pose: The visible pose of bones on several frames.
"""

REGISTERED: tuple[str, ...] = ("take_index",)
"""Modules with classes or properties, in the order of registration."""
