"""Corrections of a sampled motion, as pure functions on arrays: they never see a request.

correction_splines  Corrections that are known on some frames, carried smoothly over the others.
foot_lock           Feet that stand still: hold each foot where it stands and solve the leg for it.
leg_ik              Two-bone leg IK: both ankles to given places, the pelvis eased so that the knees do not snap.
path_following      Put a motion exactly on its path.
pin_ik              Hands, feet, head and pelvis held exactly where they are pinned, by the whole body.
terrain             Motion made on a level floor, set onto ground that rises and falls.
transitions         A motion that begins or ends exactly with given frames.
"""
