"""The stages of the training, each with its losses.

control_batches       Batches for the ControlNet: latents with a caption, and joint positions of their motion as
                      hints.
control_stage         The trajectory encoder and the ControlNet (MODEL.md section 4), for all patterns of
                      `hint_patterns`.
distillation_stages   Stages 2 and 3: the MLD++ teacher, and consistency distillation into the student (MODEL.md
                      section 3).
latent_batches        Batches of latents with captions.
run                   The stages in order, each resumable.
teacher_trajectories  What the teacher makes of pure noise, kept so that the student can learn to say it in one
                      step.
vae_stage             Stage 1: the motion VAE (MODEL.md section 2).
"""
