"""Training and evaluation of the model; not a part of the extension.

bench                 `motionlcm bench --training`.
caption_families      What a caption is mainly about, so that training sees every kind of action often enough
                      (caption_families.toml).
caption_text          Captions taken apart and put together.
captured_actions      Actions found in captured motion by what it does and what its captions say.
clip_pool             Whole clips as features, for the VAE: as captured, slower, faster and bent.
command               `motionlcm train`.
config                The settings of a training run, read from a TOML file.
control_batches       Batches for the ControlNet: latents with a caption, and joint positions of their motion as
                      hints.
elbow_prior_fit       Fits the numbers of `motion/elbow_prior.py`.
export                Stage results into a model folder.
gait_examples         Walks and runs that go on: a captured gait looped, made slower and faster, bent and reversed.
loop                  The training loop every stage shares.
motion_piece          A piece of captured motion: joints, and how head and hands turn where that was captured.
normalisation         Mean and standard deviation of features and of control hints.
optimizer             Muon for the matrices inside transformer blocks, AdamW for everything else.
piece_joining         Pieces of motion put together.
precision             Which device and number format to train with, found by trying.
sequence_composition  Examples of whole segments put together.
straight_examples     Captured locomotion with its path made straight, for the ControlNet.
data/                 Captured motion and captions into training data.
evaluation/           Measurements of a model against captured motion.
stages/               The stages of the training, each with its losses.
"""
