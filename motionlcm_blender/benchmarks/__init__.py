"""How long generating takes on this machine, and how good the motions are.

quality  `motionlcm bench --quality`.
speed    `motionlcm bench`.
"""
