"""Captured motion and captions into training data.

action_detectors    What a motion does, told from its joints alone.
amc_source          Reading Acclaim motion: a skeleton (.asf) and its movement (.amc), in CMU's conventions.
augmentation        More motion from captured motion: mirrored, bent, sped up, reversed, and gaits that go on.
bvh_source          Reading BVH motion: any hierarchy, any order of channels.
captions            Captions as padded batches of text tokens, each caption encoded once.
captured_rotations  Captured clips whose bone rotations are known, not only their joints.
composition         Examples composed of captured pieces, for what animators ask and the captures hold too little
                    of.
hint_patterns       Which joint positions a ControlNet is shown while it trains.
joint_names         Which joint of a captured skeleton is which of the 22: by name, for the conventions people use.
motion_data         Captured motion with captions, as `motionlcm prepare` writes it.
pool                The pool of captioned examples for teacher, student and ControlNet.
prepare             `motionlcm prepare`: BVH or ASF/AMC files with captions become training data.
vocabulary          Counts what the captions of the training split say, for a model folder's vocabulary.json.
"""
