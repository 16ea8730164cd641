"""Any humanoid armature: its description for the engine, and motions written onto it.

apply_motion: Write a clip of the engine onto an armature of any family as an Action, with the switches of its controls.
body_reading: Read an Action of a recognised armature as a clip of its body.
finger_keys: A relaxed hand, or the animator's own keys of fingers.
ik_keys: The motion of a control rig on its IK controls.
job_keys: From a motion to a clip and keys of a recognised armature, and to its channels.
joint_mapping: The mapping of joints onto bones as the animator sees and corrects it.
mapping_drawing: The mapping as a coloured figure in the viewport.
move_motion: What one armature shows, performed by another.
pick_bone: Pick the bone of a joint with the mouse.
recognised: The armature of a character, whatever family it is of.
rig_presets: The files of the animator's rig presets.
rig_description: An armature object as the engine's plain description.
stored_mapping: What is stored on an armature about its mapping.
switches: Set the switches by which the keyed controls of a rig rule, and put them back.
switch_watch: Put the switches back when the motion that set them is no longer on the rig.
visible_motion: The visible motion of a character as a clip of SMPL's joints.
visible_pose: Read what an armature of any family shows: one pose, or one on each frame.
"""

REGISTERED: tuple[str, ...] = (
    "ik_keys",
    "joint_mapping",
    "mapping_drawing",
    "move_motion",
    "pick_bone",
    "switch_watch",
)
"""Modules with classes or properties, in the order of registration."""
