"""Training and evaluation of the model; not a part of the extension.

bench            `motionlcm bench --training`.
caption_speed_fit
                 Fits the network of `text/caption_speed.py`, which predicts how much the motion of a caption moves.
captured_speeds  Computes the numbers of `text/captured_speeds.py`: how much captured motion of each kind
                 moves.
command          `motionlcm train`.
config           The settings of a training run, read from a TOML file.
elbow_prior_fit  Fits the numbers of `motion/elbow_prior.py`.
export           Stage results into a model folder.
growth           Training from a smaller model: fewer layers, features and frames in a token.
loop             The training loop every stage shares.
optimizer        Muon for the matrices inside transformer blocks, AdamW for everything else.
precision        Which device and number format to train with, found by trying.
data/            Captured motion and captions into training data.
evaluation/      Measurements of a model against captured motion.
stages/          The stages of the training, each with its losses.
"""
