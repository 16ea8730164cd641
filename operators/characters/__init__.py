"""Characters added to a scene: the mannequin, and bodies of SMPL files.

add_character: Add Character: an armature with SMPL bones and a mannequin on it.
add_smpl_body: Add SMPL Body: the skinned body of a file that the user has under its authors' licence.
mannequin: The body of a new character: a plain mannequin of tubes and balls, bound to the bones.
pose_corrections: Bake Pose Corrections: the pose-dependent shapes of an SMPL body as shape keys with keyed values.
smpl_mesh: A body model as an armature and a mesh: bones at its joints, its weights as vertex groups, its shapes as
    shape keys.
"""

REGISTERED: tuple[str, ...] = ("add_character", "add_smpl_body", "pose_corrections")
"""Modules with classes or properties, in the order of registration."""
