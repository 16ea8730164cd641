"""Keys of a clip: one on each frame, or few with handles within a tolerance.

fit_target   Target of the key fitting: samples of the clip, weights of the joints' errors, and frames to key
             first.
fitting      Key fitting: few editable keys for a dense clip, with every joint within a tolerance in millimetres.
key_removal  Choice of keys that can be removed together while every joint stays within the tolerance.
keys         Keys as plain arrays, dense (one key per frame) or sparse, ready to be written in bulk.
spline_fit   Least-squares Hermite splines for given key times, and their error.
"""
