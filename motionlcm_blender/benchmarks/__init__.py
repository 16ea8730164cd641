"""Benchmarks: duration of each stage on this machine, and quality of the motions.

comparison      `motionlcm bench --against FOLDER`: this source tree and another one, measured in turns.
goal_paths      Goals on drawn paths: facing, lean, corners, and whether the gait fits the speed.
goal_sequences  Goals of long motion and of shots that go on from one another.
goal_takes      Goals of takes without a path: feet, limbs, spread, loops, pins and in-betweens.
goals           Goals for handed-over motion, each with what it measures now: the second table of
                `motionlcm bench --quality`.
live            `motionlcm bench --live`: how often a motion follows a path that is dragged, without a window.
quality         `motionlcm bench --quality`: quality of raw network output and of the final motion.
speed           `motionlcm bench`: duration of each stage on this machine, from a request to keys within 10 mm.
writing         Duration of writing an Action, in a Blender of its own.
"""
