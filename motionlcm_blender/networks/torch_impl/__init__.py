"""The networks in PyTorch.

controlnet      The motion ControlNet and its trajectory encoder (MODEL.md section 4).
cuda_graphs     Sampling as one recorded piece of work for a graphics card (CUDA graphs).
denoiser        The denoiser, teacher or student (MODEL.md section 3), and what the ControlNet shares with it.
frame_groups    Several frames as one token, for models that are not of the published layout.
latent_tuning   Choosing the start noise so that one-step sampling meets its hints.
network         All networks of a MotionLCM model under their official names.
torch_features  Joint positions from motion features in torch, so that losses on joints reach the networks (MODEL.md
                section 1).
transformer     Post-norm transformer blocks with U-Net-like skips (MODEL.md section 2; "skip transformer", MLD,
                Chen et al.
vae             The motion VAE with V2's latent adapter (MODEL.md section 2).
"""
