"""How long generating takes on this machine, and how good the motions are.

quality  `motionlcm bench --quality`: quality of raw network output and of the final motion.
speed    `motionlcm bench`: duration of each stage on this machine, from a request to keys within 10 mm.
"""
