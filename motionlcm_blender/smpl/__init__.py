"""Body models of the SMPL family that a user has.

body_model       The SMPL family of body models: shape, joints and linear blend skinning.
body_model_file  Body models from the files that SMPL, SMPL-H and SMPL-X are handed out in: .pkl and .npz.
"""
