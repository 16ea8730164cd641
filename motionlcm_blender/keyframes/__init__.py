"""Keys of a clip: one on each frame, or few with handles within a tolerance.

fit_target   The clip that keys are fitted to.
fitting      Few editable keys for a dense clip, every joint within a tolerance in millimetres.
key_removal  Which keys can be removed together while every joint stays within the tolerance.
keys         A clip as plain arrays of keys, one list of times for all bones, ready to be written in bulk.
spline_fit   Least-squares Hermite splines for given key times, and how far they are from the clip.
"""
