"""Shots: the list, the motion of each, and their track in the NLA.

character_check: What keeps the chosen character from showing its motion, listed in the panel with buttons that repair
    it.
edit_shots: The operators that edit the list of shots: add, remove, move, split, join, bake.
generate_shots: The operators that generate shots, and the jobs that generate one shot after the other.
nla_track: The shots of a character in the NLA: strips on our track, one shot alone, or one baked Action.
shot_frames: Frames of shots as plain numbers: arrange, drag, snap.
shot_list: The shots of a character: an ordered list on the armature object, one shot after the other in the timeline.
shot_order: The job input for one shot, which continues the shot before it.
shot_order_builder: A shot as a source of job inputs: it continues the shot before it and may end in the pose of the
    shot after it.
shot_transitions: The start and end of a shot: in the poses of its neighbours, or in a pose Action that the animator
    chose.
write_takes: Write a result as takes of a shot.
"""

REGISTERED: tuple[str, ...] = ("shot_list", "character_check", "edit_shots", "generate_shots")
"""Modules with classes or properties, in the order of registration."""
