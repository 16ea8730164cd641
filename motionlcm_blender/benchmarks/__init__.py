"""Benchmarks: duration of each stage on this machine, and quality of the motions.

comparison  `motionlcm bench --against FOLDER`: this source tree and another one, measured in turns.
live        `motionlcm bench --live`: how often a motion follows a path that is dragged, without a window.
quality     `motionlcm bench --quality`: quality of raw network output and of the final motion.
speed       `motionlcm bench`: duration of each stage on this machine, from a request to keys within 10 mm.
writing     Duration of writing an Action, in a Blender of its own.
"""
