"""Benchmarks: duration of each stage on this machine, and quality of the motions.

quality  `motionlcm bench --quality`: quality of raw network output and of the final motion.
speed    `motionlcm bench`: duration of each stage on this machine, from a request to keys within 10 mm.
"""
