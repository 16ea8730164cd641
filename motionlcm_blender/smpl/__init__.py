"""Body models of the SMPL family, read from the user's own files.

body_model       The SMPL family of body models: shape, joints and linear blend skinning.
body_model_file  Reading of body models from the files of SMPL, SMPL-H and SMPL-X: .pkl and .npz.
"""
