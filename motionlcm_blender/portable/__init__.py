"""Inference in plain NumPy, from the same model folder: what runs where torch is absent."""
