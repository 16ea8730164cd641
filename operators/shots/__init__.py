"""Shots: the list, the motion of each, and their track in the NLA.

edit_shots: What is done with the shots in the list: added, removed, moved, split, joined, baked.
generate_shots: The operators that generate shots, and the jobs that make one shot after the other.
nla_track: The shots of a character in the timeline: strips on one track of ours, one shot alone, or one baked Action.
shot_frames: Frames of shots as plain numbers: arranged, dragged, snapped.
shot_list: The shots of a character: an ordered list on the armature object, one after the other in the timeline.
shot_order: The order for one shot, which goes on from the shot before it.
shot_order_builder: One shot as a source of orders: it goes on from the shot before it and may end in the shot after
    it.
shot_transitions: Where a shot begins and where it ends: in the poses of its neighbours, or in a pose Action that the
    animator chose.
write_takes: A result as takes of a shot.
"""

REGISTERED: tuple[str, ...] = ("shot_list", "edit_shots", "generate_shots")
"""Modules with classes or properties, in the order of registration."""
