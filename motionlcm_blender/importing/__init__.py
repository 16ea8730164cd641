"""Published MotionLCM checkpoints into a model folder: read without running any of it, joined, checked."""
