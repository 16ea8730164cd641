"""Body models of the SMPL family, read from the user's own files, and motions as their parameters.

body_model       The SMPL family of body models: shape, joints, linear blend skinning, pose-dependent shapes.
body_model_file  Reading of body models from the files of SMPL, SMPL-H and SMPL-X: .pkl and .npz.
body_parameters  The parameters of a moving SMPL body, and the same motion as a clip.
parameter_file   Motions as parameters in .npz files: those of AMASS and of research code.
"""
