"""Keys of a clip: one on each frame, or few with handles within a tolerance.

components     Vectors, quaternions and matrices with their components on the first axes.
fit_target     Target of the key fitting: samples of the clip, weights of the joints' errors, and frames to key
               first.
fitting        Key fitting: few editable keys for a dense clip, with every joint within a tolerance in millimetres.
high_rates     Key fitting at high frame rates: key times are searched on fewer frames, and the curves measured on all
               of them.
key_insertion  Keys that are added where the tolerance is exceeded: which ones, and their insertion without a new fit.
key_removal    Choice of keys that can be removed together while every joint stays within the tolerance.
key_search     Search for the key times: which errors get more weight, and the order of the rounds.
keys           Keys as plain arrays, dense (one key per frame) or sparse, ready to be written in bulk.
spline_fit     Least-squares Hermite splines for given key times, and their error.
"""
