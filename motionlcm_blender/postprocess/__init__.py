"""Corrections of a sampled motion, as pure functions on arrays, independent of requests.

correction_splines  Smooth interpolation over time of corrections that are known on some frames only.
floor_clearance     Feet that corrections have carried below the floor are raised to it.
foot_lock           Foot lock: keep each standing foot in place and solve the leg by inverse kinematics.
gait_fitting        Gait fitting: play a walk so that its steps come as often as people take them at the speed
                    of its path.
headings            Headings: where a figure faces, in which direction it travels, and the rotation that turns
                    it along a path.
hop_fitting         The free foot kept up during hops on one foot.
kick_fitting        A kick made as high as the prompt names it.
leg_ik              Two-bone leg IK to given ankle positions, with pelvis corrections that keep the knees from
                    snapping.
leg_separation      Legs that corrections have moved through each other are moved apart.
loop_feet           Feet of a loop: standing feet stay in place where the end of a round fades into its start.
path_following      Path following: move a motion exactly onto its path.
pin_ik              Full-body IK for pins: hands, feet, head and pelvis at given positions.
pin_moves           Moves of the whole figure over the floor that bring it into reach of its pins.
setting_off         Setting off: find where a free motion goes on best from given frames, and the times at which it
                    is played from there.
stitching           Stitching: find where one motion goes on best as another, and join them there.
terrain             Adaptation of a motion on a level floor to uneven ground.
transitions         Exact start and end frames, with the difference blended over half a second.
turn_fitting        A turn made as wide as the prompt names it.
"""
