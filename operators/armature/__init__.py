"""The armature of a character, its Actions, and what is stored on them.

action_sampling: What the curves of an Action say at moments of time, without stepping the scene.
actions: Writing motion into Actions, on every Blender from 4.2 on, and their recipes.
character_lookup: The chosen character, and whether it can be written to.
fcurve_keys: Keys of F-curves as plain arrays: moved in time, cut at a frame, joined at seams, with their handles.
pose_keys: Fitted keys of a clip as keys of pose bones, in quaternions and in Euler angles.
pose_reading: An Action of a character read back as a clip: what `rig.pose_channels` writes, the other way round.
root_motion: The armature object as what carries the character over the floor.
smpl_rig: An armature seen as the engine's skeleton, and a clip as the pose of its bones.
take_properties: What the extension stores in a file beside its property groups: custom properties, with their types
    and defaults.
"""

REGISTERED: tuple[str, ...] = ()
"""Modules with classes or properties, in the order of registration."""
