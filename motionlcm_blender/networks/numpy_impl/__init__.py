"""The networks in NumPy alone: what runs where PyTorch is absent.

layers   Transformer layers in NumPy float32, for inference.
matmul   Matrix products that are quick whether or not NumPy was built with a BLAS.
network  A whole MotionLCM model in NumPy float32, for inference: the same doors as the torch networks.
"""
