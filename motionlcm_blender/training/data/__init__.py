"""Captured motion and captions into training data.

action_detectors      What a motion does, found from its joints alone.
action_lengths        How long captured actions take, by verb, for the suggestion of a length
                      (`text.length_suggestion`).
amc_source            Reading Acclaim motion: a skeleton (.asf) and its movement (.amc), in CMU's conventions.
augmentation          More motion from captured motion: mirrored, bent, sped up, reversed, and gaits that go
                      on.
bvh_source            Reading BVH motion: any hierarchy, any order of channels.
caption_families      What a caption is mainly about, so that training sees every kind of action often enough
                      (caption_families.toml).
caption_text          Captions taken apart and put together.
caption_variations    Captions in other words: subjects, forms, synonyms, additions (caption_variations.toml).
caption_words         The word lists of `caption_variations`, and the forms of English verbs.
captions              Captions as padded batches of text tokens, each caption encoded once.
captured_actions      Actions found in captured motion by the motion and by its captions.
captured_rotations    Captured clips whose bone rotations are known, not only their joints.
clip_pool             Whole clips as features, for the VAE: as captured, slower, faster and bent.
composition           Examples composed of captured pieces, for what animators request and the captures hold too
                      little of.
feature_pool          Examples as features, one after the other in one array, with their weights; saved as a
                      folder of two files.
gait_examples         Walks and runs that go on: a captured gait looped, made slower and faster, bent and
                      reversed.
gesture_synthesis     Everyday gestures laid over captured standing and walking.
hint_patterns         Which joint positions a ControlNet is shown while it trains.
joint_names           Which joint of a captured skeleton is which of the 22: by name, for the conventions
                      people use.
motion_data           Captured motion with captions, as `motionlcm prepare` writes it.
motion_piece          A piece of captured motion: joints, and how head and hands turn where that was captured.
normalisation         Mean and standard deviation of features and of control hints.
packed_data           Training data in one small file, and back.
piece_joining         Pieces of motion put together.
pool                  The pool of captioned examples for teacher, student and ControlNet.
predicate_forms       The predicate of a caption, with the verbs marked.
prepare               `motionlcm prepare`: BVH or ASF/AMC files with captions become training data.
row_choice            Choose examples of similar length for a batch, so that little of it is padding.
sequence_composition  Examples of whole segments put together.
shards                Training data made in parts, each in a process of its own.
straight_examples     Captured locomotion with its path made straight, for the ControlNet.
vocabulary            Counts the words of the training split's captions, for a model folder's
                      vocabulary.json.
"""
