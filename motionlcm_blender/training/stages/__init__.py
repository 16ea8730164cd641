"""The stages of the training, each with its losses.

control_batches       Batches for the ControlNet: latents with a caption, and joint positions of their motion as
                      hints.
control_stage         The trajectory encoder and the ControlNet (MODEL.md section 4), for all patterns of
                      `hint_patterns`.
distillation_stages   Stages 2 and 3: the MLD++ teacher, and consistency distillation into the student (MODEL.md
                      section 3).
lapped_stage          The lapped transform of a `LappedVAE`: fitted alone, then turned to principal axes, before the
                      refiner is trained.
latent_batches        Batches of latents with captions.
phased_stage          Distillation in phases: each step of the student is a stretch of the teacher's trajectory.
run                   The stages in order, each resumable.
teacher_trajectories  What the teacher makes of pure noise, kept so that the student can learn to predict it in one
                      step.
vae_stage             Stage 1: the motion VAE (MODEL.md section 2).
"""
