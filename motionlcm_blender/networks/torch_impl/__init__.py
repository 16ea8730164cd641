"""The networks in PyTorch.

controlnet      The motion ControlNet and its trajectory encoder (docs/MODEL.md section 4).
cuda_graphs     Sampling with CUDA graphs.
denoiser        The denoiser, teacher or student (docs/MODEL.md section 3), and its parts shared with the
                ControlNet.
frame_groups    Several frames as one token, for models with another layout than the published one.
lapped_vae      A VAE whose latent tokens are windows of a lapped linear transform, with a transformer that refines
                what is decoded.
latent_tuning   Optimization of the initial noise so that one-step sampling meets its hints.
network         All networks of a MotionLCM model in PyTorch, under their official names.
torch_features  Joint positions from motion features in PyTorch, for losses on joints (docs/MODEL.md section 1).
transformer     Post-norm transformer blocks with U-Net-like skips (docs/MODEL.md section 2; source: MLD).
vae             The motion VAE with V2's latent adapter (docs/MODEL.md section 2).
"""
