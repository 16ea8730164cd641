"""Live: a motion that follows its inputs while a person changes them. Plain Python; `operators/live` connects Blender.

gesture         The states of one change, from its first movement to the finished motion.
newest_request  A worker thread that always works on the newest request.
path_pace       Where a path is too demanding: speed, turns, and changes of gait.
"""
